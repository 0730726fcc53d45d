import { threadsFor, workInThreads } from '../../platform/threads.ts';
import { encodeRows } from './encode-rows.ts';
import type { LeftOut } from './encode-rows.ts';
import type { JointScore, JointTestDefinition } from './joint-test.ts';
import type { JointTask } from './joint-thread.ts';
import { thinnedRows } from './row-sample.ts';
import type { RowSample } from './row-sample.ts';

/** A test of whole rows with its settings. */
export interface ChosenJointTest {
  readonly definition: JointTestDefinition;
  /** Of the effect. */
  readonly threshold: number;
  readonly pValue: number;
  /** Of either side, at most. */
  readonly rows: number;
}

/** What a test of whole rows says. */
export interface JointDrift {
  readonly test: string;
  /** "skipped": not compared, for `reason`. */
  readonly status: 'compared' | 'skipped';
  /** What the effect is, e.g. "ROC AUC". */
  readonly effect: string;
  /** null where nothing was compared. */
  readonly score: number | null;
  readonly threshold: number;
  readonly pValue: number | null;
  /** The p-value after it was corrected for all places that were looked at: this one is judged. */
  readonly corrected?: number;
  /** Threshold of the p-value. */
  readonly pValueThreshold: number;
  readonly drifted: boolean;
  /** One sentence. */
  readonly reason: string;
  /** Rows that were looked at. */
  readonly rowsReference: number;
  readonly rowsCurrent: number;
  /** Columns that were compared, and those that were not. */
  readonly columns: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Longer work, in milliseconds, is done in a thread: the event loop has to go on. */
const AT_ONCE_MS = 20;
const SEED = 0;

/**
 * Tests of whole rows, before it is known how many columns are judged beside them.
 *
 * @param names of the columns that can be compared
 * @param leftOut the others
 */
export async function compareRows(
  tests: readonly ChosenJointTest[],
  reference: RowSample | undefined,
  current: RowSample,
  names: readonly string[],
  leftOut: readonly LeftOut[],
): Promise<JointDrift[]> {
  const bases = tests.map((test) => ({ test, ...baseOf(test, reference, current, names, leftOut) }));
  const tasks = bases.flatMap(({ task }) => (task === undefined ? [] : [task]));
  const scores = await scoresOf(
    tasks,
    bases.map(({ test }) => test.definition),
  );
  let at = 0;
  return bases.map(({ base, task }) => {
    if (task === undefined) return base;
    const { effect, pValue } = scores[at++]!;
    return { ...base, score: effect, pValue };
  });
}

function baseOf(
  { definition, threshold, pValue, rows }: ChosenJointTest,
  reference: RowSample | undefined,
  current: RowSample,
  names: readonly string[],
  leftOut: readonly LeftOut[],
): { readonly base: JointDrift; readonly task?: JointTask } {
  const base = {
    test: definition.name,
    effect: definition.effect,
    score: null,
    threshold,
    pValue: null,
    pValueThreshold: pValue,
    drifted: false,
    rowsReference: 0,
    rowsCurrent: 0,
    columns: [],
    leftOut,
  };
  const skipped = (reason: string): { readonly base: JointDrift } => ({ base: { ...base, status: 'skipped', reason } });
  if (reference === undefined) return skipped('The rows of the training are not in the store: a version keeps them with its dataset.');
  const [then, now] = [thinnedRows(reference, rows), thinnedRows(current, rows)];
  if (Math.min(then.rows, now.rows) < definition.minRows)
    return skipped(`Too few rows to compare (${then.rows} of the reference, ${now.rows} now; ${definition.minRows} are needed).`);
  const encoded = encodeRows(then, now, names);
  const all = [...leftOut, ...encoded.leftOut];
  if (encoded.columns.length === 0)
    return { base: { ...base, leftOut: all, status: 'skipped', reason: 'No column is left to compare rows by.' } };
  return {
    base: {
      ...base,
      status: 'compared',
      reason: '',
      rowsReference: then.rows,
      rowsCurrent: now.rows,
      columns: encoded.columns,
      leftOut: all,
    },
    task: { test: definition.name, reference: encoded.reference, current: encoded.current, seed: SEED },
  };
}

async function scoresOf(tasks: readonly JointTask[], definitions: readonly JointTestDefinition[]): Promise<JointScore[]> {
  const definitionOf = ({ test }: JointTask): JointTestDefinition => definitions.find(({ name }) => name === test)!;
  const cost = tasks.reduce(
    (sum, task) => sum + definitionOf(task).cost(Math.max(task.reference.rows, task.current.rows), task.reference.width),
    0,
  );
  if (cost < AT_ONCE_MS) return tasks.map((task) => definitionOf(task).compute(task.reference, task.current, task.seed));
  return workInThreads<JointTask, JointScore>({
    entry: 'joint',
    what: 'comparing whole rows',
    data: null,
    tasks,
    threads: threadsFor(tasks.length),
  });
}

/** The p-value relative to its threshold; infinite where the effect is too small to matter, or nothing was compared. */
export function jointEvidence({ score, threshold, pValue, pValueThreshold }: JointDrift): number {
  if (score === null || pValue === null || !(score > threshold)) return Infinity;
  return pValueThreshold > 0 ? pValue / pValueThreshold : Infinity;
}

/** @param factor by which the p-value is corrected; it is told as it was, and judged as it is after it */
export function concludeJoint(found: JointDrift, factor: number): JointDrift {
  const { status, effect, score, threshold, pValue, pValueThreshold, columns } = found;
  if (status === 'skipped' || score === null || pValue === null) return found;
  const corrected = Math.min(1, pValue * factor);
  const drifted = score > threshold && corrected < pValueThreshold;
  const isLarge = score > threshold;
  const shown = corrected < 1e-12 ? '< 1e-12' : corrected < 0.001 ? `= ${corrected.toExponential(0)}` : `= ${corrected.toFixed(3)}`;
  const size = `${effect} ${score.toFixed(3)} is ${isLarge ? '' : 'not '}above ${threshold}`;
  const chance = `${factor === 1 ? '' : 'corrected '}p ${shown} is ${corrected < pValueThreshold ? '' : 'not '}below ${pValueThreshold}`;
  const why = drifted ? `${size}, ${chance}` : isLarge ? chance : size;
  return {
    ...found,
    drifted,
    ...(factor === 1 ? {} : { corrected }),
    reason: `${why}, over ${columns.length} columns together.`,
  };
}
