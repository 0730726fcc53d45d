import { ownValue } from '../../core/json.ts';
import { ANSWER_PREFIX } from '../../core/prediction-log.ts';
import type { OutputSpec, Prediction, Row } from '../../core/tensor.ts';
import { answerColumns, answerValues, flatName } from '../../data/answers/answer-columns.ts';
import type { AnswerColumn } from '../../data/answers/answer-columns.ts';
import { encodeReference } from '../../data/stored/reference-values.ts';
import type { ColumnReference } from '../../data/stored/reference-values.ts';
import type { ColumnProfile, DatasetProfile } from '../../data/stored/dataset.ts';
import { DATA_LIMITS } from '../../data/table/limits.ts';
import { ranksOf, thinned } from '../../data/table/ranks.ts';

/** File of a model artifact with the distribution of its answers, where answers have one that can be watched. */
export const ANSWERS_FILE = 'answers.json';
/** File beside it with all values, where it does not hold them itself. */
export const ANSWERS_REFERENCE_FILE = 'answers-reference.bin';
/** Rows whose answers are profiled at most: more would hardly be told from it, and a training would wait for them. */
export const ANSWER_ROWS_MAX = 10_000;
/** Columns of answers that are watched at most: of a longer list of numbers, those at evenly spaced places. */
export const ANSWER_COLUMNS_MAX = 24;

/** A column of answers that is watched. */
interface Watched {
  readonly name: string;
  /** Place among the {@link answerColumns}. */
  readonly at: number;
  readonly column: AnswerColumn;
  /** Spread of what the network itself gives, in the units of the answer; undefined: of scores, which are taken as they are. */
  readonly unit: number | undefined;
}

/**
 * What is watched of answers. Of classes the class and how sure the model is of it; of two classes the probability of the second one,
 * which says both. Of numbers each. Of scores the score and whether it is an alarm. Texts and samples have no distribution.
 */
function watchedColumns(output: OutputSpec, width: number): Watched[] {
  if (output.kind === 'text' || output.kind === 'samples' || output.kind === 'none') return [];
  const unitOf = ({ path }: AnswerColumn): number | undefined => {
    if (output.kind === 'anomaly') return undefined;
    const own = output.kind === 'several' ? output.outputs.find(({ name }) => name === path[1]) : output;
    return own?.kind === 'number' ? (own.scale?.std ?? 0) : 1;
  };
  const all = answerColumns(output, width).map((column, at): Watched => {
    return { name: `${ANSWER_PREFIX}${flatName(column)}`, at, column, unit: unitOf(column) };
  });
  const chosen = all.filter(({ column, at }) => {
    const classes = probabilitiesBeside(all, at);
    if (column.more === true) return classes.length !== 2;
    return !isProbability(column) || (classes.length === 2 && classes[1] === at);
  });
  if (chosen.length <= ANSWER_COLUMNS_MAX) return chosen;
  const step = (chosen.length - 1) / (ANSWER_COLUMNS_MAX - 1);
  return Array.from({ length: ANSWER_COLUMNS_MAX }, (_, place) => chosen[Math.round(place * step)]!);
}

const isProbability = ({ path }: AnswerColumn): boolean => {
  const own = path[0] === 'outputs' ? path.slice(2) : path;
  return own.length === 2 && own[0] === 'probabilities';
};

/** Places of the probabilities of all classes of the label that a column belongs to. */
function probabilitiesBeside(all: readonly Watched[], at: number): number[] {
  const { path } = all[at]!.column;
  const label = path[0] === 'outputs' ? path[1] : undefined;
  return all.filter(({ column }) => isProbability(column) && (label === undefined || column.path[1] === label)).map((one) => one.at);
}

/** Are the answers of such a model watched? */
export function hasAnswerProfile(output: OutputSpec): boolean {
  return watchedColumns(output, output.kind === 'number' ? output.width : 1).length > 0;
}

/** The distribution of answers, with all their values where they are more than a profile holds. */
interface AnswerProfile {
  readonly profile: DatasetProfile;
  readonly reference: readonly ColumnReference[];
}

/**
 * The answers for some rows as columns.
 *
 * @param values of the network, row-major
 * @returns undefined for models whose answers have no distribution, and where there are none
 */
export function profileAnswers(output: OutputSpec, values: Float32Array, rows: number): AnswerProfile | undefined {
  const watched = rows === 0 ? [] : watchedColumns(output, values.length / rows);
  if (watched.length === 0) return undefined;
  const columns = answerValues(output, values, rows);
  const profiled = watched.map((one) => profileColumn(one, columns[one.at] as Float64Array | Int32Array, rows));
  return {
    profile: { formatVersion: 1, rows, columns: profiled.map(({ profile }) => profile) },
    reference: profiled.flatMap(({ reference }) => (reference === undefined ? [] : [reference])),
  };
}

/** The distribution of the answers as files of a model; none where they have none. */
export function answerFiles(output: OutputSpec, values: Float32Array, rows: number): Record<string, Uint8Array> {
  const profiled = profileAnswers(output, values, rows);
  if (profiled === undefined) return {};
  return {
    [ANSWERS_FILE]: Buffer.from(JSON.stringify(profiled.profile)),
    ...(profiled.reference.length === 0 ? {} : { [ANSWERS_REFERENCE_FILE]: encodeReference(profiled.reference) }),
  };
}

interface ProfiledColumn {
  readonly profile: ColumnProfile;
  readonly reference?: ColumnReference;
}

function profileColumn({ name, column, unit }: Watched, values: Float64Array | Int32Array, rows: number): ProfiledColumn {
  if (column.type === 'number') return profileNumbers(name, (values as Float64Array).filter(Number.isFinite).sort(), rows, unit);
  const texts = column.texts ?? ['false', 'true'];
  const found = new Float64Array(texts.length);
  for (const id of values) found[id]! += 1;
  const named = texts.map((text, id) => [text, found[id]!] as const);
  // Classes that the model knows are none that nobody has seen, also where it named none of these rows so.
  const counts = column.texts === undefined ? named : named.sort((a, b) => b[1] - a[1]);
  const [listed, more] = [DATA_LIMITS.profileCategoriesMax, DATA_LIMITS.referenceCategoriesMax];
  const rowsOf = (some: typeof counts): number => some.reduce((sum, [, count]) => sum + count, 0);
  return {
    profile: {
      name,
      type: column.texts === undefined ? 'boolean' : 'string',
      count: rows,
      missing: 0,
      distinct: counts.filter(([, count]) => count > 0).length,
      categories: { counts: Object.fromEntries(counts.slice(0, listed)), other: rowsOf(counts.slice(listed)) },
    },
    ...(counts.length <= listed
      ? {}
      : { reference: { kind: 'category', name, counts: new Map(counts.slice(0, more)), other: rowsOf(counts.slice(more)) } }),
  };
}

function profileNumbers(name: string, sorted: Float64Array, rows: number, unit: number | undefined): ProfiledColumn {
  const count = sorted.length;
  const facts = { name, type: 'number' as const, count, missing: rows - count };
  if (count === 0) return { profile: { ...facts, distinct: 0 } };
  const mean = sorted.reduce((sum, value) => sum + value / count, 0);
  const std = Math.sqrt(sorted.reduce((sum, value) => sum + (value - mean) ** 2 / count, 0));
  const [min, max] = [sorted[0]!, sorted.at(-1)!];
  const step = unit === undefined ? 0 : stepOf({ min, max, std }, unit);
  const kept = step === 0 ? sorted : sorted.map((value) => onGrid(value, step));
  const at = (share: number): number => kept[Math.round(share * (count - 1))]!;
  const sampled = Math.min(count, DATA_LIMITS.profileSampleMax);
  const shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
  return {
    profile: {
      ...facts,
      distinct: new Set(kept).size,
      number: {
        min,
        max,
        mean,
        std,
        quantiles: Object.fromEntries(shares.map((share) => [String(share), at(share)])),
        edges: [min, max],
        counts: [count],
        sample: Array.from({ length: sampled }, (_, index) => at(sampled === 1 ? 0 : index / (sampled - 1))),
      },
    },
    ...(count <= DATA_LIMITS.profileSampleMax
      ? {}
      : {
          reference: {
            kind: 'number',
            name,
            ranks: thinned(ranksOf(kept), DATA_LIMITS.referenceValuesMax),
            deviation: std,
            of: count,
          },
        }),
  };
}

/**
 * The same row gives answers that differ in their last bits by what it was computed together with. Where few rows differ, as of models
 * that read categories alone, these bits would tear equal answers apart; so both sides are looked at on a grid that is far finer than
 * anything that drifts, and far coarser than these bits. A power of two, so that values on it are exact.
 */
function stepOf({ min, max, std }: { readonly min: number; readonly max: number; readonly std: number }, unit: number): number {
  const least = Math.max(std * 1e-4, Math.max(Math.abs(min), Math.abs(max), unit) * 1e-6);
  return least === 0 ? 0 : 2 ** Math.ceil(Math.log2(least));
}

const onGrid = (value: number, step: number): number => Math.round(value / step) * step;

/**
 * How answers become rows of the columns of a profile.
 *
 * @param profile of the same model, by {@link profileAnswers}
 * @returns the row of an answer; undefined where the answer has none of the columns
 */
export function answerReader(output: OutputSpec, profile: DatasetProfile): (prediction: Prediction) => Row | undefined {
  const columns = new Map(profile.columns.map((column) => [column.name, column]));
  const watched = watchedColumns(output, widthOf(output)).flatMap(({ name, column, unit }) => {
    const number = columns.get(name)?.number;
    const step = number === undefined || unit === undefined ? 0 : stepOf(number, unit);
    return columns.has(name) ? [{ name, column, step }] : [];
  });
  return (prediction) => {
    const row: Record<string, unknown> = {};
    let isEmpty = true;
    for (const { name, column, step } of watched) {
      const value = valueAt(prediction, column);
      if (value === undefined) continue;
      isEmpty = false;
      row[name] = typeof value === 'number' && step > 0 ? onGrid(value, step) : value;
    }
    return isEmpty ? undefined : row;
  };
}

const widthOf = (output: OutputSpec): number => (output.kind === 'number' ? output.width : 1);

function valueAt(prediction: Prediction, { path, more }: AnswerColumn): unknown {
  if (more !== true) return at(prediction, path);
  const probabilities = at(prediction, [...path.slice(0, -1), 'probabilities']);
  if (typeof probabilities !== 'object' || probabilities === null) return undefined;
  const values = Object.values(probabilities as Readonly<Record<string, unknown>>).filter((value) => typeof value === 'number');
  return values.length === 0 ? undefined : Math.max(...values);
}

function at(value: unknown, path: AnswerColumn['path']): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Array.isArray(found) ? (found[key as number] as unknown) : ownValue(found as Readonly<Record<string, unknown>>, String(key));
  }
  return found;
}
