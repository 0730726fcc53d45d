import type { IngestConfig } from './ingest-config.ts';
import { PerennialError } from '../../core/errors.ts';
import { checkChoice, filterRows, sampleRows } from './choose-rows.ts';
import { rejectImages } from '../images/check-images.ts';
import { columnMissing, measureAll, requireColumn } from '../table/columns.ts';
import { readPictures } from '../images/pictures.ts';
import { declaredTypes } from './column-schema.ts';
import { asPerennialError, literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { INTEGER_CLASSES_MAX, labelList } from './label-columns.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import type { RawTable, SourceFile } from '../readers/reader.ts';
import { CSV_MISSING } from '../reading/numbers.ts';
import { contentSql, loadTable, rejectRows } from '../reading/load-table.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { momentHint } from '../reading/suggestions.ts';
import { countedNotes, countsHint } from './counted-times.ts';
import { readLabels } from './read-labels.ts';
import { checkMeaning, checkVanished, newColumnNotes, typesOfReference, wholeAgain } from './reference.ts';
import { checkClasses, columnsEqualToLabel, keptKind, rejectFractions } from './reference-classes.ts';
import { knownLabel } from './reference-schema.ts';
import type { KnownLabel, ReferenceSchema } from './reference-schema.ts';
import { assignSplits, orderNote, checkSplit, resolveSplit } from './split.ts';
import type { SplitConfig } from './split.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { SourceReading, Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

export interface IngestTables {
  /** The source as it was read. */
  readonly raw: RawTable;
  readonly columns: readonly TypedColumn[];
  /** Columns to predict; the first is what a stratified split goes by. */
  readonly labels: readonly TypedColumn[];
  readonly rows: Readonly<Record<Split, number>>;
  readonly quarantined: number;
  readonly reasons: readonly { readonly reason: string; readonly rows: number; readonly example: string }[];
  /** The rows stand in the order in which they are to be written. */
  readonly inOrder: boolean;
  readonly reading: SourceReading;
  readonly outsideWindow: number;
  /** Rows that "filter" left out, and rows that "sample" left out of their splits. */
  readonly filtered: number;
  readonly unsampled: number;
  readonly leakedRows: number;
  readonly notes: readonly string[];
  /** Columns that equal the label. */
  readonly copies: readonly string[];
  /** What labels are learnt as, where the last version decides and their values would say something else. */
  readonly kinds?: Readonly<Record<string, KnownLabel['kind']>>;
}

export interface TablesRequest {
  readonly db: Database;
  readonly config: IngestConfig;
  readonly files: readonly SourceFile[];
  readonly nominalTime: string;
  readonly workDir: string;
  readonly documentDir: string;
  readonly limit?: number;
  /** Columns that a model knows, which tell how a file is laid out. */
  readonly expected?: readonly string[];
  /** How the data of the last version looked. */
  readonly reference?: ReferenceSchema;
  /** Notes that come first. */
  readonly told?: readonly string[];
  /** Open at most so many of the images that a column names (a preview). */
  readonly imagesMax?: number;
}

const DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/;
const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** Milliseconds of "30d", "12h", "2w". @throws CONFIG_INVALID */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  if (match === null)
    throw new PerennialError('CONFIG_INVALID', `"${text}" is not a duration; expected a number and s, m, h, d or w, for example "30d".`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] * 1_000;
}

function sampleName(file: SourceFile | undefined): string {
  return file?.name ?? 'source';
}

/** Mistakes of a configuration that only the columns of the source show. */
function checkColumns(raw: RawTable, config: IngestConfig, labelled: readonly string[]): void {
  const names = raw.columns.map((column) => column.name);
  const bad = names.find((name) => name === '' || name.length > 256);
  if (bad !== undefined)
    throw new PerennialError(
      'SOURCE_INVALID',
      bad === '' ? 'A column of the source has no name.' : `A column's name has ${bad.length} characters; at most 256 are allowed.`,
    );
  for (const name of Object.keys(config.columns ?? {})) requireColumn(raw.columns, name, 'columns');
  for (const name of config.exclude ?? []) requireColumn(raw.columns, name, 'exclude');
  const unknown = labelled.find((name) => !names.includes(name));
  if (unknown !== undefined) throw columnMissing(unknown, names, 'label');
  const excluded = labelled.find((name) => config.exclude?.includes(name));
  if (excluded !== undefined)
    throw new PerennialError('CONFIG_INVALID', `"${excluded}" is a label and is excluded too.`, { hint: 'Remove it from "exclude".' });
}

/** Columns that the document names for a purpose. */
function namedColumns({ split, window, filter }: IngestConfig, labelled: readonly string[]): string[] {
  return [
    ...labelled,
    split?.column,
    split?.key,
    window?.column,
    ...(filter ?? []).map(({ column }) => (typeof column === 'string' ? column : undefined)),
  ].filter((name) => name !== undefined);
}

/** Rows that cannot be used: without a label or a time. */
async function rejectUnusable(
  db: Database,
  columns: readonly TypedColumn[],
  labels: readonly TypedColumn[],
  config: IngestConfig,
): Promise<void> {
  const time = config.split?.by === 'time' ? config.split.column : undefined;
  for (const column of columns) {
    if (labels.includes(column)) {
      await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the label "${column.name}" is missing`));
      if (column.type === 'number') await rejectRows(db, columns, `isinf(${column.id})`, literal(`the label "${column.name}" is infinite`));
    } else if (column.name === time || column.name === config.window?.column)
      await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the time column "${column.name}" is missing`));
  }
}

async function applyWindow(db: Database, columns: readonly TypedColumn[], config: IngestConfig, nominalTime: string): Promise<number> {
  const { window } = config;
  if (window === undefined) return 0;
  const column = requireColumn(columns, window.column, 'window.column');
  if (column.type !== 'timestamp')
    throw new PerennialError('CONFIG_INVALID', `window.column: "${column.name}" is a ${column.type} column, not timestamps.`, {
      hint: await momentHint(db, column, 'data'),
    });
  const [range] = await db.rows(`SELECT epoch_ms(min(${column.id})), epoch_ms(max(${column.id})), count(*) FROM data`);
  const [first, latest, before] = range!.map(Number) as [number, number, number];
  const end = window.until === 'latest' ? latest : Date.parse(nominalTime);
  const start = end - durationMs(window.last);
  await db.run(`DELETE FROM data WHERE epoch_ms(${column.id}) <= ${start} OR epoch_ms(${column.id}) > ${end}`);
  const [left] = await db.rows('SELECT count(*) FROM data');
  if (Number(left![0]) === 0) {
    const iso = (time: number) => new Date(time).toISOString();
    throw new PerennialError(
      'SOURCE_EMPTY',
      `No row of "${column.name}" lies within the last ${window.last} before ${iso(end)}: the data run from ${iso(first)} to ${iso(latest)}.`,
      { hint: 'Give a longer window, or "until": "latest" to measure back from the newest row.' },
    );
  }
  return before - Number(left![0]);
}

interface JudgedLabel {
  readonly classes: boolean;
  /** As the last version learnt it, where its values alone would say something else. */
  readonly kept?: KnownLabel['kind'];
  readonly notes: string[];
}

async function checkLabel(
  db: Database,
  label: TypedColumn,
  config: IngestConfig,
  names: readonly string[],
  reference: ReferenceSchema | undefined,
): Promise<JudgedLabel> {
  const where = `label "${label.name}"`;
  if (label.type === 'image' || label.type === 'timestamp')
    throw new PerennialError('LABEL_INVALID', `The ${where} is a column of ${label.type}s; a label is text, true/false or a number.`, {
      hint: `Choose one of: ${names.filter((name) => name !== label.name).join(', ')}.`,
    });
  const [facts] = await db.rows(`SELECT count(DISTINCT ${label.id}), min(CAST(${label.id} AS VARCHAR)), count(*) FROM data`);
  const distinct = Number(facts![0]);
  if (distinct < 2)
    throw new PerennialError(
      'LABEL_INVALID',
      `The ${where} is constant: all ${String(facts![2])} rows are "${String(facts![1])}". There is nothing to learn.`,
      { hint: 'A label needs at least two distinct values; check "label", "window" and the source.' },
    );
  const own = label.type === 'string' || label.type === 'boolean' || (label.type === 'integer' && distinct <= INTEGER_CLASSES_MAX);
  const kind = reference === undefined ? undefined : keptKind(reference, label, distinct);
  const classes = kind === undefined ? own : kind === 'classes';
  const kept = classes === own ? {} : { kept: kind! };
  const stays =
    reference === undefined || classes === own
      ? []
      : [
          `The ${where} has ${distinct} different whole numbers and is learnt as ${classes ? 'classes' : 'a quantity'}, as it was for ${reference.text}.`,
        ];
  if (label.type === 'string' && distinct > 50 && distinct > Number(facts![2]) / 2) {
    throw new PerennialError(
      'LABEL_INVALID',
      `The ${where} has ${distinct} different texts in ${String(facts![2])} rows: it looks like an identifier, not a class.`,
      { hint: `Choose another label, or declare "columns": {"${label.name}": "number"} if it is a quantity.` },
    );
  }
  if (!classes) return { classes, ...kept, notes: stays };
  const single = await db.rows(`SELECT CAST(${label.id} AS VARCHAR) FROM data GROUP BY 1 HAVING count(*) = 1 ORDER BY 1 LIMIT 5`);
  const stratified = config.split?.stratify === true;
  const notes = single.map(
    (row) =>
      `The class "${String(row[0])}" of ${where} has one row; ${stratified ? 'it goes to the train split, so validation and test never see this class' : 'it falls into one split only: use "stratify": true to have it trained on'}.`,
  );
  return { classes, ...kept, notes: [...stays, ...notes] };
}

/** What a reader finds in a source. @throws SOURCE_EMPTY, SOURCE_INVALID */
export async function readRaw({
  db,
  config,
  files,
  workDir,
  expected,
}: Pick<TablesRequest, 'db' | 'config' | 'files' | 'workDir' | 'expected'>): Promise<RawTable> {
  const reader = readerRegistry.get(config.source.format);
  if (reader.layout === 'files' && files.every((file) => file.size === 0))
    throw new PerennialError('SOURCE_EMPTY', `${files.map((file) => file.name).join(', ')}: the file is empty (0 bytes).`);
  try {
    return await reader.read({ db, config: config.source, files, workDir, ...(expected === undefined ? {} : { expected }) });
  } catch (error) {
    throw asPerennialError(error, 'SOURCE_INVALID', `${sampleName(files[0])} cannot be read as ${config.source.format}`);
  }
}

/**
 * Reads the source into the temporary tables `data` (c0, …, digest) and `rejects`, and divides the rows.
 *
 * @throws COLUMN_MISSING, LABEL_INVALID, SPLIT_INVALID, SOURCE_EMPTY, SOURCE_INVALID, DATA_INVALID (quarantine over budget)
 */
export async function readTables(request: TablesRequest): Promise<IngestTables> {
  const { db, config, files, nominalTime, documentDir, limit, imagesMax } = request;
  const reader = readerRegistry.get(config.source.format);
  const split = resolveSplit(config.split);
  const found = await readRaw(request);
  const labelled = labelList(config.label ?? found.label);
  checkColumns(found, config, labelled);
  for (const problem of [...checkSplit(split, labelled[0]), ...checkChoice(config.filter, config.sample, split)])
    throw new PerennialError('CONFIG_INVALID', `${problem.pointer}: ${problem.message}`, { hint: problem.fix ?? '' });
  const accepted = config.reference?.accept ?? [];
  if (request.reference !== undefined)
    checkVanished(
      request.reference,
      found.columns.map(({ name }) => name),
      [...accepted, ...(config.exclude ?? [])],
    );
  const expected =
    request.reference === undefined ? {} : typesOfReference(request.reference, [...accepted, ...(config.exclude ?? [])], found.columns);
  const {
    raw,
    columns: typed,
    notes,
  } = await inWords(
    async () => {
      const source = await readPictures(
        { db, raw: found, reader, config: config.source, declared: config.columns ?? {}, files, documentDir },
        imagesMax,
      );
      return loadTable({
        db,
        raw: source,
        declared: { ...expected, ...declaredTypes(config.columns) },
        exclude: config.exclude ?? [],
        named: namedColumns(config, labelled),
        rows: limit === undefined ? 'all' : { sample: limit },
        moments: [split.by === 'time' ? split.column : undefined, config.window?.column].filter((name) => name !== undefined),
        budget: config.budget ?? BUDGET,
      });
    },
    `${sampleName(files[0])} cannot be read as ${config.source.format}`,
  );
  const said = [...(request.told ?? []), ...notes];
  const { reference } = request;
  const declared = Object.keys(config.columns ?? {});
  const compared = labelled.filter((name) => !accepted.includes(name));
  if (reference !== undefined) await rejectFractions(db, reference, typed, compared);
  const loaded = reference === undefined ? typed : await wholeAgain(db, reference, typed, declared);
  if (reference !== undefined) said.push(...newColumnNotes(reference, loaded));
  await rejectImages(
    db,
    'data',
    loaded.filter(({ type, from }) => type === 'image' && !(from === 'image' && raw !== found)),
    contentSql(loaded),
  );
  const quantities = reference === undefined ? [] : compared.filter((name) => knownLabel(reference, name)?.kind === 'number');
  const columns = await readLabels(db, raw, loaded, labelled, config, said, quantities);
  const labels = labelled.map((name) => columns.find((column) => column.name === name)!);
  const copies = labels.length === 0 ? [] : await columnsEqualToLabel(db, reference, columns, labels, accepted);
  if (reference !== undefined) await checkMeaning(db, reference, columns, { accepted, declared, labels: labelled });
  const [label] = labels;
  await rejectUnusable(db, columns, labels, config);
  const reasons = (
    await db.rows(`SELECT regexp_replace(reason, ': .*$', '', 's'), count(*), min(reason) FROM rejects GROUP BY 1 ORDER BY 2 DESC, 1`)
  ).map((row) => ({ reason: String(row[0]), rows: Number(row[1]), example: String(row[2]) }));
  const quarantined = reasons.reduce((sum, item) => sum + item.rows, 0);
  const [count] = await db.rows('SELECT count(*) FROM data');
  const good = Number(count![0]);
  if (good + quarantined === 0) throw new PerennialError('SOURCE_EMPTY', `${sampleName(files[0])} has a header but no rows.`);
  checkBudget(quarantined, good, config.budget ?? BUDGET, reasons);
  const filtered = await filterRows(db, columns, config.filter);
  const outsideWindow = await applyWindow(db, columns, config, nominalTime);
  const judged: (JudgedLabel & { readonly label: TypedColumn })[] = [];
  for (const each of labels) {
    const known = reference !== undefined && compared.includes(each.name) ? reference : undefined;
    judged.push({
      label: each,
      ...(await checkLabel(
        db,
        each,
        config,
        columns.map((column) => column.name),
        known,
      )),
    });
    if (known !== undefined)
      said.push(
        ...(await checkClasses(db, known, each, config.filter?.some(({ column }) => column === each.name) === true, {
          // Of class folders some files of every class are looked at.
          part: limit !== undefined && !(reader.layout === 'classFolders' && files.length <= limit),
        })),
      );
  }
  if (split.stratify === true && judged[0]?.classes === false && judged[0].kept === undefined)
    throw new PerennialError('SPLIT_INVALID', `split.stratify: the label "${label!.name}" is a number, not a class.`, {
      hint: 'Remove "stratify".',
    });
  const seed = config.seed ?? 1;
  const assigned = await assignSplits({ db, split, seed, columns, label, stratify: split.stratify === true });
  const chosen = await sampleRows({ db, sample: config.sample, split, seed, columns, assigned });
  const unsampled = SPLITS.reduce((sum, name) => sum + assigned.rows[name] - chosen.rows[name], 0);
  await db.run(`CREATE OR REPLACE TEMP VIEW rows AS SELECT * FROM ${chosen.source}`);
  for (const each of judged) if (each.classes) await checkTrainClasses(db, each.label);
  said.push(
    ...judged.flatMap((each) => each.notes),
    ...(await emptyColumns(db, columns)),
    ...(await countedNotes(db, columns)),
    ...(await orderNote(db, split, columns)),
  );
  const words = await wordsOf(db, config.source.format, columns);
  return {
    raw,
    columns,
    labels,
    rows: chosen.rows,
    inOrder: chosen.inOrder,
    quarantined,
    reasons,
    outsideWindow,
    filtered,
    unsampled,
    leakedRows: await countLeaks(db, split),
    notes: said,
    copies,
    ...(judged.some(({ kept }) => kept !== undefined)
      ? { kinds: Object.fromEntries(judged.flatMap(({ label: { name }, kept }) => (kept === undefined ? [] : [[name, kept] as const]))) }
      : {}),
    reading: {
      formatVersion: 1,
      source: { ...raw.options, format: config.source.format, nullValues: [...raw.nullValues] },
      columns: columns.map((column) => columnOf(column, words.get(column.name))),
      canonical: true,
    },
  };
}

/** What would mean a missing value in a CSV file, and is a value in columns of a source that writes it in another way. */
async function wordsOf(db: Database, format: string, columns: readonly TypedColumn[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const texts = format === 'csv' ? [] : columns.filter(({ type }) => type === 'string');
  const words = CSV_MISSING.filter((text) => text !== '');
  const found = await measureAll(
    db,
    texts.flatMap(({ id }) => words.map((word) => `count_if(${id} = ${literal(word)})`)),
    'data',
  );
  return new Map(texts.map(({ name }, at) => [name, words.filter((_, index) => found[at * words.length + index]! > 0)]));
}

async function inWords<T>(load: () => Promise<T>, prefix: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw asPerennialError(error, 'SOURCE_INVALID', prefix);
  }
}

/** As datasets and models remember a column. */
function columnOf({ name, type, format, origin, float32, nested }: TypedColumn, words: readonly string[] = []): Column {
  return {
    name,
    type,
    ...(format === undefined ? {} : { format }),
    ...(origin === undefined ? {} : { origin }),
    ...(float32 === undefined ? {} : { float32 }),
    ...(nested === undefined ? {} : { nested }),
    ...(words.length === 0 ? {} : { words }),
  };
}

/** Share of the rows that may be quarantined, unless the document says another. */
const BUDGET = 0.05;

function checkBudget(quarantined: number, good: number, budget: number, reasons: IngestTables['reasons']): void {
  const share = quarantined / (quarantined + good);
  if (share <= budget && good > 0) return;
  const list = reasons
    .slice(0, 5)
    .map(
      (item) =>
        `${item.example.startsWith(item.reason) && item.example !== item.reason && item.rows < 4 ? item.example : item.reason} (${item.rows} rows)`,
    )
    .join('; ');
  throw new PerennialError(
    'DATA_INVALID',
    `${quarantined} of ${quarantined + good} rows cannot be used (${(100 * share).toFixed(1)} %, the budget is ${(100 * budget).toFixed(1)} %): ${list}.`,
    {
      hint: `${countsHint(reasons)}Correct the source, or raise "budget" of the ingest step if losing these rows is acceptable.`,
      details: { reasons },
    },
  );
}

async function checkTrainClasses(db: Database, label: TypedColumn): Promise<void> {
  const absent = await db.rows(
    `SELECT CAST(${label.id} AS VARCHAR), count(*) FROM rows GROUP BY 1 HAVING count_if(split = 'train') = 0 ORDER BY 1 LIMIT 5`,
  );
  if (absent.length > 0) {
    throw new PerennialError(
      'SPLIT_INVALID',
      `The train split holds no row of ${absent.map((row) => `"${String(row[0])}" (${String(row[1])} rows in all)`).join(', ')}: such classes cannot be learnt.`,
      { hint: 'Use "stratify": true, another seed, or more rows of these classes.' },
    );
  }
}

async function emptyColumns(db: Database, columns: readonly TypedColumn[]): Promise<string[]> {
  const counts = await measureAll(
    db,
    columns.map((column) => `count(${column.id})`),
    'data',
  );
  return columns
    .filter((_, index) => counts[index] === 0)
    .map((column) => `The column "${column.name}" is missing in every row: "exclude" it, or correct the source.`);
}

/**
 * Rows of validation and test whose contents are also in another split's rows. By hash there are none, unless a key divides equal rows: a
 * row's class is a part of its contents.
 */
async function countLeaks(db: Database, split: SplitConfig): Promise<number> {
  if (split.by === 'hash' && split.key === undefined) return 0;
  const [leaked] = await db.rows(
    `SELECT coalesce(sum(held), 0) FROM (SELECT count_if(split <> 'train') AS held, min(split) <> max(split) AS apart FROM rows GROUP BY digest) WHERE apart`,
  );
  return Number(leaked![0]);
}
