import { ownValue, setOwn } from '../core/json.ts';
import type { Arm } from '../core/rollout.ts';
import type { OutputSpec, Prediction } from '../core/tensor.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** What servers count while a rollout goes on: sums, so that those of several servers add up in any order. */

/** Counts by place of a scale. */
export type Histogram = Readonly<Record<string, number>>;

/** One version in one step. */
export interface ArmCounts {
  readonly requests: number;
  /** Failed in the server. */
  readonly failed: number;
  /** Rows that the version cannot read. */
  readonly refused: number;
  /** Of all answers, by {@link latencyBucket}. */
  readonly latency: Histogram;
  /** Of every row, by output and {@link bucketOf}. */
  readonly predictions: Readonly<Record<string, Histogram>>;
}

/** Answers of both versions to the same rows. */
interface ShadowCounts {
  readonly rows: number;
  /** Of rows with a class: those where both gave the same. */
  readonly classes: number;
  readonly same: number;
  /** Of values with a number or a score: |candidate − champion|. */
  readonly numbers: number;
  readonly sumDifference: number;
  readonly sumSquaredDifference: number;
  /** Copies that were not made, since the server had better things to do. */
  readonly dropped: number;
}

export interface StepCounts {
  readonly champion: ArmCounts;
  readonly candidate: ArmCounts;
  /** Requests without the key that decides, or with several: the champion answered, and they count for neither. */
  readonly outside: number;
  readonly shadow?: ShadowCounts;
}

/** `models/<name>/rollout-counts/<id>/<server>.json` */
export interface ServerCounts {
  readonly formatVersion: 1;
  readonly server: string;
  readonly url: string;
  /** Revision of the routing that it follows. */
  readonly revision: number;
  /** Of the routing. */
  readonly step: number;
  readonly share: number;
  /** The candidate answers here. */
  readonly loaded: boolean;
  /** Why it does not. */
  readonly error?: string;
  /** By number, from "0". */
  readonly steps: Readonly<Record<string, StepCounts>>;
}

/** {@link ServerCounts} as they are stored. */
export const SERVER_COUNTS: StoredKind<ServerCounts> = defineStored({
  at: 'models/*/rollout-counts/*/*.json',
  fix: 'Restore it from a copy of the store; a server that lives writes its counts anew.',
  name: 'what a server counted of a rollout',
  formatVersion: 1,
  schema: recordSchema(
    { server: TEXT, url: TEXT, revision: COUNT, step: COUNT, share: NUMBER, loaded: { type: 'boolean' }, steps: OBJECT },
    { error: TEXT },
  ),
});

/** Nothing yet. Each time another object: counts are added to in place. */
const noCounts = (): ArmCounts => ({ requests: 0, failed: 0, refused: 0, latency: {}, predictions: {} });
const NO_SHADOW: ShadowCounts = { rows: 0, classes: 0, same: 0, numbers: 0, sumDifference: 0, sumSquaredDifference: 0, dropped: 0 };

/** A request that one of the two answered, or failed to. */
export interface CountedRequest {
  readonly arm: Arm;
  readonly ms: number;
  readonly outcome: 'answered' | 'failed' | 'refused';
  readonly predictions: readonly Prediction[];
  /** Of the champion: both are counted on its scale. */
  readonly output: OutputSpec;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends Histogram ? Record<string, number> : Writable<T[K]> };

/** Counts of one step, added to in place: this is done for every request. */
export class StepCounter {
  readonly #counts: Writable<StepCounts> = { champion: noCounts(), candidate: noCounts(), outside: 0 } as Writable<StepCounts>;

  get counts(): StepCounts {
    return this.#counts;
  }

  request({ arm, ms, outcome, predictions, output }: CountedRequest): void {
    const counts = this.#counts[arm];
    counts.requests += 1;
    if (outcome !== 'answered') counts[outcome] += 1;
    add(counts.latency, latencyBucket(ms));
    const byOutput = counts.predictions as Record<string, Record<string, number>>;
    for (const prediction of predictions)
      for (const [name, bucket] of bucketsOf(output, prediction)) {
        if (!Object.hasOwn(byOutput, name)) setOwn(byOutput, name, {});
        add(byOutput[name]!, bucket);
      }
  }

  outside(): void {
    this.#counts.outside += 1;
  }

  compared(champion: readonly Prediction[], candidate: readonly Prediction[]): void {
    const counts = (this.#counts.shadow ??= { ...NO_SHADOW });
    for (const [row, one] of champion.entries()) {
      counts.rows += 1;
      for (const [mine, theirs] of pairsOf(one, candidate[row])) {
        if (typeof mine === 'string') {
          counts.classes += 1;
          if (mine === theirs) counts.same += 1;
        } else {
          const difference = Math.abs(Number(theirs) - mine);
          counts.numbers += 1;
          counts.sumDifference += difference;
          counts.sumSquaredDifference += difference ** 2;
        }
      }
    }
  }

  dropped(): void {
    (this.#counts.shadow ??= { ...NO_SHADOW }).dropped += 1;
  }
}

function add(histogram: Record<string, number>, bucket: string): void {
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Classes as texts, numbers and scores as numbers, of two answers to one row. */
function pairsOf(one: Prediction, other: Prediction | undefined): [string | number, string | number | undefined][] {
  if ('outputs' in one) {
    const theirs = other !== undefined && 'outputs' in other ? other.outputs : {};
    return Object.entries(one.outputs).flatMap(([name, answer]) => pairsOf(answer, ownValue(theirs, name)));
  }
  if ('label' in one) return [[one.label, other !== undefined && 'label' in other ? other.label : undefined]];
  if ('score' in one) return [[one.score, other !== undefined && 'score' in other ? other.score : undefined]];
  if ('value' in one) {
    const theirs = other !== undefined && 'value' in other ? [other.value].flat() : [];
    return [one.value].flat().map((value, at) => [value, theirs[at]]);
  }
  return 'text' in one ? [[one.text, other !== undefined && 'text' in other ? other.text : undefined]] : [];
}

/** Places of the latency are 5 % apart. */
const LATENCY_BASE = Math.log(1.05);
/** Nothing is told apart below, in milliseconds. */
const LATENCY_FROM_MS = 0.01;

function latencyBucket(ms: number): string {
  return String(Math.max(0, Math.ceil(Math.log(Math.max(ms, LATENCY_FROM_MS) / LATENCY_FROM_MS) / LATENCY_BASE)));
}

/** Largest latency of a place, in milliseconds. */
export function latencyOf(bucket: string): number {
  return LATENCY_FROM_MS * Math.exp(Number(bucket) * LATENCY_BASE);
}

/** Output and place of every value of an answer; samples and texts have none. */
function bucketsOf(output: OutputSpec, prediction: Prediction): [string, string][] {
  if ('outputs' in prediction)
    return Object.entries(prediction.outputs).flatMap(([name, answer]) => {
      const own = output.kind === 'several' ? output.outputs.find((one) => one.name === name) : undefined;
      return own === undefined ? [] : bucketsOf(own, answer);
    });
  if ('label' in prediction) return [[output.name, `=${prediction.label}`]];
  if ('score' in prediction) return [[output.name, bucketOf(prediction.score, undefined)]];
  if (!('value' in prediction)) return [];
  const scale = output.kind === 'number' ? output.scale : undefined;
  const values = [prediction.value].flat();
  return values.map((value, at) => [values.length === 1 ? output.name : `${output.name}[${at}]`, bucketOf(value, scale)]);
}

/** Places of a number are 1/50 of the standard deviation of the label wide, where that is known; 2 % of the value otherwise. */
function bucketOf(value: number, scale: { readonly mean: number; readonly std: number } | undefined): string {
  if (scale !== undefined && scale.std > 0)
    return String(Math.max(-1_000, Math.min(1_000, Math.floor(((value - scale.mean) / scale.std) * 50))));
  if (Math.abs(value) < 1e-9) return '0';
  const place = Math.max(1, Math.ceil(Math.log(Math.abs(value) / 1e-9) / Math.log(1.02)));
  return String(value < 0 ? -place : place);
}

/** The sum of what several servers counted. */
export function sumSteps(counts: readonly StepCounts[]): StepCounts {
  const shadows = counts.flatMap(({ shadow }) => (shadow === undefined ? [] : [shadow]));
  return {
    champion: sumArms(counts.map(({ champion }) => champion)),
    candidate: sumArms(counts.map(({ candidate }) => candidate)),
    outside: counts.reduce((sum, { outside }) => sum + outside, 0),
    ...(shadows.length === 0 ? {} : { shadow: sumShadows(shadows) }),
  };
}

function sumArms(arms: readonly ArmCounts[]): ArmCounts {
  const total = (of: (arm: ArmCounts) => number): number => arms.reduce((sum, arm) => sum + of(arm), 0);
  const outputs = [...new Set(arms.flatMap(({ predictions }) => Object.keys(predictions)))];
  return {
    requests: total(({ requests }) => requests),
    failed: total(({ failed }) => failed),
    refused: total(({ refused }) => refused),
    latency: sumHistograms(arms.map(({ latency }) => latency)),
    predictions: Object.fromEntries(
      outputs.map((name) => [name, sumHistograms(arms.map(({ predictions }) => ownValue(predictions, name) ?? {}))]),
    ),
  };
}

function sumShadows(all: readonly ShadowCounts[]): ShadowCounts {
  const sum = { ...NO_SHADOW } as { -readonly [K in keyof ShadowCounts]: number };
  for (const one of all) for (const key of Object.keys(sum) as (keyof ShadowCounts)[]) sum[key] += one[key];
  return sum;
}

function sumHistograms(histograms: readonly Histogram[]): Histogram {
  const sum: Record<string, number> = {};
  for (const histogram of histograms) for (const [bucket, count] of Object.entries(histogram)) sum[bucket] = (sum[bucket] ?? 0) + count;
  return sum;
}

export function sizeOf(histogram: Histogram): number {
  return Object.values(histogram).reduce((sum, count) => sum + count, 0);
}
