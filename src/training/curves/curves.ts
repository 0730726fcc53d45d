import type { JsonObject } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, getStored, mapOf, orNull, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';

/** One epoch of a training that came to its end. */
export interface CurvePoint {
  /** From 1. */
  readonly epoch: number;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  /** As the trainer measured them: "loss", "validationLoss", metrics of the validation rows, "learningRate". */
  readonly numbers: Readonly<Record<string, number>>;
}

/** How a tensor was spread at the end of an epoch. */
export interface Spread {
  /** Upper ends of the bins; they begin at `min`. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly squares: number;
}

/** Weights and gradients at the end of one epoch, by "weights/…" and "gradients/…". */
export interface EpochSpreads {
  readonly epoch: number;
  readonly spreads: Readonly<Record<string, Spread>>;
}

/** A picture that a model made after an epoch: a PNG as base64. */
export interface CurvePicture {
  readonly epoch: number;
  readonly image: string;
}

/** A layer of the network, as the graph of TensorBoard shows it. */
export interface CurveLayer {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  /** Of one example, without the batch. */
  readonly shape: readonly number[];
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** "running" is what a training said last: of one whose worker was killed, nobody wrote down the end. */
export type CurveState = 'running' | 'done' | 'failed' | 'cancelled';

/** The course of one training, kept from its first epoch on, whatever became of it. Key: {@link curvesKey}. */
export interface TrainingCurves {
  readonly formatVersion: 1;
  readonly pipeline: string;
  /** The name of the run inside of its pipeline. */
  readonly run: string;
  readonly step: string;
  /** Digest of all that the numbers depend on: another one is another training. */
  readonly binding: string;
  readonly state: CurveState;
  /** Of a training that failed: why. */
  readonly why?: string;
  /** Epochs that it would go to. */
  readonly epochs: number;
  /** The epoch whose weights are the best so far; null: the last one counts. */
  readonly bestEpoch: number | null;
  /** When its processes began, and after which epoch: more than one where it was killed, or tried again. */
  readonly attempts: readonly { readonly at: number; readonly afterEpoch: number }[];
  /** In order; an epoch that was computed twice, since what it had learned was lost in a kill, stands there once. */
  readonly points: readonly CurvePoint[];
  /** Complete configuration of the training. */
  readonly settings: JsonObject;
  /** The numbers that are means over the training rows; others are of the validation rows. */
  readonly trained?: readonly string[];
  readonly layers?: readonly CurveLayer[];
  readonly spreads?: readonly EpochSpreads[];
  readonly pictures?: readonly CurvePicture[];
}

/** {@link TrainingCurves} as they are stored. */
export const CURVES: StoredKind<TrainingCurves> = defineStored({
  at: 'curves/**.json',
  fix: 'Restore it from a copy of the store, or remove it: the training itself needs it no more.',
  name: 'curves of a training',
  formatVersion: 1,
  schema: recordSchema(
    {
      pipeline: TEXT,
      run: TEXT,
      step: TEXT,
      binding: TEXT,
      state: { enum: ['running', 'done', 'failed', 'cancelled'] },
      epochs: COUNT,
      bestEpoch: orNull(COUNT),
      attempts: listOf(recordSchema({ at: NUMBER, afterEpoch: COUNT })),
      points: listOf(recordSchema({ epoch: COUNT, at: NUMBER, numbers: mapOf(NUMBER) })),
      settings: OBJECT,
    },
    { why: TEXT, trained: listOf(TEXT), layers: listOf(OBJECT), spreads: listOf(OBJECT), pictures: listOf(OBJECT) },
  ),
});

/** Everything below it is of curves. */
export const CURVES_PREFIX = 'curves/';

/** Trainings of one step that differ in what they depend on (the code changed between two attempts) lie beside each other. */
export function curvesKey({ pipeline, run, step, binding }: Pick<TrainingCurves, 'pipeline' | 'run' | 'step' | 'binding'>): string {
  return `${runPrefix(pipeline, run)}${step}/${binding.slice(0, 16)}.json`;
}

function runPrefix(pipeline: string, run: string): string {
  return `${CURVES_PREFIX}${pipeline}/${encodeURIComponent(run)}/`;
}

/** The trainings of a run in the order of their beginning: of each step the latest one. @throws BLOB_CORRUPT */
export async function readCurves(store: ObjectStore, pipeline: string, run: string): Promise<TrainingCurves[]> {
  const found: TrainingCurves[] = [];
  for await (const { key } of store.list(runPrefix(pipeline, run))) {
    const stored = await getStored(store, CURVES, key);
    if (stored !== undefined) found.push(stored.value);
  }
  found.sort((a, b) => beginOf(a) - beginOf(b) || (a.step < b.step ? -1 : 1));
  return found.filter(({ step }, index) => !found.slice(index + 1).some((later) => later.step === step));
}

/** The runs that have curves, as they are named: `<pipeline>/<run>`. */
export async function runsWithCurves(
  store: ObjectStore,
  pipeline?: string,
): Promise<{ readonly pipeline: string; readonly run: string }[]> {
  const found = new Map<string, { readonly pipeline: string; readonly run: string }>();
  for await (const { key } of store.list(CURVES_PREFIX + (pipeline === undefined ? '' : `${pipeline}/`))) {
    const [, name = '', run = ''] = key.split('/');
    found.set(`${name}/${run}`, { pipeline: name, run: decodeURIComponent(run) });
  }
  return [...found.values()];
}

const beginOf = ({ attempts }: TrainingCurves): number => attempts[0]?.at ?? 0;
