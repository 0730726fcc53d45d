import { compileOrThrow, compileText } from '../../config/plan-document.ts';
import { formatDiagnostic } from '../../config/diagnostic.ts';
import { loadDocument } from '../../config/load-document.ts';
import { migrate } from '../../config/migrations.ts';
import { durationMs } from '../../core/duration.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import type { IngestConfig } from '../../data/ingest/ingest-config.ts';
import { labelList } from '../../data/ingest/label-columns.ts';
import { triggers } from '../../monitoring/triggers/index.generated.ts';
import { modelOf } from '../../runs/search-attributes.ts';

type Writable = { -readonly [key in keyof JsonObject]: Json };

/** A document that can be simulated. */
export interface Prepared {
  readonly file: string;
  readonly model: string;
  readonly documentDir: string;
  readonly ingest: IngestConfig;
  readonly label: string;
  /** Columns of time that decide on rows: the stream fills them in. */
  readonly times: readonly string[];
  /** Days of rows that it takes; undefined: all. */
  readonly keepDays: number | undefined;
  /** People flag answers only where the document listens to them. */
  readonly listensToFlags: boolean;
  readonly notes: readonly string[];
  /** The plan over another source. */
  planFor(source: string): Plan;
  /** The same, with a training that hardly learns. */
  weakPlanFor(source: string): Plan;
}

const DAY_MS = 86_400_000;
/** Keys of `on` by which others are told: nobody is told of what is only played. */
const TOLD: readonly string[] = ['notify', 'publish', ...triggers.filter(({ tells }) => tells === true).map(({ name }) => name)];
/** A training that leaves its weights as they were drawn. */
const WEAK = { epochs: 1, optimizer: { sgd: { learningRate: 1e-9 } } } as const;

/**
 * Reads a document for a simulation.
 *
 * @throws DOCUMENT_INVALID, DOCUMENT_UNREADABLE; USAGE for a document that cannot be played
 */
export async function prepare(file: string, params: Readonly<Record<string, Json>>): Promise<Prepared> {
  const plan = await compileOrThrow(file, { params });
  const { document } = migrate((await loadDocument(file)).document!.value);
  const ingest = only(plan, ({ type }) => type === 'ingest', 'ingest');
  only(plan, ({ outputs }) => Object.values(outputs).includes('model'), 'train');
  const model = modelOf(plan);
  if (model === undefined || !plan.steps.some(({ type }) => type === 'deploy'))
    throw cannot('it registers and deploys no model, so that nothing would ever serve', 'Add a "register" and a "deploy" step.');
  refuseDeeds(plan.steps);
  refusePauses(plan);
  const config = ingest.config as unknown as IngestConfig;
  const declared = new Set(Object.keys((document as JsonObject)['on'] ?? {}));
  const labels = labelList(config.label);
  if (labels.length !== 1)
    throw cannot(
      labels.length === 0 ? 'its rows have no label, by which answers could be judged' : `it predicts ${labels.length} columns at once`,
      'Simulate a document whose ingest step names one "label".',
    );
  const times = [
    config.time?.column,
    config.time?.knownAt,
    config.window?.column,
    config.split?.by === 'time' ? config.split.column : undefined,
  ];
  const compile = (source: string, change: (steps: Writable[]) => void): Plan => {
    const copy = structuredClone(document) as Writable;
    const { steps, on } = copy as unknown as { steps: Writable[]; on?: Writable };
    for (const name of TOLD) delete on?.[name];
    const reads = steps.find(({ uses }) => String(uses).startsWith('ingest'))!;
    (reads['with'] as Writable)['source'] = { format: 'csv', path: source };
    change(steps);
    const { plan: changed, diagnostics } = compileText(file, JSON.stringify(copy), { params });
    if (changed === undefined)
      throw new PerennialError('DOCUMENT_INVALID', `${file} over a generated source:\n${diagnostics.map(formatDiagnostic).join('\n')}`);
    return changed;
  };
  return {
    file,
    model,
    documentDir: plan.documentDir,
    ingest: config,
    label: labels[0]!,
    times: [...new Set(times.filter((name) => name !== undefined))],
    keepDays: keptDays(config),
    listensToFlags: plan.on.triggers?.['feedback'] !== undefined,
    notes: TOLD.filter((name) => declared.has(name)).map((name) => `Nobody was told anything: "on.${name}" was left out.`),
    planFor: (source) => compile(source, () => undefined),
    weakPlanFor: (source) =>
      compile(source, (steps) => {
        for (const step of steps)
          if (String(step['uses']).startsWith('train')) step['with'] = { ...(step['with'] as JsonObject), ...WEAK, callbacks: [] };
      }),
  };
}

function only(plan: Plan, is: (step: PlanStep) => boolean, name: string): PlanStep {
  const found = plan.steps.filter(is);
  if (found.length === 1) return found[0]!;
  throw cannot(
    found.length === 0 ? `it has no "${name}" step` : `it has ${found.length} "${name}" steps (${found.map(({ id }) => id).join(', ')})`,
    `Simulate a document with one "${name}" step.`,
  );
}

/** What reaches beyond the simulation, and what waits for people. */
function refuseDeeds(steps: readonly PlanStep[]): void {
  for (const { id, type, config } of steps) {
    if (type === 'approve') throw cannot(`the step "${id}" waits for people, and none are there`, 'Take the "approve" step out.');
    if (type === 'score' || (type === 'deploy' && config['to'] === 'directory'))
      throw cannot(
        `the step "${id}" writes files beside the document`,
        `Take the step out${type === 'deploy' ? ', or deploy "to": "server"' : ''}.`,
      );
    const foreign = ((config['targets'] as readonly Json[] | undefined) ?? []).find((target) => target !== 'server');
    if (type === 'deploy' && foreign !== undefined)
      throw cannot(
        `the step "${id}" keeps the model at ${JSON.stringify(foreign)}, which is somebody's place`,
        'Leave only "server" in "targets", or take "targets" out.',
      );
    if (type === 'command' || type === 'script')
      throw cannot(`the step "${id}" runs a program, which does not live by the simulated clock and may do anything`, 'Take the step out.');
  }
}

/** Temporal's test server has no schedules that could be paused. */
function refusePauses({ on }: Plan): void {
  const acting = { drift: on.drift, newData: on.newData, ...on.triggers };
  const pauses = Object.entries(acting).find(([, trigger]) => trigger?.do?.kind === 'pause');
  if (pauses !== undefined)
    throw cannot(`"on.${pauses[0]}" pauses schedules, and Temporal's test server has none`, `Let "on.${pauses[0]}.do" be another action.`);
}

function keptDays({ mode, recent, window }: IngestConfig): number | undefined {
  const last = mode === 'recent' ? recent?.last : window?.last;
  return last === undefined ? undefined : durationMs(last) / DAY_MS;
}

function cannot(why: string, hint: string): PerennialError {
  return new PerennialError('USAGE', `The document cannot be simulated: ${why}.`, { hint });
}
