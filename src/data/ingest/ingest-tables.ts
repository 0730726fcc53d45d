import type { IngestConfig } from './ingest-config.ts';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { checkChoice, filterRows, sampleRows } from './choose-rows.ts';
import { rejectImages } from '../images/check-images.ts';
import { columnMissing, requireColumn } from '../table/columns.ts';
import { readPictures } from '../images/pictures.ts';
import { declaredTypes } from './column-schema.ts';
import { NothingNew, markSeen, withoutSeen } from './appended-rows.ts';
import type { KnownRows } from './appended-rows.ts';
import { checkGrowth } from './growth.ts';
import { keepKnown, timeColumns } from './time-known.ts';
import type { KnownInTime } from './time-known.ts';
import { readingError } from '../readers/reader.ts';
import type { Database } from '../table/duckdb.ts';
import { labelList } from './label-columns.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import type { RawTable, SourceFile } from '../readers/reader.ts';
import { contentSql, loadTable } from '../reading/load-table.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { countedNotes } from './counted-times.ts';
import { readLabels } from './read-labels.ts';
import { checkMeaning, checkVanished, newColumnNotes, typesOfReference, wholeAgain } from './reference.ts';
import { checkClasses, columnsEqualToLabel, rejectFractions } from './reference-classes.ts';
import { knownLabel } from './reference-schema.ts';
import type { KnownLabel, ReferenceSchema } from './reference-schema.ts';
import { assignSplits, countSplits, orderNote, checkSplit, resolveSplit } from './split.ts';
import type { SplitConfig } from './split.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { SourceReading, Split } from '../stored/dataset.ts';
import { checkLabel, checkTrainClasses } from './judge-label.ts';
import type { JudgedLabel } from './judge-label.ts';
import { columnOf, emptyColumns, wordsOf } from './stored-columns.ts';
import { BUDGET, applyWindow, checkBudget, rejectUnusable } from './usable-rows.ts';
import type { Reason } from './usable-rows.ts';

export interface IngestTables {
  /** The source as it was read. */
  readonly raw: RawTable;
  readonly columns: readonly TypedColumn[];
  /** Columns to predict; the first is what a stratified split goes by. */
  readonly labels: readonly TypedColumn[];
  readonly rows: Readonly<Record<Split, number>>;
  readonly quarantined: number;
  readonly reasons: readonly Reason[];
  /** The rows stand in the order in which they are to be written. */
  readonly inOrder: boolean;
  readonly reading: SourceReading;
  readonly outsideWindow: number;
  /** Rows that the nominal time left out, and rows that a version has seen already. */
  readonly inTime: Pick<KnownInTime, 'future' | 'late' | 'older'>;
  readonly appended?: { readonly seen: number; readonly fresh: number; readonly toldBy: readonly string[] };
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
  /** Of the mode "append": what a version has seen; left out where there is none. */
  readonly known?: KnownRows;
  /** Notes that come first. */
  readonly told?: readonly string[];
  /** Open at most so many of the images that a column names (a preview). */
  readonly imagesMax?: number;
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
      { hint: 'Give every column of the source a name of 1 to 256 characters.' },
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
function namedColumns(config: IngestConfig, labelled: readonly string[]): string[] {
  const { split, window, filter } = config;
  return [
    ...labelled,
    split?.column,
    split?.key,
    window?.column,
    ...timeColumns(config),
    ...(filter ?? []).map(({ column }) => (typeof column === 'string' ? column : undefined)),
  ].filter((name) => name !== undefined);
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
    throw await readingError(reader, { db, files, what: sampleName(files[0]) }, error);
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
  for (const problem of [...checkSplit(split, labelled[0]), ...checkChoice(config.filter, config.sample, split), ...checkGrowth(config)])
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
  const load = async () => {
    try {
      const source = await readPictures(
        { db, raw: found, reader, config: config.source, declared: config.columns ?? {}, files, documentDir },
        imagesMax,
      );
      return await loadTable({
        db,
        raw: source,
        declared: { ...expected, ...declaredTypes(config.columns) },
        exclude: config.exclude ?? [],
        named: namedColumns(config, labelled),
        rows: limit === undefined ? 'all' : { sample: limit },
        moments: [...new Set([split.by === 'time' ? split.column : undefined, config.window?.column, ...timeColumns(config)])].filter(
          (name) => name !== undefined,
        ),
        budget: config.budget ?? BUDGET,
      });
    } catch (error) {
      throw await readingError(reader, { db, files, what: sampleName(files[0]) }, error);
    }
  };
  const { raw, columns: typed, notes } = await load();
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
  if (reference !== undefined) said.push(...(await checkMeaning(db, reference, columns, { accepted, declared, labels: labelled })));
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
  const inTime = await keepKnown(db, columns, config, nominalTime);
  said.push(...inTime.notes);
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
  // Only now: what the labels are is told by all rows, of which the new ones may show a part.
  const appended = await keepFresh(request, columns);
  if (split.stratify === true && judged[0]?.classes === false && judged[0].kept === undefined)
    throw new PerennialError('SPLIT_INVALID', `split.stratify: the label "${label!.name}" is a number, not a class.`, {
      hint: 'Remove "stratify".',
    });
  const seed = config.seed ?? 1;
  const assigned = await divided(
    () => assignSplits({ db, split, seed, columns, label, stratify: split.stratify === true }),
    appended,
    request.known,
  );
  const chosen = await sampleRows({ db, sample: config.sample, split, seed, columns, assigned });
  const unsampled = SPLITS.reduce((sum, name) => sum + assigned.rows[name] - chosen.rows[name], 0);
  const partly = appended !== undefined && config.append?.splits !== undefined;
  const source = partly ? withoutSeen(chosen.source, config.append!.splits!) : chosen.source;
  const rows = partly ? await countSplits(db, source) : chosen.rows;
  await db.run(`CREATE OR REPLACE TEMP VIEW rows AS SELECT * FROM ${source}`);
  // What goes on from a model knows its classes already.
  if (appended === undefined) for (const each of judged) if (each.classes) await checkTrainClasses(db, each.label);
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
    rows,
    inOrder: chosen.inOrder,
    quarantined,
    reasons,
    outsideWindow,
    inTime,
    ...(appended === undefined ? {} : { appended }),
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

/**
 * Of a source that grows: only the rows that a version has not seen. Where some splits stay whole, rows go only once it is known which
 * split they are in.
 *
 * @throws NothingNew
 */
async function keepFresh(
  { db, config: { mode, append }, known }: TablesRequest,
  columns: readonly TypedColumn[],
): Promise<IngestTables['appended']> {
  if (mode !== 'append' || known === undefined) return undefined;
  const { columns: toldBy, seen } = await markSeen(db, columns, known);
  const [count] = await db.rows('SELECT count(*) FROM data');
  const fresh = Number(count![0]) - seen;
  const least = append?.rowsMin ?? 1;
  if (fresh < least)
    throw new NothingNew(
      fresh === 0
        ? `of ${seen} rows ${known.text} has seen all`
        : `of ${seen + fresh} rows ${known.text} has seen all but ${fresh}, and "append.rowsMin" asks for ${least}`,
    );
  if (append?.splits === undefined) await db.run('DELETE FROM data WHERE rowid IN (SELECT r FROM seen)');
  return { seen, fresh, toldBy };
}

/** So few new rows may leave a split empty by chance: they wait for others. */
const FEW_ROWS = 50;

async function divided<T>(divide: () => Promise<T>, appended: IngestTables['appended'], known: KnownRows | undefined): Promise<T> {
  try {
    return await divide();
  } catch (error) {
    if (appended === undefined || appended.fresh >= FEW_ROWS || !isPerennialError(error, 'SPLIT_INVALID')) throw error;
    throw new NothingNew(
      `${known!.text} has seen all but ${appended.fresh} of ${appended.seen + appended.fresh} rows, which are too few to be divided and wait for others (${error.message.replace(/\.$/, '')})`,
    );
  }
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
