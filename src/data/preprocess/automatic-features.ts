import { plural } from '../../core/plural.ts';
import type { TransformSpec } from './chain.ts';
import type { ColumnProfile, DatasetProfile } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import { isConstant } from '../transforms/transform.ts';
import { excerpt, textShape } from '../table/text-shape.ts';
import { timestampTransforms } from './automatic-timestamps.ts';

/** What became of a column for which the document says nothing. */
export interface Decision {
  readonly column: string;
  /** Undefined: the column is left out. */
  readonly transforms?: readonly TransformSpec[];
  /** In a few words. */
  readonly why: string;
  /** A sentence, where the column was dropped, hashed or taken for something else than its type says. */
  readonly note?: string;
}

export interface AutomaticFeatures {
  readonly features: Record<string, TransformSpec[]>;
  readonly decisions: readonly Decision[];
  readonly notes: readonly string[];
}

/** So few categories get a column each whatever the rows; up to more where rows tell enough about each. */
const FEW_CATEGORIES = 20;
const ONE_HOT_SMALL = 100;
const ONE_HOT_MAX = 1_000;
const ROWS_PER_CATEGORY = 5;
/** Columns of hashed categories: half as many as there are categories, within what a network reads with ease. */
const BUCKETS_MIN = 256;
const BUCKETS_MAX = 1_024;
/** Beyond this share of different values nothing is learnt from a value. */
const UNIQUE_SHARE = 0.9;
/** Of fewer rows than this a share tells nothing; that no value is there twice tells something from a few rows on. */
const ROWS_TO_JUDGE = 20;
const ROWS_TO_BE_UNIQUE = 4;
/** Integers that are codes rather than quantities: few values, each with its share of the rows. */
const CODES_MAX = 12;
const CODE_ROWS = 20;
const CODE_SHARE = 0.01;
/**
 * The farthest value lies so many times the distance of the 5 % and 95 % quantiles from the median: about 1.2 of normal, 3 of exponential
 * numbers.
 */
const HEAVY_TAIL = 3;

/** Stands for a missing category; in no other column than its own. */
const MISSING = '(missing)';

const NAMES_AN_IDENTIFIER = /^$|(^|[^a-z])(id|ids|uuid|guid|key|index|idx|row|rownum|rownumber|nr|unnamed: ?\d+)$|[a-z](Id|ID|Key|Index)$/;

type Choice = Omit<Decision, 'column'>;

const quoted = (values: readonly (string | number)[]): string =>
  values.length === 0
    ? ''
    : ` (${values.map((value) => (typeof value === 'number' ? String(value) : JSON.stringify(excerpt(value)))).join(', ')}${values.length === 3 ? ', …' : ''})`;

/** Up to three values of the column. */
function examplesOf({ type, categories, texts, number }: ColumnProfile): (string | number)[] {
  if (texts !== undefined) return [...texts.examples];
  if (categories !== undefined) return Object.keys(categories.counts).slice(0, 3);
  if (number === undefined) return [];
  const values = [...new Set(number.sample)].slice(0, 3);
  return type === 'timestamp' ? values.map((value) => new Date(value).toISOString()) : values;
}

function leftOut(profile: ColumnProfile, reason: string): Choice {
  return { why: reason, note: `is left out: ${reason}${quoted(examplesOf(profile))}.` };
}

/** Missing categories get one of their own, missing numbers a mark. */
const categorical = ({ missing }: ColumnProfile): TransformSpec[] => (missing === 0 ? [] : [{ impute: { constant: MISSING } }]);
const imputed = ({ missing }: ColumnProfile, strategy: string): TransformSpec =>
  missing === 0 ? { impute: strategy } : { impute: { strategy, indicator: true } };
const marked = ({ missing }: ColumnProfile): string => (missing === 0 ? '' : `, ${plural(missing, 'missing value')} marked`);

function isLanguage({ texts, categories }: ColumnProfile): boolean {
  // Of profiles that earlier versions wrote; of long texts these keep no values.
  if (texts === undefined && categories === undefined) return true;
  const { words, repeated } = texts ?? textShape(Object.keys(categories!.counts));
  return (words >= 2 && repeated >= 0.3) || words >= 8;
}

function forText(profile: ColumnProfile): Choice {
  const { count, distinct } = profile;
  const oneHot: Choice = {
    transforms: [...categorical(profile), 'oneHot'],
    why: `${plural(distinct, 'category').replace('categorys', 'categories')}${profile.missing === 0 ? '' : ` and one of the ${plural(profile.missing, 'missing value')}`}`,
  };
  const many = `${distinct.toLocaleString('en')} different values in ${plural(count, 'row')}`;
  const unique = (distinct === count && count >= ROWS_TO_BE_UNIQUE) || (count >= ROWS_TO_JUDGE && distinct > UNIQUE_SHARE * count);
  if (!unique && distinct <= FEW_CATEGORIES) return oneHot;
  if (distinct > count / ROWS_PER_CATEGORY && isLanguage(profile)) {
    return {
      transforms: [{ impute: { constant: '' } }, 'tokenize'],
      why: `language: ${many}`,
      note: `is read as language, word by word: ${many}${quoted(examplesOf(profile))}.`,
    };
  }
  if (unique) return leftOut(profile, `${many}: an identifier, from which nothing general can be learnt`);
  if (distinct <= ONE_HOT_SMALL || (distinct <= ONE_HOT_MAX && distinct <= count / ROWS_PER_CATEGORY)) return oneHot;
  const buckets = Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, 2 ** Math.ceil(Math.log2(distinct / 2))));
  return {
    transforms: [...categorical(profile), { hashing: buckets }],
    why: `hashed: ${many}`,
    note: `is hashed into ${buckets} columns, where categories share a column by chance: ${many} are too many for a column each${quoted(examplesOf(profile))}.`,
  };
}

/** Whether the few values of an integer column are codes, or quantities that happen to be whole. */
function areCodes({ type, count, distinct, number }: ColumnProfile): boolean {
  if (type !== 'integer' || number === undefined || distinct < 3 || distinct > CODES_MAX || count < CODE_ROWS * distinct) return false;
  const shares = new Map<number, number>();
  for (const value of number.sample) shares.set(value, (shares.get(value) ?? 0) + 1);
  return shares.size === distinct && [...shares.values()].every((rows) => rows >= CODE_SHARE * number.sample.length);
}

/**
 * Whole numbers, each once, that are named as a key. Of other names, what only counts may mean something: a step of time, a place in a
 * row.
 */
function isRowNumber({ name, type, count, missing, distinct, number }: ColumnProfile): boolean {
  if (type !== 'integer' || number === undefined || missing > 0 || distinct < count || count < ROWS_TO_JUDGE) return false;
  return NAMES_AN_IDENTIFIER.test(name) || NAMES_AN_IDENTIFIER.test(name.toLowerCase());
}

function hasHeavyTail({ number }: ColumnProfile): boolean {
  const { min, max, quantiles } = number!;
  const [low, middle, high] = [quantiles['0.05']!, quantiles['0.5']!, quantiles['0.95']!];
  return Math.max(max - middle, middle - min) > HEAVY_TAIL * (high - low);
}

function forNumber(profile: ColumnProfile, alone: boolean): Choice {
  const { distinct, number } = profile;
  if (!alone && isRowNumber(profile)) return leftOut(profile, 'every row has another whole number, which counts the rows or names them');
  if (areCodes(profile))
    return {
      transforms: [...(profile.missing === 0 ? [] : [imputed(profile, 'mostFrequent')]), 'oneHot'],
      why: `${distinct} codes${marked(profile)}`,
      note: `is taken as ${distinct} categories, each with a column: its whole numbers have so few values${quoted(examplesOf(profile))}.`,
    };
  const heavy = number !== undefined && distinct > 2 && hasHeavyTail(profile);
  return {
    transforms: [imputed(profile, 'median'), ...(heavy ? TAILS : ['standardize'])],
    why: `${heavy ? `long tail up to ${[number.min, number.max].sort((a, b) => Math.abs(b) - Math.abs(a))[0]!.toPrecision(3)}` : 'a quantity'}${marked(profile)}`,
  };
}

/** For long tails and outliers. */
const TAILS: readonly TransformSpec[] = ['quantile'];

function isConstantColumn({ type, distinct, count, number }: ColumnProfile): boolean {
  return (
    type !== 'image' && (distinct <= 1 || (number !== undefined && type !== 'timestamp' && isConstant(count, number.mean, number.std)))
  );
}

function forColumn(profile: ColumnProfile, alone: boolean): Choice {
  if (profile.count === 0)
    return { why: 'it is missing in every row of the train split', note: 'is left out: it is missing in every row of the train split.' };
  if (profile.missing === 0 && isConstantColumn(profile)) return leftOut(profile, 'it is constant');
  switch (profile.type) {
    case 'number':
    case 'integer':
      return forNumber(profile, alone);
    case 'boolean':
      return { transforms: [imputed(profile, 'mostFrequent')], why: `true or false${marked(profile)}` };
    case 'timestamp':
      return { transforms: [imputed(profile, 'median'), timestampTransforms(profile)], why: `a moment${marked(profile)}` };
    case 'image':
      return { transforms: ['rescale'], why: 'an image' };
    case 'string':
      return forText(profile);
  }
}

/**
 * The transforms that follow from the columns' types and the train split's distribution, for documents that name no features.
 * Columns that are left out, hashed or taken for something else than their type says are noted.
 */
export function automaticFeatures(columns: readonly Column[], profile: DatasetProfile, leftOut: readonly string[]): AutomaticFeatures {
  const decide = (alone: boolean): Decision[] =>
    columns
      .filter(({ name }) => !leftOut.includes(name))
      .map(({ name, origin, type }): Decision => {
        if (origin === true && !(alone && type === 'integer'))
          return { column: name, why: 'it says where a row comes from', note: 'is left out: it says where a row comes from.' };
        const known = profile.columns.find((item) => item.name === name);
        return {
          column: name,
          ...(known === undefined ? { why: 'it has no profile', note: 'is left out: it has no profile.' } : forColumn(known, alone)),
        };
      });
  let decisions = decide(false);
  // A row number is better than nothing.
  if (decisions.every(({ transforms }) => transforms === undefined)) decisions = decide(true);
  return {
    features: Object.fromEntries(
      decisions.flatMap(({ column, transforms }) => (transforms === undefined ? [] : [[column, [...transforms]]])),
    ),
    decisions,
    notes: decisions.flatMap(({ column, note }) => (note === undefined ? [] : [`The column "${column}" ${note}`])),
  };
}
