import { durationMs } from '../../core/duration.ts';
import type { DifferenceInterval } from '../measure/bootstrap.ts';
import type { Disagreement } from '../measure/mcnemar.ts';
import type { MetricDefinition } from '../metrics/metric.ts';

/** Of a gate about parts of the test split. */
interface OnSlices {
  /** Columns: the gate is about the rows of each of their values. */
  readonly slices?: readonly string[];
  /** Smaller slices are left out. */
  readonly minimumRows?: number;
}

/** How a difference between two models is told from chance. */
export type DifferenceTest = 'bootstrap' | 'mcnemar';

/** What a challenger has to show. `metric` is a result name of the step's metrics. Differences are in the direction that is better. */
export type Gate =
  | ({ readonly metric: string; readonly atLeast: number } & OnSlices)
  | ({ readonly metric: string; readonly atMost: number } & OnSlices)
  | {
      readonly metric: string;
      readonly notWorseThanWholeBy: number;
      readonly relative?: boolean;
      readonly slices: readonly string[];
      readonly minimumRows?: number;
    }
  | { readonly metric: string; readonly notWorseThanChampionBy: number; readonly relative?: boolean; readonly bestWithin?: string }
  | {
      readonly metric: string;
      readonly betterThanChampionBy: number;
      readonly relative?: boolean;
      readonly significant?: boolean;
      readonly test?: DifferenceTest;
    }
  | { readonly metric: string; readonly notSignificantlyWorseThanChampion: true; readonly test?: DifferenceTest }
  | { readonly metric: string; readonly betterThanBaseline: true | number };

export const ON_NO_CHAMPION = ['pass', 'fail', 'manual'] as const;
export type OnNoChampion = (typeof ON_NO_CHAMPION)[number];

/** A metric of the rows with one value of a column. */
export interface SliceValue {
  /** Of the column. */
  readonly name: string;
  readonly rows: number;
  /** null: not defined on these rows. */
  readonly value: number | null;
  /** Why it is not defined. */
  readonly why?: string;
}

export interface GateFacts {
  readonly metrics: Readonly<Record<string, number>>;
  readonly directions: Readonly<Record<string, MetricDefinition['direction']>>;
  /** Absent: there is no champion to compare with, for `reason`. */
  readonly champion?: {
    readonly name: string;
    /** Which rows, where some were left out, e.g. "41 of 52 test rows". */
    readonly rows?: string;
    /** Of this model on the rows that both predict. */
    readonly ours: Readonly<Record<string, number | null>>;
    readonly metrics: Readonly<Record<string, number | null>>;
    readonly differences: Readonly<Record<string, DifferenceInterval | null>>;
    /** Rows that only one of both classifies rightly, by metric; absent: the model gives no classes. */
    readonly disagreements?: Readonly<Record<string, Disagreement>>;
  };
  /** What is to be said beside a value. */
  readonly notes?: Readonly<Record<string, string>>;
  /** By metric and column, what gates about slices read. */
  readonly slices?: Readonly<Record<string, Readonly<Record<string, readonly SliceValue[]>>>>;
  readonly noChampion?: string;
  /** There is a champion, and no fair comparison with it: why. */
  readonly notFair?: string;
  readonly onTooFewRows?: 'fail' | 'pass';
  /** Champions before it, on rows that neither side has seen. */
  readonly former?: readonly FormerFacts[];
  /** How long ago every former champion served, those included that were not compared with. */
  readonly formerAgesMs?: readonly number[];
  readonly baseline: { readonly description: string; readonly metrics: Readonly<Record<string, number | null>> };
  readonly onNoChampion: OnNoChampion;
}

/** A former champion beside this model, on the rows on which the two can be compared. */
export interface FormerFacts {
  readonly version: number;
  /** How long before the run it served last. */
  readonly agoMs: number;
  readonly ours: Readonly<Record<string, number | null>>;
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Why it was not compared. */
  readonly none?: string;
}

export interface GateVerdict {
  readonly gate: Gate;
  readonly passed: boolean;
  /** One sentence, e.g. "accuracy 0.91 is below 0.95" */
  readonly sentence: string;
  /** There was nothing to compare with, and a person is to decide. */
  readonly manual?: true;
}

/** The period whose champions a gate looks back at, in milliseconds; 0: it looks at the champion of now alone. */
export function lookBackMs(gate: Gate): number {
  return 'bestWithin' in gate && gate.bestWithin !== undefined ? durationMs(gate.bestWithin) : 0;
}

/** Whether the verdict of a gate depends on who is champion. */
export function comparesWithChampion(gate: Gate): boolean {
  return 'notWorseThanChampionBy' in gate || 'betterThanChampionBy' in gate || 'notSignificantlyWorseThanChampion' in gate;
}

/** The columns by whose values a gate judges; none: it judges all rows. */
export function slicesOf(gate: Gate): readonly string[] {
  return 'slices' in gate ? (gate.slices ?? []) : [];
}
