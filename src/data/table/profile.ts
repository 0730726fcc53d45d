import { measureAll } from './columns.ts';
import type { Database } from './duckdb.ts';
import { DATA_LIMITS } from './limits.ts';
import { SQUARABLE } from './moments.ts';
import type { Moments } from './moments.ts';
import { textShape } from './text-shape.ts';
import { PartitionedValues } from './partitioned.ts';
import { measuredName } from '../../core/measured-name.ts';
import { IMAGE_FACTS, imageFacts } from '../images/image-facts.ts';
import type { ImageFacts } from '../images/image-facts.ts';
import { decodeImage } from '../images/images.ts';
import { deviationOf, firstAtLeast, indexAt, ranksOf, thinned } from './ranks.ts';
import type { Ranks } from './ranks.ts';
import { REFERENCE_FILE, encodeReference } from '../stored/reference-values.ts';
import type { ColumnReference } from '../stored/reference-values.ts';
import type { ColumnProfile, DatasetProfile } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';
import { numbersWithMoments } from './number-columns.ts';

const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

type ProfiledColumn = Column & { readonly sql: string };

/** The distribution of a table, and what of it is kept for comparisons. */
export interface TableProfile {
  readonly profile: DatasetProfile;
  /** Columns of which profile.json does not hold everything. */
  readonly reference: readonly ColumnReference[];
}

/**
 * The distribution of every column: what drift is measured against, and what features are chosen by.
 *
 * @param table name of a table or a subquery in parentheses whose rows come in the same order each time
 * @param columns with the SQL expression of each
 */
export async function profileTable(db: Database, table: string, columns: readonly ProfiledColumn[]): Promise<DatasetProfile> {
  return (await describeColumns(db, table, columns)).profile;
}

/** A profile as the files of an artifact: `profile.json`, and `reference.bin` where that does not hold everything. */
export function profileFiles({ profile, reference }: TableProfile): Record<string, Uint8Array> {
  return {
    'profile.json': Buffer.from(JSON.stringify(profile)),
    ...(reference.length === 0 ? {} : { [REFERENCE_FILE]: encodeReference(reference) }),
  };
}

/** The profile with what is kept beside it, as {@link profileFiles} writes it: of images, what is measured of them. */
export async function describeTable(db: Database, table: string, columns: readonly ProfiledColumn[]): Promise<TableProfile> {
  const { profile, reference } = await describeColumns(db, table, columns);
  return { profile, reference: [...reference, ...(await measuredImages(db, table, columns, profile))] };
}

async function describeColumns(db: Database, table: string, columns: readonly ProfiledColumn[]): Promise<TableProfile> {
  const measures = columns.flatMap((column) => [
    `count(${column.sql})`,
    ...(column.type === 'image' ? [`count(DISTINCT md5(${column.sql}))`] : []),
  ]);
  const [rows, ...totals] = (await measureAll(db, ['count(*)', ...measures], table)) as [number, ...number[]];
  const bases = new Map<string, ColumnProfile>();
  for (const { name, type } of columns) {
    const count = totals.shift()!;
    bases.set(name, { name, type, count, missing: rows - count, distinct: type === 'image' ? totals.shift()! : 0 });
  }
  const found = new Map<string, ColumnProfile>();
  const reference: ColumnReference[] = [];
  const numeric = columns.filter(({ type }) => type === 'number' || type === 'integer' || type === 'timestamp');
  const kept = Math.max(
    DATA_LIMITS.profileSampleMax,
    Math.min(DATA_LIMITS.referenceValuesMax, Math.floor(DATA_LIMITS.referenceValuesInAll / Math.max(1, numeric.length))),
  );
  const all = numeric.map(({ name, type, sql }) => ({ name, sql: type === 'timestamp' ? `epoch_ms(${sql})` : sql }));
  for await (const { index, values, moments } of numbersWithMoments(
    db,
    table,
    all.map(({ sql }) => sql),
    rows,
  )) {
    const { name } = all[index]!;
    const ranks = new PartitionedValues(values.finite).ranks();
    const whole = moments ?? momentsOfRanks(ranks);
    const base = bases.get(name)!;
    if (whole.count === 0 || ranks.size === 0) {
      found.set(name, base);
      continue;
    }
    found.set(name, { ...base, distinct: ranks.values.length + (base.count > whole.count ? 1 : 0), number: numberProfile(ranks, whole) });
    if (whole.count > DATA_LIMITS.profileSampleMax)
      reference.push({ kind: 'number', name, ranks: thinned(ranks, kept), deviation: whole.std, of: whole.count });
  }
  for (const column of columns) {
    if (column.type !== 'string' && column.type !== 'boolean') continue;
    const { distinct, categories, further } = await categoriesOf(db, table, column.sql, bases.get(column.name)!);
    const many = column.type === 'string' && distinct > DATA_LIMITS.profileCategoriesMax;
    found.set(column.name, {
      ...bases.get(column.name)!,
      distinct,
      ...(categories === undefined ? {} : { categories }),
      ...(many ? { texts: await texts(db, table, column.sql) } : {}),
    });
    if (further !== undefined) reference.push({ kind: 'category', name: column.name, ...further });
  }
  return { profile: { formatVersion: 1, rows, columns: columns.map(({ name }) => found.get(name) ?? bases.get(name)!) }, reference };
}

/** Images of a column that are measured, at most: every so many. */
const IMAGES_MEASURED = 2_000;
const IMAGES_AT_ONCE = 16;

/** What is measured of the images of a table, as columns of numbers. */
async function measuredImages(
  db: Database,
  table: string,
  columns: readonly ProfiledColumn[],
  profile: DatasetProfile,
): Promise<ColumnReference[]> {
  const found: ColumnReference[] = [];
  for (const { name, sql } of columns.filter(({ type }) => type === 'image')) {
    const { count } = profile.columns.find((column) => column.name === name)!;
    const facts = await factsOf(db, `SELECT ${sql} AS image FROM ${table} WHERE ${sql} IS NOT NULL`, count, name);
    for (const fact of IMAGE_FACTS) {
      const values = Float64Array.from(facts.flatMap((one) => one[fact] ?? [])).sort();
      const measured = measuredName(name, fact);
      if (values.length === 0 || columns.some((column) => column.name === measured)) continue;
      const ranks = ranksOf(values);
      found.push({ kind: 'number', name: measured, ranks, deviation: deviationOf(ranks), of: count });
    }
  }
  return found;
}

async function factsOf(db: Database, images: string, count: number, column: string): Promise<ImageFacts[]> {
  const every = Math.max(1, Math.ceil(count / IMAGES_MEASURED));
  const facts: ImageFacts[] = [];
  let place = 0;
  for await (const { rows, columns } of db.chunks(
    `SELECT image FROM (SELECT image, row_number() OVER () - 1 AS place FROM (${images})) WHERE place % ${every} = 0`,
  ))
    for (let start = 0; start < rows; start += IMAGES_AT_ONCE) {
      const some = columns[0]!.slice(start, start + IMAGES_AT_ONCE) as readonly { readonly bytes: Uint8Array }[];
      const first = place;
      facts.push(
        ...(await Promise.all(some.map(async ({ bytes }, at) => imageFacts(await decodeImage(bytes, (first + at) * every, column))))),
      );
      place += some.length;
    }
  return facts;
}

/** Characters of a text that tell what it is. */
const TEXT_LOOKED_AT = 2_000;

/** Texts that are many: some of them, chosen by their digests, so that neither order nor chance decides. */
async function texts(db: Database, table: string, value: string): Promise<NonNullable<ColumnProfile['texts']>> {
  const rows = await db.rows(
    `SELECT v FROM (SELECT DISTINCT ${value} AS v FROM ${table} WHERE ${value} IS NOT NULL) ORDER BY md5(v), v LIMIT ${DATA_LIMITS.profileTextsMax}`,
  );
  return textShape(rows.map(([text]) => String(text).slice(0, TEXT_LOOKED_AT)));
}

function numberProfile(ranks: Ranks, { count, min, max, mean, std }: Moments): NonNullable<ColumnProfile['number']> {
  const at = (place: number): number => ranks.values[indexAt(ranks, place)]!;
  const quantile = (q: number): number => interpolate(at, q * (ranks.size - 1));
  const bins = DATA_LIMITS.profileBins;
  const distinct = [
    ...new Set(Array.from({ length: bins + 1 }, (_, index) => (index === 0 ? min : index === bins ? max : quantile(index / bins)))),
  ];
  const edges = distinct.length === 1 ? [distinct[0]!, distinct[0]!] : distinct;
  const below = [0, ...edges.slice(1, -1).map((edge) => countBelow(ranks, edge)), ranks.size];
  const sampled = Math.min(ranks.size, DATA_LIMITS.profileSampleMax);
  return {
    min,
    max,
    mean,
    std,
    quantiles: Object.fromEntries(QUANTILES.map((q) => [String(q), quantile(q)])),
    edges,
    counts: below.slice(1).map((end, index) => Math.round(((end - below[index]!) * count) / ranks.size)),
    sample: Array.from({ length: sampled }, (_, index) => at(sampled === 1 ? 0 : Math.floor((index * (ranks.size - 1)) / (sampled - 1)))),
  };
}

/** Between two places of the order, as NumPy's default (Hyndman and Fan, type 7). */
function interpolate(at: (place: number) => number, place: number): number {
  const low = Math.floor(place);
  const share = place - low;
  return share === 0 ? at(low) : at(low) * (1 - share) + at(low + 1) * share;
}

function countBelow(ranks: Ranks, limit: number): number {
  const index = firstAtLeast(ranks.values, limit);
  return index === ranks.values.length ? ranks.size : ranks.below[index]!;
}

/** Sums are taken in the order of the values, so that the same values give the same digits whatever order they came in. */
function momentsOfRanks(ranks: Ranks): Moments {
  const { values, below, through, size } = ranks;
  if (size === 0) return { count: 0, min: NaN, max: NaN, mean: NaN, std: NaN };
  const [min, max] = [values[0]!, values.at(-1)!];
  const unit = Math.max(Math.abs(min), Math.abs(max)) < SQUARABLE ? 1 : 1e170;
  let sum = 0;
  let lost = 0;
  // What rounding loses of each addition is kept and added back (Kahan).
  for (let index = 0; index < values.length; index++) {
    const next = (values[index]! / unit) * (through[index]! - below[index]!) - lost;
    const total = sum + next;
    lost = total - sum - next;
    sum = total;
  }
  const scaled = unit === 1 ? ranks : { ...ranks, values: values.map((value) => value / unit) };
  return { count: size, min, max, mean: (sum / size) * unit, std: deviationOf(scaled) * unit };
}

interface Categories {
  readonly distinct: number;
  /** Left out for free text: its most frequent values would only copy the data into the profile. */
  readonly categories?: ColumnProfile['categories'];
  /** All categories, where profile.json does not list them all. */
  readonly further?: { readonly counts: ReadonlyMap<string, number>; readonly other: number };
}

/** Values longer than this are no names of categories. */
const NAME_CHARS_MAX = 200;

async function categoriesOf(db: Database, table: string, value: string, { count }: ColumnProfile): Promise<Categories> {
  const inMost = DATA_LIMITS.profileCategoriesMax;
  await db.run(
    `CREATE OR REPLACE TEMP TABLE profile_groups AS SELECT CAST(${value} AS VARCHAR) AS v, count(*) AS n FROM ${table} WHERE ${value} IS NOT NULL GROUP BY ALL`,
  );
  try {
    const [distinct] = await measureAll(db, ['count(*)'], 'profile_groups');
    const most = distinct! > inMost && distinct! > count / 2 ? inMost : DATA_LIMITS.referenceCategoriesMax;
    const rows = (await db.rows(`SELECT v, n FROM profile_groups ORDER BY n DESC, v LIMIT ${most}`)).map(([name, n]): [string, number] => [
      String(name),
      Number(n),
    ]);
    const kept = rows.slice(0, inMost);
    if (kept.some(([name]) => name.length > NAME_CHARS_MAX)) return { distinct: distinct! };
    const categories = { counts: Object.fromEntries(kept), other: count - sumOf(kept) };
    if (rows.length === kept.length) return { distinct: distinct!, categories };
    let chars = 0;
    const listed = rows.filter(([name]) => (chars += name.length) <= DATA_LIMITS.referenceCategoryCharsMax);
    return { distinct: distinct!, categories, further: { counts: new Map(listed), other: count - sumOf(listed) } };
  } finally {
    await db.run('DROP TABLE profile_groups');
  }
}

const sumOf = (rows: readonly (readonly [string, number])[]): number => rows.reduce((sum, [, n]) => sum + n, 0);
