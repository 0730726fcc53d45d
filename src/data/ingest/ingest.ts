import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../../core/json.ts';
import type { StepContext, StepResult } from '../../core/step.ts';
import { ident, literal, withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { alikeNotes, textsOfProfile } from './alike-texts.ts';
import { NothingNew, wholeGroups } from './appended-rows.ts';
import type { KnownRows } from './appended-rows.ts';
import { readRaw, readTables } from './ingest-tables.ts';
import { fingerprintPictures, namesPictures } from '../images/pictures.ts';
import { labelNames } from './label-columns.ts';
import type { IngestTables } from './ingest-tables.ts';
import type { IngestConfig } from './ingest-config.ts';
import type { Compared, ReferenceSchema } from './reference-schema.ts';
import { keepRawRows } from './raw-rows.ts';
import type { RawTestRows } from './raw-rows.ts';
import { knownIdentitySql } from '../reading/digest.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { digestsFile, writeDigests } from './row-digests.ts';
import { tellingColumns } from './telling-columns.ts';
import { describeTable, profileFiles } from '../table/profile.ts';
import type { TableProfile } from '../table/profile.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import { areListedOtherwise, fingerprintFiles, haveChanged, listSource, readOrChanged, readUnchanged } from './source-files.ts';
import type { SourceFile } from '../readers/reader.ts';
import type { SourceFingerprint } from './source-files.ts';
import { resolveSplit } from './split.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { DatasetMeta, Split } from '../stored/dataset.ts';

interface Found {
  readonly files: readonly SourceFile[];
  /** Images that a table names. */
  readonly pictures: readonly SourceFile[];
  readonly fingerprint: SourceFingerprint;
}

/**
 * The files of a source and what they hold now, with the images that a table names.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID
 */
export async function lookAtSource(config: IngestConfig, documentDir: string): Promise<Found> {
  const reader = readerRegistry.get(config.source.format);
  const list = (): Promise<SourceFile[]> => listSource(reader, config.source, documentDir);
  const files = await list();
  const isOther = (): Promise<boolean> => areListedOtherwise(files, list);
  const text = typeof reader.text === 'function' ? reader.text(config.source) : reader.text;
  const table = await readOrChanged(config.source.path, isOther, () => fingerprintFiles(files, text));
  if (!namesPictures(config.columns) || table.bytes === 0) return { files, pictures: [], fingerprint: table };
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-pictures-'));
  try {
    return await withDatabase(async (db) => {
      const found = await readOrChanged(config.source.path, isOther, async () => {
        const raw = await readRaw({ db, config, files, workDir });
        return fingerprintPictures({ db, raw, reader, config: config.source, declared: config.columns!, files, documentDir }, table);
      });
      return { files, ...found };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** What the source holds now: goes into the cache key of an ingest step, with the nominal time where that decides on rows. */
export async function fingerprintSource(config: IngestConfig, documentDir: string, nominalTime: string): Promise<Json> {
  const { digest } = (await lookAtSource(config, documentDir)).fingerprint;
  const timed = config.time !== undefined || (config.window !== undefined && config.window.until !== 'latest');
  return timed ? { source: digest, nominalTime } : { source: digest };
}

/** Row groups: images are large, so few of them. */
export const rowGroup = (meta: Pick<DatasetMeta, 'columns'>) => (meta.columns.some((column) => column.type === 'image') ? 2_048 : 122_880);

/** A column of more values than this in a group of rows is written as it is: looking for values that repeat costs more than it saves. */
const DICTIONARY_MAX = 1_000;

/** A name that no column has. */
const PLACE = '"\u0001place"';

/**
 * Writes the rows of a query as Parquet: the same rows give the same bytes. Several threads would divide many rows into groups as they
 * happen to come, so that they are numbered first, which one thread does.
 */
export async function writeParquet(db: Database, query: string, path: string, groupRows: number): Promise<void> {
  const inTurn = `SELECT * EXCLUDE (${PLACE}) FROM (SELECT *, row_number() OVER () AS ${PLACE} FROM (${query})) WHERE ${PLACE} > 0`;
  await db.run(
    `COPY (${inTurn}) TO ${literal(path)} (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT ${DICTIONARY_MAX}, ROW_GROUP_SIZE ${groupRows})`,
  );
}

async function writeFiles(
  db: Database,
  tables: IngestTables,
  meta: DatasetMeta,
  workDir: string,
): Promise<{ readonly files: Record<string, Uint8Array | { path: string }>; readonly profile: TableProfile }> {
  const files: Record<string, Uint8Array | { path: string }> = {};
  const list = tables.columns.map((column) => `${column.id} AS ${ident(column.name)}`).join(', ');
  const [unknown] = await db.rows('SELECT count(*) FROM rows WHERE identity IS NULL');
  const identity = knownIdentitySql(
    tables.columns.map(sqlOf),
    tables.columns.filter(({ name }) => meta.toldBy?.includes(name)).map(sqlOf),
    Number(unknown![0]) === 0,
  );
  const order = tables.inOrder ? '' : ' ORDER BY position';
  for (const split of SPLITS) {
    const path = join(workDir, `${split}.parquet`);
    await writeParquet(db, `SELECT ${list} FROM rows WHERE split = '${split}'${order}`, path, rowGroup(meta));
    files[`${split}.parquet`] = { path };
  }
  const digests = Object.fromEntries(SPLITS.map((split) => [split, join(workDir, digestsFile(split))])) as Record<Split, string>;
  await writeDigests(db, identity, `rows${order}`, digests);
  for (const split of SPLITS) files[digestsFile(split)] = { path: digests[split] };
  if (tables.quarantined > 0) {
    const path = join(workDir, 'quarantine.parquet');
    await writeParquet(db, 'SELECT * FROM rejects ORDER BY "row", reason, content', path, 122_880);
    files['quarantine.parquet'] = { path };
  }
  const columns = tables.columns.map((column) => ({ name: column.name, type: column.type, sql: column.id }));
  const profile = await describeTable(db, `(SELECT * FROM rows WHERE split = 'train'${order})`, columns);
  return { files: { ...files, ...profileFiles(profile) }, profile };
}

const sqlOf = ({ name, type, id, origin }: TypedColumn) => ({ name, type, sql: id, origin: origin === true });

interface Facts {
  readonly fingerprint: SourceFingerprint;
  readonly raw: RawTestRows | undefined;
  readonly compared: boolean;
  readonly known: KnownRows | undefined;
}

async function metaOf(
  db: Database,
  config: IngestConfig,
  tables: IngestTables,
  { fingerprint, raw, compared, known }: Facts,
): Promise<DatasetMeta> {
  const split = resolveSplit(config.split);
  const toldBy = await tellingColumns(db, 'rows', tables.columns.map(sqlOf), {
    kept: tables.labels.map(({ name }) => name),
    ...(split.by === 'column' ? { never: split.column! } : {}),
  });
  return {
    columns: tables.reading.columns,
    reading: tables.reading,
    ...labelNames(tables.labels),
    rows: { train: tables.rows.train, validation: tables.rows.validation, test: tables.rows.test },
    // Rows of a few days may be alike in what tells rows of all days apart.
    toldBy: tables.appended?.toldBy ?? toldBy.map(({ name }) => name),
    ...(tables.appended === undefined || known === undefined
      ? {}
      : {
          appendedTo: {
            model: known.model,
            version: known.version,
            datasets: wholeGroups(known.groups.map((group) => group.map(({ ref }) => ref.digest))),
          },
        }),
    ...(split.by === 'time' ? { timeColumn: split.column! } : {}),
    ...(split.by === 'column' ? { splitColumn: split.column! } : {}),
    quarantined: tables.quarantined,
    ...(tables.kinds === undefined ? {} : { labelKinds: tables.kinds }),
    ...(compared ? { compared } : {}),
    ...(tables.copies.length === 0 ? {} : { labelCopies: tables.copies }),
    ...(raw === undefined ? {} : { rawTest: { file: raw.file, positions: raw.positions } }),
    source: {
      format: config.source.format,
      path: config.source.path,
      digest: fingerprint.digest,
      files: fingerprint.files,
      bytes: fingerprint.bytes,
    },
  };
}

/** One line for people: "344 rows (240 train, 52 validation, 52 test), 7 columns". */
export function datasetSummary(meta: Pick<DatasetMeta, 'columns' | 'rows' | 'quarantined'>): string {
  const { train, validation, test } = meta.rows;
  const bad = meta.quarantined > 0 ? `, ${meta.quarantined} quarantined` : '';
  return `${train + validation + test} rows (${train} train, ${validation} validation, ${test} test), ${meta.columns.length} columns${bad}`;
}

function details(meta: DatasetMeta, tables: IngestTables, notes: readonly string[]): string {
  const lines = [`**${datasetSummary(meta)}** from \`${String(meta.source.path)}\``];
  if (meta.label !== null) lines.push(`Label: ${[meta.label, ...(meta.furtherLabels ?? [])].map((name) => `\`${name}\``).join(', ')}`);
  for (const item of tables.reasons.slice(0, 10))
    lines.push(
      `- quarantined, ${item.rows} rows: ${item.reason}${item.example === item.reason ? '' : `, e.g. ${item.example.slice(item.reason.length + 2, item.reason.length + 82)}`}`,
    );
  if (tables.filtered > 0) lines.push(`- ${tables.filtered} rows do not meet the filter`);
  if (tables.unsampled > 0) lines.push(`- ${tables.unsampled} rows are not in the sample`);
  const { future, late, older } = tables.inTime;
  if (future + late > 0) lines.push(`- ${future + late} rows were not known at the nominal time`);
  if (older > 0) lines.push(`- ${older} rows are older than the recent ones`);
  if (tables.appended !== undefined)
    lines.push(
      `- ${tables.appended.fresh} rows are new; ${tables.appended.seen} were seen by ${meta.appendedTo!.model} version ${meta.appendedTo!.version}`,
    );
  if (tables.outsideWindow > 0) lines.push(`- ${tables.outsideWindow} rows lie outside the window`);
  if (tables.leakedRows > 0) lines.push(`- ${tables.leakedRows} rows of validation and test equal a row of another split`);
  for (const note of notes) lines.push(`- ${note}`);
  return lines.join('\n');
}

/**
 * Source → `dataset` artifact: typed columns, bad rows in quarantine, three splits as Parquet, and the profile of the train split.
 *
 * @param findReference how the data of the last version looked, where they were others than these
 * @param known of the mode "append": what a version has seen; where it has seen all, there is no dataset, and the result says so
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID, SOURCE_CHANGED, COLUMN_MISSING, SCHEMA_CHANGED, LABEL_INVALID, SPLIT_INVALID,
 * DATA_INVALID
 */
export async function ingest(
  ctx: StepContext,
  config: IngestConfig,
  findReference?: (source: string) => Promise<ReferenceSchema | Compared | undefined>,
  known?: KnownRows,
): Promise<StepResult> {
  try {
    return await ingested(ctx, config, findReference, known);
  } catch (error) {
    if (!(error instanceof NothingNew)) throw error;
    return {
      outputs: {},
      nothingNew: error.message,
      values: { rows: 0, newRows: 0 },
      details: `Nothing new to learn from: ${error.message}.`,
    };
  }
}

async function ingested(
  ctx: StepContext,
  config: IngestConfig,
  findReference: Parameters<typeof ingest>[2],
  known: KnownRows | undefined,
): Promise<StepResult> {
  ctx.progress({ message: `fingerprinting ${config.source.path}` });
  const { files, pictures, fingerprint } = await lookAtSource(config, ctx.documentDir);
  const found = await findReference?.(fingerprint.digest);
  const { schema: reference, notes: told = [] }: Compared = found !== undefined && 'profile' in found ? { schema: found } : (found ?? {});
  return withDatabase(async (db) => {
    ctx.progress({ message: `reading ${config.source.path}` });
    const list = (): Promise<SourceFile[]> => listSource(readerRegistry.get(config.source.format), config.source, ctx.documentDir);
    const isOther = async (): Promise<boolean> => (await areListedOtherwise(files, list)) || haveChanged(pictures);
    const tables = await readUnchanged(config.source.path, isOther, () =>
      readTables({
        db,
        config,
        files,
        nominalTime: ctx.nominalTime,
        workDir: ctx.workDir,
        documentDir: ctx.documentDir,
        ...(reference === undefined ? {} : { reference }),
        ...(known === undefined ? {} : { known }),
        told,
      }),
    );
    for (const note of tables.notes) ctx.log.warn(note);
    if (tables.leakedRows > 0)
      ctx.log.warn(`${tables.leakedRows} rows of validation and test equal a row of another split.`, { leakedRows: tables.leakedRows });
    const raw = await keepRawRows(db, tables, config, ctx.workDir);
    const meta = await metaOf(db, config, tables, { fingerprint, raw, compared: reference !== undefined, known });
    ctx.progress({ message: `writing ${datasetSummary(meta)}` });
    const { files: tableFiles, profile } = await writeFiles(db, tables, meta, ctx.workDir);
    const labels = tables.labels.map(({ name }) => name);
    const alike = alikeNotes(textsOfProfile(profile, labels));
    for (const note of alike) ctx.log.warn(note);
    const notes = [...tables.notes, ...alike];
    const written = {
      ...tableFiles,
      ...(raw === undefined ? {} : { [raw.file]: { path: raw.path } }),
    };
    const dataset = await ctx.artifacts.write({
      kind: 'dataset',
      summary: datasetSummary(meta),
      files: written,
      meta: meta as unknown as Json,
    });
    await Promise.all(Object.values(written).map(async (file) => ('path' in file ? rm(file.path, { force: true }) : undefined)));
    return {
      outputs: { dataset },
      values: {
        rows: meta.rows.train + meta.rows.validation + meta.rows.test,
        trainRows: meta.rows.train,
        validationRows: meta.rows.validation,
        testRows: meta.rows.test,
        columns: meta.columns.length,
        quarantined: tables.quarantined,
        leakedRows: tables.leakedRows,
        outsideWindow: tables.outsideWindow,
        ...(config.time === undefined
          ? {}
          : { notKnownYet: tables.inTime.future + tables.inTime.late, olderThanRecent: tables.inTime.older }),
        ...(tables.appended === undefined ? {} : { newRows: tables.appended.fresh, seenRows: tables.appended.seen }),
        filtered: tables.filtered,
        unsampled: tables.unsampled,
        source: fingerprint.digest,
        warnings: notes.slice(0, 20),
      },
      details: details(meta, tables, notes),
    };
  }, ctx.signal);
}
