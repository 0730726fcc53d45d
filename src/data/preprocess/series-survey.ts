import { PerennialError } from '../../core/errors.ts';
import { requireColumn } from '../table/columns.ts';
import type { NumberData } from '../transforms/column-data.ts';
import { columnBatches, columnsOf, datasetMeta, tableBatches } from '../stored/dataset-rows.ts';
import type { ColumnBatch } from '../stored/dataset-rows.ts';
import type { Database } from '../table/duckdb.ts';
import { durationMs } from '../../core/duration.ts';
import { parquetTable } from '../table/duckdb.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { SeriesRuns, keyNames, keyText, keysOf, lengthText, momentText, seriesName } from './series.ts';
import type { FittedSequence, SequenceConfig } from '../stored/sequence.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

type NamedColumn = Column & { readonly sql: string };

/** The rows of a dataset, or of what `plan` looks at. */
export interface SeriesTable {
  readonly db: Database;
  /** SQL of all rows. */
  readonly source: string;
  readonly columns: readonly NamedColumn[];
  readonly labels: readonly string[];
  /** Rows of a split in the order of time. */
  batches(split: Split, names: readonly string[]): AsyncGenerator<ColumnBatch>;
}

export interface SeriesSurvey {
  readonly sequence: FittedSequence;
  readonly byType: Column['type'];
  /** Windows whose label lies in each split. */
  readonly windows: Readonly<Record<Split, number>>;
  readonly notes: readonly string[];
}

/** The rows of a dataset for {@link surveySeries}. */
export async function datasetTable(db: Database, dataset: OpenArtifact): Promise<SeriesTable> {
  const meta = datasetMeta(dataset);
  const held = SPLITS.filter((split) => meta.rows[split] > 0);
  const paths = await Promise.all(held.map(async (split) => dataset.path(`${split}.parquet`)));
  return {
    db,
    source: parquetTable(paths),
    columns: await columnsOf(db, dataset, held[0]!),
    labels: [...(meta.label === null ? [] : [meta.label]), ...(meta.furtherLabels ?? [])],
    batches: (split, names) => columnBatches(db, dataset, split, names),
  };
}

/** The rows that `plan` has read, for {@link surveySeries}. */
export function previewTable(db: Database, columns: readonly NamedColumn[], labels: readonly string[]): SeriesTable {
  return {
    db,
    source: 'rows',
    columns,
    labels,
    batches: (split, names) =>
      tableBatches(
        db,
        `(SELECT * FROM rows WHERE split = '${split}' ORDER BY position)`,
        names.map((name) => {
          const column = columns.find((each) => each.name === name)!;
          return { column, sql: column.sql };
        }),
      ),
  };
}

const timeSql = ({ type, sql }: NamedColumn): string =>
  type === 'timestamp' ? `CAST(epoch_ms(${sql}) AS DOUBLE)` : `CAST(${sql} AS DOUBLE)`;
const keySql = ({ type, sql }: NamedColumn): string => (type === 'string' ? sql : `CAST(${sql} AS DOUBLE)`);

interface Places {
  readonly table: SeriesTable;
  readonly by: NamedColumn;
  readonly key: readonly NamedColumn[];
}

/** @throws COLUMN_MISSING, CONFIG_INVALID, DATA_INVALID */
async function keyColumns({ key, by }: SequenceConfig, { db, source, columns }: SeriesTable): Promise<NamedColumn[]> {
  const found = keyNames(key).map((name) => requireColumn(columns, name, 'sequence.key'));
  for (const column of found) {
    if (column.name === by)
      throw new PerennialError('CONFIG_INVALID', `sequence.key: "${by}" orders the rows; it cannot name their series as well.`, {
        hint: 'Name the column that says which series a row belongs to.',
      });
    if (column.type === 'image' || column.type === 'timestamp')
      throw new PerennialError(
        'CONFIG_INVALID',
        `sequence.key: "${column.name}" is a column of ${column.type}s; a series is named by texts, whole numbers or true/false.`,
      );
    const [missing] = await db.rows(`SELECT count(*) FILTER (WHERE ${column.sql} IS NULL), count(*) FROM ${source}`);
    if (Number(missing![0]) > 0)
      throw new PerennialError(
        'DATA_INVALID',
        `sequence.key: "${column.name}" is missing in ${String(missing![0])} of ${String(missing![1])} rows, which then belong to no series.`,
        { hint: `Leave such rows out in the ingest step: "filter": [{"column": ${JSON.stringify(column.name)}, "notNull": true}].` },
      );
  }
  return found;
}

/** Columns of which each value has every moment once, those of few values first: what could be meant by "key". */
async function candidates({ table: { db, source, columns, labels }, by }: Places): Promise<string[]> {
  const able = columns
    .filter(
      ({ name, type, origin }) =>
        ['string', 'integer', 'boolean'].includes(type) && origin !== true && name !== by.name && !labels.includes(name),
    )
    .slice(0, 100);
  const found: { readonly names: string[]; readonly series: number }[] = [];
  const test = async (group: readonly NamedColumn[]): Promise<void> => {
    const list = group.map(({ sql }) => sql).join(', ');
    const [counts] = await db.rows(
      `SELECT (SELECT count(*) FROM (SELECT 1 FROM ${source} GROUP BY ${list}, ${timeSql(by)} HAVING count(*) > 1)), (SELECT count(*) FROM (SELECT DISTINCT ${list} FROM ${source})), (SELECT count(*) FROM ${source})`,
    );
    const [twice, series, rows] = counts!.map(Number) as [number, number, number];
    if (twice === 0 && series * 2 <= rows) found.push({ names: group.map(({ name }) => name), series });
  };
  for (const column of able) await test([column]);
  const few = able.filter(({ type }) => type === 'string').slice(0, 8);
  if (found.length === 0) for (const [at, first] of few.entries()) for (const second of few.slice(at + 1)) await test([first, second]);
  return found
    .sort((a, b) => a.series - b.series)
    .slice(0, 5)
    .map(({ names }) => (names.length === 1 ? JSON.stringify(names[0]) : JSON.stringify(names)));
}

/** @throws DATA_INVALID where a series has a moment twice */
async function refuseTwice(places: Places): Promise<void> {
  const {
    table: { db, source, columns },
    by,
    key,
  } = places;
  const groups = [...key.map(keySql), timeSql(by)];
  const twice = `(SELECT ${groups.map((sql, at) => `${sql} AS g${at}`).join(', ')}, count(*) AS n FROM ${source} GROUP BY ALL HAVING count(*) > 1)`;
  const [counts] = await db.rows(`SELECT count(*), coalesce(sum(n), 0), (SELECT count(*) FROM ${source}) FROM ${twice}`);
  const [moments, rows, all] = counts!.map(Number) as [number, number, number];
  if (moments === 0) return;
  const first = await db.rows(
    `SELECT * FROM ${twice} ORDER BY ${[...key.keys()].reduce((list, at) => `${list}, g${at}`, `g${key.length}`)} LIMIT 3`,
  );
  const examples = first.map(
    (row) =>
      `${momentText(Number(row[key.length]), by.type)}${key.length === 0 ? '' : ` (${seriesName(key, keyText(row.slice(0, key.length) as (string | number)[]))})`}, ${String(row[key.length + 1])} rows`,
  );
  const [equal] = await db.rows(
    `SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM ${source} GROUP BY ${columns.map(({ sql }) => sql).join(', ')} HAVING count(*) > 1)`,
  );
  const copies = Number(equal![0]);
  const copied = copies === 0 ? '' : ` ${copies} ${copies === 1 ? 'row repeats' : 'rows repeat'} another with all values.`;
  const message = `sequence.by: ${moments} ${moments === 1 ? 'moment of' : 'moments of'} "${by.name}" ${moments === 1 ? 'stands' : 'stand'} in more than one row${key.length === 0 ? '' : ' of one series'} (${rows} of ${all} rows): ${examples.join('; ')}${moments > 3 ? '; …' : ''}.${copied}`;
  if (key.length > 0)
    throw new PerennialError('DATA_INVALID', message, {
      hint: `Give each moment of a series once: correct the source, or name with "key" what tells the series apart beside ${key.map(({ name }) => `"${name}"`).join(', ')}.`,
    });
  const could = await candidates(places);
  throw new PerennialError('DATA_INVALID', message, {
    hint:
      could.length === 0
        ? 'A window would hold rows that do not follow each other. Give each moment once; or, where the table holds several series, name the columns that tell them apart: "sequence": { …, "key": "…" }.'
        : `The table seems to hold several series: name the column that tells them apart, "sequence": { …, "key": ${could[0]} }.${could.length === 1 ? '' : ` Each moment is there once per value of ${could.join(', ')}.`}`,
  });
}

/** A rhythm is one where at least so many of the steps are the same. */
const REGULAR_SHARE = 0.5;
/** Longer than this many usual steps is a gap. */
const GAP_STEPS = 1.5;

interface Rhythm {
  readonly key: string;
  readonly rows: number;
  /** Steps between rows that were looked at. */
  readonly steps: number;
  readonly step: number;
  readonly regular: boolean;
  readonly share: number;
}

/** The most frequent step of every series that has at least two. */
async function rhythms({ table: { db, source }, by, key }: Places): Promise<Rhythm[]> {
  const names = key.map((_, at) => `g${at}`);
  const list = names.map((name) => `${name}, `).join('');
  const own = key.map((column, at) => `${keySql(column)} AS g${at}, `).join('');
  const partition = names.length === 0 ? '' : `PARTITION BY ${names.join(', ')} `;
  const found = await db.rows(`SELECT ${list}d, n, total FROM (
      SELECT ${list}d, n, sum(n) OVER (${partition}) AS total, row_number() OVER (${partition}ORDER BY n DESC, d) AS place FROM (
        SELECT ${list}d, count(*) AS n FROM (SELECT ${list}t - lag(t) OVER (${partition}ORDER BY t) AS d FROM (SELECT ${own}${timeSql(by)} AS t FROM ${source})) WHERE d IS NOT NULL GROUP BY ${list}d))
    WHERE place = 1 ORDER BY ALL`);
  return found.map((row): Rhythm => {
    const [step, most, steps] = row.slice(key.length).map(Number) as [number, number, number];
    return {
      key: key.length === 0 ? '' : keyText(row.slice(0, key.length) as (string | number)[]),
      rows: steps + 1,
      steps,
      step,
      share: most / steps,
      regular: most / steps >= REGULAR_SHARE,
    };
  });
}

interface GapRule {
  readonly gap: number | null;
  readonly gaps?: Readonly<Record<string, number | null>>;
  readonly notes: readonly string[];
  readonly usual?: number;
}

/** What counts as a gap, where the document does not say it: more than one and a half usual steps of a regular series. */
function gapRule(found: readonly Rhythm[], { by, key }: Places): GapRule {
  const weights = new Map<number, number>();
  for (const { step, regular, steps } of found) if (regular) weights.set(step, (weights.get(step) ?? 0) + steps);
  const usual = [...weights].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0];
  const gap = usual === undefined ? null : usual * GAP_STEPS;
  // One step tells nothing about a rhythm.
  const odd = found.filter(({ steps, step, regular }) => steps > 1 && (regular ? step !== usual : usual !== undefined));
  const gaps = Object.fromEntries(odd.map((each) => [each.key, each.regular ? each.step * GAP_STEPS : null]));
  const irregular = found.filter(({ steps, regular }) => steps > 1 && !regular);
  const notes =
    irregular.length === 0
      ? []
      : [
          `sequence.gap: the steps of "${by.name}" are irregular${
            key.length === 0
              ? ''
              : ` in ${irregular.length} of ${found.length} series (${irregular
                  .slice(0, 3)
                  .map((each) => seriesName(key, each.key))
                  .join('; ')}${irregular.length > 3 ? '; …' : ''})`
          }: the most frequent one, ${lengthText(irregular[0]!.step, by.type)}, makes ${Math.round(100 * irregular[0]!.share)} %. No gap is told apart there; "gap" says how much time may lie between rows that follow each other.`,
        ];
  return { gap, ...(odd.length === 0 ? {} : { gaps }), notes, ...(usual === undefined ? {} : { usual }) };
}

/** @throws CONFIG_INVALID */
function givenGap(gap: string | number, by: Column): number {
  const timestamps = by.type === 'timestamp';
  if (timestamps !== (typeof gap === 'string'))
    throw new PerennialError(
      'CONFIG_INVALID',
      `sequence.gap: ${JSON.stringify(gap)} is given, and "${by.name}" holds ${timestamps ? 'timestamps' : 'numbers'}.`,
      { hint: timestamps ? 'Write a length of time, as "2d" or "90m".' : `Write a number in the unit of "${by.name}".` },
    );
  return typeof gap === 'string' ? durationMs(gap) : gap;
}

/**
 * What a table of series is like: which rows belong together, where gaps are, and how many windows that leaves.
 *
 * @param learnt how a model cuts windows that these rows are prepared for
 * @throws COLUMN_MISSING, CONFIG_INVALID; DATA_INVALID where a moment stands twice; SPLIT_INVALID where a split has no window
 */
export async function surveySeries(table: SeriesTable, config: SequenceConfig, learnt?: FittedSequence): Promise<SeriesSurvey> {
  const by = requireColumn(table.columns, config.by, 'sequence.by');
  const key = await keyColumns(config, table);
  const places: Places = { table, by, key };
  await refuseTwice(places);
  const rule: GapRule =
    learnt?.gap !== undefined
      ? { gap: learnt.gap, ...(learnt.gaps === undefined ? {} : { gaps: learnt.gaps }), notes: [] }
      : config.gap === undefined
        ? gapRule(await rhythms(places), places)
        : { gap: givenGap(config.gap, by), notes: [] };
  const sequence: FittedSequence = {
    size: config.size,
    horizon: config.horizon,
    by: config.by,
    ...(key.length === 0 ? {} : { key: key.map(({ name, type }) => ({ name, type })) }),
    gap: rule.gap,
    ...(rule.gaps === undefined ? {} : { gaps: rule.gaps }),
  };
  const counted = await countWindows(sequence, table, by.type);
  return { sequence, byType: by.type, windows: counted.windows, notes: [...rule.notes, ...notesOf(counted, sequence, rule, by)] };
}

interface Counted {
  readonly windows: Readonly<Record<Split, number>>;
  readonly rows: Readonly<Record<Split, number>>;
  /** Rows of each series. */
  readonly series: ReadonlyMap<string, number>;
  /** Windows that would span a gap. */
  readonly spanning: number;
  readonly runs: SeriesRuns;
}

async function countWindows(sequence: FittedSequence, table: SeriesTable, byType: Column['type']): Promise<Counted> {
  const runs = new SeriesRuns(sequence, byType);
  const needed = sequence.size + sequence.horizon;
  const windows: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  const rows: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  const series = new Map<string, number>();
  let spanning = 0;
  for (const split of SPLITS) {
    for await (const batch of table.batches(split, [sequence.by, ...(sequence.key ?? []).map(({ name }) => name)])) {
      const keys = keysOf(sequence.key, batch.columns, batch.rows, batch.firstRow);
      const counts = runs.add(keys, (batch.columns.get(sequence.by) as NumberData).values, batch.rows, (at) => batch.firstRow + at);
      rows[split] += batch.rows;
      for (const [row, run] of counts.entries()) {
        const key = keys?.[row] ?? '';
        const place = (series.get(key) ?? 0) + 1;
        series.set(key, place);
        if (run >= needed) windows[split] += 1;
        else if (place >= needed) spanning += 1;
      }
    }
  }
  const counted = { windows, rows, series, spanning, runs };
  for (const split of SPLITS) if (rows[split] > 0 && windows[split] === 0) throw noWindows(split, counted, sequence, byType);
  return counted;
}

const some = (count: number, what: string, plural = `${what}s`): string => `${count} ${count === 1 ? what : plural}`;

function noWindows(split: Split, { rows, series, runs }: Counted, sequence: FittedSequence, byType: Column['type']): PerennialError {
  const later = sequence.horizon === 0 ? '' : ` with the label ${some(sequence.horizon, 'row')} later`;
  if (runs.gaps === 0 && sequence.key === undefined)
    return new PerennialError(
      'SPLIT_INVALID',
      `sequence.size: the ${split} split has ${some(rows[split], 'row')}, too few for one window of ${some(sequence.size, 'row')}${later}.`,
      { hint: 'Give shorter windows, or more rows.' },
    );
  return new PerennialError(
    'SPLIT_INVALID',
    `sequence.size: no window of ${some(sequence.size, 'row')}${later} has its label in the ${split} split: ${some(rows[split], 'row')}${sequence.key === undefined ? '' : ` of ${some(series.size, 'series', 'series')} in all splits`}${runs.gaps === 0 ? '' : `, and ${some(runs.gaps, 'gap')} (${placesText(runs, sequence, byType)})`}.`,
    {
      hint:
        runs.gaps === 0
          ? 'Give shorter windows, or more rows of each series.'
          : 'Give shorter windows, more rows, or with "gap" the longest time that may lie between rows that follow each other.',
    },
  );
}

function placesText({ places, gaps }: SeriesRuns, { key }: FittedSequence, type: Column['type']): string {
  return `${places.map((place) => `${key === undefined ? '' : `${seriesName(key, place.key)}: `}${momentText(place.after, type)} to ${momentText(place.until, type)}`).join('; ')}${gaps > places.length ? '; …' : ''}`;
}

function notesOf({ series, spanning, runs }: Counted, sequence: FittedSequence, { usual }: GapRule, { name, type }: Column): string[] {
  const notes: string[] = [];
  const needed = sequence.size + sequence.horizon;
  const short = [...series].filter(([, rows]) => rows < needed);
  if (sequence.key !== undefined && short.length > 0)
    notes.push(
      `sequence: ${short.length} of ${series.size} series ${short.length === 1 ? 'has' : 'have'} fewer than ${needed} rows and no window: ${short
        .slice(0, 3)
        .map(([key, rows]) => `${seriesName(sequence.key, key)} (${rows})`)
        .join('; ')}${short.length > 3 ? '; …' : ''}.`,
    );
  if (runs.gaps > 0) {
    const longest =
      sequence.gap === null || sequence.gap === undefined
        ? ''
        : ` (more than ${lengthText(sequence.gap, type)} between rows${usual === undefined ? '' : `; the usual step is ${lengthText(usual, type)}`}${sequence.gaps === undefined ? '' : ', other series have their own'})`;
    notes.push(
      `sequence.gap: "${name}" has ${some(runs.gaps, 'gap')}${longest}, first ${placesText(runs, sequence, type)}. ${spanning === 1 ? '1 window that would span one is' : `${spanning} windows that would span one are`} left out; "gap" says how much time may lie between rows that follow each other.`,
    );
  }
  return notes;
}
