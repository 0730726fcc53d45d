import type { JsonObject } from '../../core/json.ts';
import type { PlanInput, PlanStep } from '../../core/plan.ts';
import { DEFAULT_RETRY } from '../../core/step.ts';
import { foldId } from '../../core/folds.ts';
import { resolveSplit } from '../../data/ingest/split.ts';
import type { SplitConfig } from '../../data/ingest/split.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { isObject } from '../schema-walk.ts';
import { renamed } from './renamed.ts';

/** What every fold does by itself, so that nothing is learnt of the rows that it holds out. */
export interface Folded {
  /** Whose train split is divided. */
  readonly rows: PlanInput;
  /** How: as the rows were split before. */
  readonly division: JsonObject;
  /** Steps that every fold has its own copy of. */
  readonly copied: ReadonlySet<string>;
}

/** Why something cannot be cross-validated, and what to do. */
export interface FoldProblem {
  readonly message: string;
  readonly fix: string;
}

/**
 * What has to be done again for every fold of a model: all that is made from its rows, the preprocessing too.
 *
 * @param steps of a document, in its order
 * @param target the step that trains
 * @param wanted further steps that are made from it, by id
 */
export function foldedOf(
  pipeline: string,
  steps: readonly PlanStep[],
  target: PlanStep,
  wanted: ReadonlySet<string> = new Set(),
): Folded | FoldProblem {
  const ancestors = withAncestors(steps, target);
  const consumers = ancestors.filter((step) => rowsOf(step) !== undefined && !Object.values(step.outputs).includes('dataset'));
  const sources = new Map(consumers.map((step) => [`${rowsOf(step)!.step}.${rowsOf(step)!.output}`, rowsOf(step)!]));
  const [rows, second] = sources.values();
  if (rows === undefined)
    return {
      message: `"${target.id}" learns from examples that are made from no dataset, so that there are no rows to divide.`,
      fix: 'Leave "folds" out, or make the examples by a step that takes a dataset, such as preprocess.',
    };
  if (second !== undefined)
    return {
      message: `"${target.id}" is made from two datasets, of "${rows.step}" and "${second.step}"; folds divide the rows of one.`,
      fix: 'Leave "folds" out.',
    };
  const copied = new Set<string>();
  for (const step of steps) {
    const counts = ancestors.includes(step) || wanted.has(step.id);
    const below = Object.values(step.inputs).some(
      (input) => copied.has(input.step) || (input.step === rows.step && input.kind === 'dataset'),
    );
    if (counts && below && !Object.values(step.outputs).includes('dataset')) copied.add(step.id);
  }
  const registered = new Set(steps.flatMap(({ type, config }) => (type === 'register' ? [String(config['model'] ?? pipeline)] : [])));
  const problem = leaks(
    steps.filter(({ id }) => copied.has(id)),
    registered,
  );
  return problem ?? { rows, division: divisionOf(steps, rows), copied };
}

/** The steps with a copy for every fold of those that need one. */
export function foldSteps(steps: readonly PlanStep[], { rows, division, copied }: Folded, folds: number): PlanStep[] {
  const once = steps.filter(({ id }) => !copied.has(id));
  const again = steps.filter(({ id }) => copied.has(id));
  const numbers = Array.from({ length: folds }, (_, at) => at + 1);
  return [
    ...once,
    ...numbers.flatMap((fold) => [heldOut(rows, division, folds, fold), ...again.map((step) => copyOf(step, rows, copied, folds, fold))]),
  ];
}

/** The step that measures a model on the rows that a fold holds out. */
export function asMeasured(step: PlanStep): PlanStep {
  return { ...step, config: { ...step.config, heldOut: true } };
}

const HELD_OUT = 'rows';

function heldOut(rows: PlanInput, division: JsonObject, folds: number, fold: number): PlanStep {
  return {
    id: foldId(HELD_OUT, fold),
    type: 'fold',
    version: 1,
    config: { ...division, folds, fold },
    inputs: { dataset: rows },
    outputs: { dataset: 'dataset' },
    retry: DEFAULT_RETRY,
    startToCloseMs: 3_600_000,
    heartbeatMs: 60_000,
    cache: true,
    summary: `holds out fold ${fold} of ${folds}`,
  };
}

function copyOf(step: PlanStep, rows: PlanInput, copied: ReadonlySet<string>, folds: number, fold: number): PlanStep {
  const inputs = Object.fromEntries(
    Object.entries(step.inputs).map(([name, input]): [string, PlanInput] => {
      if (copied.has(input.step)) return [name, { ...input, step: foldId(input.step, fold) }];
      const divided = input.kind === 'dataset' && input.step === rows.step && input.output === rows.output;
      return [name, divided ? { ...input, step: foldId(HELD_OUT, fold), output: 'dataset' } : input];
    }),
  );
  const { search: _search, judges: _judges, ...kept } = step;
  return {
    ...kept,
    id: foldId(step.id, fold),
    inputs,
    summary: `fold ${fold} of ${folds}: ${step.summary}`,
    ...(step.if === undefined ? {} : { if: renamed(step.if, (id) => (copied.has(id) ? foldId(id, fold) : id)) }),
  };
}

function rowsOf({ inputs }: PlanStep): PlanInput | undefined {
  return Object.values(inputs).find(({ kind }) => kind === 'dataset');
}

function withAncestors(steps: readonly PlanStep[], target: PlanStep): PlanStep[] {
  const found = new Set([target.id]);
  for (const step of [...steps].reverse()) if (found.has(step.id)) for (const { step: id } of Object.values(step.inputs)) found.add(id);
  return steps.filter(({ id }) => found.has(id));
}

/** As the rows were split: what stays together there, and the order of time. */
function divisionOf(steps: readonly PlanStep[], rows: PlanInput): JsonObject {
  let from = steps.find(({ id }) => id === rows.step);
  while (from !== undefined && from.type !== 'ingest') {
    const before = rowsOf(from);
    from = before === undefined ? undefined : steps.find(({ id }) => id === before.step);
  }
  if (from === undefined) return { by: 'hash', seed: 1 };
  const { split, seed = 1 } = from.config;
  const { by, column, key, stratify } = resolveSplit(isObject(split) ? (split as unknown as Partial<SplitConfig>) : undefined);
  return {
    by: by === 'column' ? 'hash' : by,
    ...(by === 'time' && column !== undefined ? { column } : {}),
    ...(key === undefined ? {} : { key }),
    // Classes are kept in every fold by themselves, also where the split left them to chance.
    ...(stratify === true ? { stratify } : {}),
    seed,
  };
}

/** What models of some objectives give in place of an answer for each row. */
const UNMEASURED: Readonly<Record<string, string>> = { nextToken: 'texts', adversarial: 'samples' };

/** What has seen the rows that a fold holds out already, or cannot be measured on them. */
function leaks(copies: readonly PlanStep[], registered: ReadonlySet<string>): FoldProblem | undefined {
  for (const { id, type, config } of copies) {
    const gives = type === 'train' ? UNMEASURED[objectiveNamed(config)] : undefined;
    if (gives !== undefined)
      return {
        message: `"${id}" learns to give ${gives}, which no metric of single rows measures.`,
        fix: 'Leave "folds" out.',
      };
    if (config['anomaly'] !== undefined)
      return {
        message: `"${id}" keeps anomalies for the test split alone, so that a fold would be measured on other rows than it learns from.`,
        fix: 'Leave "folds" out, or "anomaly" of the preprocess step.',
      };
    const from = isObject(config['model']) ? config['model']['from'] : config['from'];
    const name = isObject(from) ? from['model'] : undefined;
    if (typeof name === 'string' && registered.has(name))
      return {
        message: `"${id}" starts from versions of "${name}", which this document registers: they have learnt from rows that the folds hold out.`,
        fix: 'Leave "folds" out, or start from another model.',
      };
  }
  return undefined;
}
