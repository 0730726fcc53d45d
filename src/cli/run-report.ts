import { exitCodeOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { ERRORS } from '../core/errors.ts';
import type { RunReport } from '../runs/runs.ts';
import { table } from './commands/command.ts';
import type { CliIo } from './commands/command.ts';
import { formatNumber, seconds } from './run-progress.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { TUNE } from '../core/tune-plan.ts';
import { valueText } from '../tuning/describe.ts';

/**
 * The end of a run for people, the JSON document for programs, and the exit code. `place`: where in the document its failure comes from.
 */
export function reportRun(run: RunReport, io: CliIo, place?: string): void {
  io.result(run);
  const took = run.endedAt === null || run.startedAt === '' ? '' : ` in ${seconds(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`;
  if (run.status === 'nothingNew' || run.stoppedBy !== undefined) io.print(`\n${run.headline}`);
  const cached = run.steps.filter((step) => step.cached).length;
  io.print(
    `\nRun ${run.pipeline}/${run.runId} ${run.status}${took}${cached === 0 ? '' : `; ${cached} of ${run.steps.length} steps from the cache`}`,
  );
  if (run.evidence !== undefined) io.print(`Started because of ${String(run.evidence['trigger'] ?? run.trigger)}: ${run.why ?? ''}`);
  for (const line of noteLines(run)) io.print(line);
  for (const line of searchLines(run)) io.print(line);
  if (Object.keys(run.metrics).length > 0) io.print(`\n${table(metricRows(run))}`);
  for (const line of intervalLines(run)) io.print(line);
  for (const note of metricNotes(run)) io.print(note);
  if (run.verdict === 'ungated') io.print(`\nGate: ungated (no gates were set${besideLine(run)})`);
  else if (reasons(run) !== '') io.print(`\nGate: ${run.verdict}${reasons(run)}`);
  if (run.model !== null && run.version !== null)
    io.print(`Model: ${run.model} version ${run.version}${run.standing === null ? '' : ` ${run.standing}`}`);
  for (const line of targetLines(run)) io.print(line);
  if (heldBack(run)) io.print(`Let it serve all the same: perennial models promote ${run.model!} ${run.version!}`);
  if (run.urls.report !== undefined) io.print(`Report: ${run.urls.report}`);
  else if (run.model !== null && run.version !== null && Object.keys(run.metrics).length > 0)
    io.print('Report: no server shows it now; start one with `perennial up --detach`.');
  io.print(uiLine(run.urls.temporal));
  if (run.failure !== null) {
    io.note(`\nerror ${run.failure.code}${run.failure.step === undefined ? '' : ` in step "${run.failure.step}"`}: ${run.failure.message}`);
    if (place !== undefined) io.note(`  at: ${place}`);
    io.note(`  logs: perennial runs logs ${run.pipeline}/${run.runId}`);
  }
  io.exit(exitCodeOfRun(run));
}

/** Where the champion is kept besides the servers. */
function targetLines(run: RunReport): string[] {
  return run.steps.flatMap(({ values }) => {
    const targets = values?.['targets'];
    if (!Array.isArray(targets)) return [];
    return (targets as unknown as readonly { readonly target: string; readonly place: string; readonly version: number }[]).map(
      (one) => `Target: ${one.target} at ${one.place} shows version ${one.version}`,
    );
  });
}

/** Registered, and promoted by nobody yet: in a freeze, or with too few wins. */
function heldBack({ live, standing }: RunReport): boolean {
  return live === false && standing !== null && /\((frozen until|won \d+ of)/.test(standing);
}

/** Of each search: its winner, with the values that went on. */
function searchLines(run: RunReport): string[] {
  return run.steps.flatMap(({ type, values }) => {
    if (type !== TUNE || values === undefined) return [];
    const { study, winner, trials, search, front } = values as Readonly<Record<string, Json>>;
    const point = Object.entries(search as JsonObject);
    return [
      `\n${table([['SEARCHED', 'WINNER'], ...point.map(([name, value]) => [name, valueText(value)])])}`,
      `(trial ${String(winner)} of ${String(trials)}${Array.isArray(front) ? `; ${front.length} on the Pareto front` : ''}; all of them: perennial studies show ${String(study)})`,
    ];
  });
}

/** Where the run is seen in the Temporal UI. */
export function uiLine(url: string | null): string {
  return `Temporal UI: ${url ?? 'its address is not known here; TEMPORAL_UI_URL says it'}`;
}

/** 0 completed, or nothing new · 1 failed · 3 a gate said no, or another run was going · 4 a service was away · 130 cancelled. */
export function exitCodeOfRun(run: Pick<RunReport, 'status' | 'failure'>): number {
  if (run.status === 'completed' || run.status === 'nothingNew' || run.status === 'running') return 0;
  if (run.status === 'rejected' || run.status === 'skipped') return 3;
  if (run.status === 'cancelled') return 130;
  const code = run.failure?.code;
  if (code === undefined || !Object.hasOwn(ERRORS, code)) return 1;
  const exit = exitCodeOf(code as ErrorCode);
  // The document was good enough to run, so whatever a step then met is a failed run.
  return exit === 2 || exit === 130 ? 1 : exit;
}

/** What steps did with the data that nobody told them to. */
function noteLines(run: RunReport): string[] {
  const notes = run.steps.flatMap(({ id, values }) => ((values?.['warnings'] ?? []) as readonly string[]).map((note) => `${id}: ${note}`));
  return notes.length === 0 ? [] : ['', ...notes.map((note) => `note  ${note}`)];
}

/** Where the metrics would be with other test rows of the same kind. */
function intervalLines(run: RunReport): string[] {
  const values: Record<string, unknown> = Object.assign({}, ...run.steps.map((step) => step.values ?? {}));
  const ranges = Object.keys(run.metrics).flatMap((name) => {
    const range = values[`interval_${name}`];
    return typeof range === 'string' ? [`${name} ${range}`] : [];
  });
  return ranges.length === 0 ? [] : [`95 % of other test rows: ${ranges.join(', ')}`];
}

/** What metrics of the run are not about, or why there is none, a line each. */
function metricNotes(run: RunReport): string[] {
  const values: Record<string, unknown> = Object.assign({}, ...run.steps.map((step) => step.values ?? {}));
  return Object.entries(values).flatMap(([key, note]) =>
    key.startsWith('note_') && typeof note === 'string' ? [`${key.slice('note_'.length)}: ${note}`] : [],
  );
}

/** The model's metrics, beside them those of the champion and of the naive forecast on the same rows, where the evaluation has them. */
function metricRows(run: RunReport): string[][] {
  const values: Record<string, unknown> = Object.assign({}, ...run.steps.map((step) => step.values ?? {}));
  const others = (['champion', 'baseline'] as const).filter((who) =>
    Object.keys(run.metrics).some((name) => typeof values[`${who}_${name}`] === 'number'),
  );
  const cell = (value: unknown): string => (typeof value === 'number' ? formatNumber(value) : '');
  return [
    ['METRIC', 'VALUE', ...others.map((who) => who.toUpperCase())],
    ...Object.entries(run.metrics).map(([name, value]) => [
      name,
      formatNumber(value),
      ...others.map((who) => cell(values[`${who}_${name}`])),
    ]),
  ];
}

/** Gates of a model that the run does not register say nothing of the one that it does. */
function besideLine(run: RunReport): string {
  const steps = run.steps.filter(({ ofAnotherModel, verdict }) => ofAnotherModel === true && verdict?.ungated !== true).map(({ id }) => id);
  return steps.length === 0 ? '' : ` for this model; ${steps.map((id) => JSON.stringify(id)).join(', ')} judged another`;
}

function reasons(run: RunReport): string {
  const all = run.steps.flatMap((step) =>
    step.ofAnotherModel === true && run.verdict !== 'rejected' ? [] : (step.verdict?.reasons ?? []),
  );
  return all.length === 0 ? '' : ` (${all.join('; ')})`;
}
