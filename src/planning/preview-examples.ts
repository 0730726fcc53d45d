import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../core/json.ts';
import type { OutputSpec, TensorSpec } from '../core/tensor.ts';
import { anomalyRule, countAnomalies, isAnomalySql } from '../data/preprocess/anomaly.ts';
import { checkBalanced } from '../data/preprocess/balance.ts';
import { tableBatches } from '../data/stored/dataset-rows.ts';
import { withDatabase } from '../data/table/duckdb.ts';
import type { Database } from '../data/table/duckdb.ts';
import { columnOutcomes } from '../data/preprocess/column-outcomes.ts';
import type { ColumnOutcome } from '../data/preprocess/column-outcomes.ts';
import { fitColumns } from '../data/preprocess/fit.ts';
import type { TrainPass } from '../data/preprocess/fit.ts';
import { alikeNotes, textsOfTable } from '../data/ingest/alike-texts.ts';
import { readTables } from '../data/ingest/ingest-tables.ts';
import type { IngestTables } from '../data/ingest/ingest-tables.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import type { Compared } from '../data/ingest/reference-schema.ts';
import { labelNames } from '../data/ingest/label-columns.ts';
import { fitOutput } from '../data/preprocess/label.ts';
import { refuseCopies } from '../data/preprocess/label-copies.ts';
import { DATA_LIMITS } from '../data/table/limits.ts';
import { resolveFeatures, withHorizon } from '../data/preprocess/resolve-features.ts';
import type { PreprocessConfig } from '../data/preprocess/preprocess-config.ts';
import { namesPictures } from '../data/images/pictures.ts';
import { createPreprocessor } from '../data/preprocess/preprocessor.ts';
import type { FittedColumn } from '../data/preprocess/fitted-column.ts';
import { profileTable } from '../data/table/profile.ts';
import { previewTable, surveySeries } from '../data/preprocess/series-survey.ts';
import { checkReusedColumns, reuseOutput, reusedFrom, withReused } from '../data/preprocess/reuse.ts';
import type { SourceFile } from '../data/readers/reader.ts';
import { readerRegistry } from '../data/readers/index.generated.ts';
import { listSource } from '../data/ingest/source-files.ts';
import type { FittedSequence } from '../data/stored/sequence.ts';
import { SPLITS } from '../data/stored/dataset.ts';
import { requireSameSizes, tryTransforms } from '../data/preprocess/dry-run.ts';
import type { DatasetMeta, DatasetProfile, Split } from '../data/stored/dataset.ts';
import type { Column } from '../data/stored/column.ts';

/** Whose work a preview does, so that what goes wrong is told of that step. */
export type PreviewStage = 'ingest' | 'preprocess';

export interface ExamplesPreview {
  readonly columns: readonly Column[];
  readonly label: string | null;
  /** Rows of the source; of a large table those that were looked at. */
  readonly rows: number;
  /** The source has more rows than were looked at. */
  readonly more?: boolean;
  /** Rows of the splits, where they were divided as in a run. */
  readonly splits?: Readonly<Record<Split, number>>;
  /** false: only a part was read, so the numbers of categories and tokens may grow. */
  readonly exact: boolean;
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  /** Which column becomes what; none where that is taken over from a model. */
  readonly features: readonly ColumnOutcome[];
  readonly notes: readonly string[];
}

/** Preprocessing that will be taken over from a model. */
export interface PreviewBase {
  /** For messages. */
  readonly text: string;
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  /** `preprocessor.json`, where the model exists already. */
  readonly preprocessor?: JsonObject;
}

/** Files per class that a preview of class folders opens. */
const FILES_PER_CLASS = 2;

function chooseFiles(files: readonly SourceFile[]): SourceFile[] {
  const perClass = new Map<string, number>();
  return files.filter((file) => {
    const count = perClass.get(file.className ?? '') ?? 0;
    perClass.set(file.className ?? '', count + 1);
    return count < FILES_PER_CLASS;
  });
}

/**
 * What is known of all files without opening them: what each of the opened ones has of its own, as its name, all others have too, so
 * that the columns are judged as the run will judge them.
 */
function asOfAll(profile: DatasetProfile, looked: number, all: number): DatasetProfile {
  const columns = profile.columns.map((column) =>
    column.type === 'string' && column.distinct === column.count && column.count > 1
      ? { ...column, count: Math.round((column.count * all) / looked), distinct: Math.round((column.distinct * all) / looked) }
      : column,
  );
  return { ...profile, columns };
}

/** A vocabulary learnt from a part may be as large as the document allows. */
function widen(column: FittedColumn): FittedColumn {
  const config = column.links.find((link) => link.definition.name === 'tokenize')?.config as { vocabulary: number } | undefined;
  return config === undefined ? column : { ...column, spec: { ...column.spec, vocabularySize: config.vocabulary } };
}

interface Looked {
  readonly splitColumn: string | undefined;
  readonly pictures: boolean;
  /** Files that were opened, and those of the source. */
  readonly looked: number;
  readonly all: number;
}

interface Fitted {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly features: ExamplesPreview['features'];
  readonly notes: readonly string[];
  /** Absent where the model whose transforms are taken over is made by the run. */
  readonly columns?: readonly FittedColumn[];
}

async function fitPreview(
  db: Database,
  tables: IngestTables,
  config: PreprocessConfig,
  exact: boolean,
  base: PreviewBase | undefined,
  { splitColumn, pictures, looked, all }: Looked,
): Promise<Fitted> {
  const named = tables.columns.map(({ name, type, id, origin }) => ({ name, type, sql: id, ...(origin === undefined ? {} : { origin }) }));
  const rowsOf = (split: Split): string => `(SELECT * FROM rows WHERE split = '${split}')`;
  const anomaly = config.anomaly === undefined ? undefined : anomalyRule(config.anomaly, named);
  const flag = anomaly === undefined ? '' : named.find((column) => column.name === anomaly.column.name)!.sql;
  // A part of the rows does not tell which values there are.
  if (anomaly !== undefined && exact)
    await countAnomalies(db, anomaly, Object.fromEntries(SPLITS.map((split) => [split, { source: rowsOf(split), sql: flag }])));
  const train = anomaly === undefined ? rowsOf('train') : `(SELECT * FROM ${rowsOf('train')} WHERE NOT (${isAnomalySql(anomaly, flag)}))`;
  const pass =
    (source: string): TrainPass =>
    (names) => {
      const chosen = names.map((name) => named.find((item) => item.name === name)!);
      // Of the images that a table names only some were opened.
      const images = !pictures ? [] : chosen.filter(({ type }) => type === 'image');
      const rows =
        images.length === 0 ? source : `(SELECT * FROM ${source} t WHERE ${images.map(({ sql }) => `${sql} IS NOT NULL`).join(' AND ')})`;
      return tableBatches(
        db,
        rows,
        chosen.map((column) => ({ column, sql: column.sql })),
      );
    };
  // What the run will refuse of a row is found by doing as the run does.
  const tryAll = async (columns: readonly FittedColumn[], seed: number): Promise<void> => {
    for (const split of exact ? SPLITS : (['train'] as const)) await tryTransforms(columns, pass(rowsOf(split)), seed);
  };
  const copiesOf = async (learnt: readonly Pick<Column, 'name'>[], known?: DatasetProfile): Promise<string[]> =>
    config.sequence !== undefined || anomaly !== undefined
      ? []
      : refuseCopies({
          db,
          table: rowsOf('train'),
          features: named.filter(({ name }) => learnt.some((column) => column.name === name)),
          labels: named.filter(({ name }) => tables.labels.some((label) => label.name === name)),
          automatic: base === undefined && config.features === undefined,
          ...(known === undefined ? {} : { profile: known }),
        });
  if (base !== undefined) {
    const reused = await reusedPreview(base, config, { columns: named, ...labelNames(tables.labels) }, exact, pass('data'), () =>
      fitOutput(anomaly === undefined ? tables.labels : [], config, pass('data'), pass(train), tables.kinds),
    );
    if (reused.columns === undefined) return reused;
    const copies = await copiesOf(reused.columns);
    await tryAll(reused.columns, config.seed ?? 1);
    return { ...reused, notes: [...reused.notes, ...copies] };
  }
  const profile = config.features === undefined ? asOfAll(await profileTable(db, train, named), looked, all) : undefined;
  const { chains, features, decisions, notes } = resolveFeatures(
    config,
    { columns: named, ...labelNames(tables.labels), ...(splitColumn === undefined ? {} : { splitColumn }) },
    profile,
  );
  const copies = await copiesOf(
    chains.map(({ column }) => column),
    profile,
  );
  const seed = config.seed ?? 1;
  const output = await fitOutput(anomaly === undefined ? tables.labels : [], config, pass('data'), pass(train), tables.kinds);
  const fitted = await fitColumns(chains, pass(train), seed);
  await tryAll(fitted, seed);
  const columns = exact ? fitted : fitted.map(widen);
  const { inputs } = createPreprocessor({
    columns,
    output,
    seed,
    ...(config.sequence === undefined
      ? {}
      : { sequence: { size: config.sequence.size, horizon: config.sequence.horizon, by: config.sequence.by } }),
  });
  return { inputs, output, features: columnOutcomes(columns, features, decisions, named), notes: [...notes, ...copies], columns };
}

/** The windows of the document, or those of the model whose preprocessing is taken over; none where that is not made yet. */
function windowsWanted(
  config: PreprocessConfig,
  { labels }: IngestTables,
  base: PreviewBase | undefined,
): { readonly sequence?: PreprocessConfig['sequence']; readonly reused?: FittedSequence } {
  const reused = base?.preprocessor === undefined ? undefined : reusedFrom({ text: base.text, preprocessor: base.preprocessor });
  const { sequence } = withHorizon(reused === undefined ? config : withReused(config, reused), { label: labels[0]?.name ?? null });
  return {
    ...(sequence === undefined ? {} : { sequence }),
    ...(reused?.parts.sequence === undefined ? {} : { reused: reused.parts.sequence }),
  };
}

/** Files of the classes that the filter leaves. */
async function filesKept(db: Database, { labels: [label], filtered }: IngestTables, files: readonly SourceFile[]): Promise<number> {
  if (label === undefined || filtered === 0) return files.length;
  const left = new Set((await db.rows(`SELECT DISTINCT CAST(${label.id} AS VARCHAR) FROM rows`)).map(([name]) => String(name)));
  return files.filter(({ className }) => left.has(className ?? '')).length;
}

async function reusedPreview(
  base: PreviewBase,
  config: PreprocessConfig,
  meta: Pick<DatasetMeta, 'columns' | 'label' | 'furtherLabels'>,
  exact: boolean,
  all: TrainPass,
  fit: () => Promise<OutputSpec>,
): Promise<Fitted> {
  const { inputs, text, preprocessor } = base;
  const reused = preprocessor === undefined ? undefined : reusedFrom({ text, preprocessor });
  if (reused !== undefined) {
    withReused(config, reused);
    checkReusedColumns(reused, meta.columns);
  }
  const own = reused === undefined ? {} : { columns: reused.parts.columns };
  if (config.anomaly !== undefined || config.from?.label === 'fit') return { inputs, output: await fit(), features: [], notes: [], ...own };
  // A part of the rows does not tell which labels there are.
  return {
    inputs,
    output: reused !== undefined && exact ? await reuseOutput(reused, meta, all) : base.output,
    features: [],
    notes: [],
    ...own,
  };
}

/** @param part rows that were looked at, where that was not all */
function comparedNotes({ schema }: Compared, part: number | undefined): string[] {
  if (schema === undefined) return [];
  return [
    part === undefined
      ? `The data were compared with those of ${schema.text}.`
      : `${part.toLocaleString('en')} rows were compared with those of ${schema.text}; a run compares all of them.`,
  ];
}

/**
 * What the ingest and preprocess steps will give, for `plan`: columns, rows, inputs and output. Small tables are fitted for real; of
 * large ones a sample of the rows, of class folders a few files are looked at.
 *
 * @param base a model whose preprocessing will be taken over
 * @param entered told which step's work comes next
 * @param compared how the data of the last version looked
 * @throws what the steps themselves would throw for this source
 */
export async function previewExamples(
  ingest: IngestConfig,
  preprocess: PreprocessConfig,
  documentDir: string,
  nominalTime: string = new Date().toISOString(),
  base?: PreviewBase,
  entered: (stage: PreviewStage) => void = () => {},
  compared: Compared = {},
): Promise<ExamplesPreview> {
  entered('ingest');
  const reader = readerRegistry.get(ingest.source.format);
  const all = await listSource(reader, ingest.source, documentDir);
  const folders = reader.layout === 'classFolders';
  const files = folders ? chooseFiles(all) : all;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const small = !folders && bytes <= DATA_LIMITS.previewBytesMax;
  const pictures = namesPictures(ingest.columns);
  const exact = small && !pictures;
  // A part of the rows cannot be split as the whole will be: all of it is looked at.
  const { window: _window, sample: _sample, ...whole } = ingest;
  const splitColumn = ingest.split?.by === 'column' ? ingest.split.column : undefined;
  const config: IngestConfig = exact
    ? ingest
    : { ...whole, ...(small && splitColumn !== undefined ? {} : { split: { train: 1, validation: 0, test: 0, by: 'hash' } }) };
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-preview-'));
  try {
    return await withDatabase(async (db) => {
      const tables = await readTables({
        db,
        config,
        files,
        nominalTime,
        workDir,
        documentDir,
        ...(small ? {} : { limit: DATA_LIMITS.previewRowsMax }),
        ...(compared.schema === undefined ? {} : { reference: compared.schema }),
        ...(pictures ? { imagesMax: DATA_LIMITS.previewImagesMax } : {}),
      });
      const read = tables.rows.train + tables.rows.validation + tables.rows.test;
      entered('preprocess');
      const {
        inputs,
        output,
        features,
        notes,
        columns = [],
      } = await fitPreview(db, tables, preprocess, small, base, { splitColumn, pictures, looked: files.length, all: all.length });
      if (folders) await requireSameSizes(columns, all);
      if (preprocess.balance !== undefined) checkBalanced(output);
      const { sequence, reused } = windowsWanted(preprocess, tables, base);
      const series =
        exact && sequence !== undefined
          ? (
              await surveySeries(
                previewTable(
                  db,
                  tables.columns.map(({ name, type, id, origin }) => ({
                    name,
                    type,
                    sql: id,
                    ...(origin === undefined ? {} : { origin }),
                  })),
                  tables.labels.map(({ name }) => name),
                ),
                sequence,
                reused,
              )
            ).notes
          : [];
      const capped = !folders && read + tables.quarantined + tables.filtered >= DATA_LIMITS.previewRowsMax;
      return {
        columns: tables.columns.map(({ name, type }) => ({ name, type })),
        label: tables.labels[0]?.name ?? null,
        rows: folders ? await filesKept(db, tables, all) : read,
        ...(capped ? { more: true } : {}),
        exact: exact || (!folders && !capped && (!pictures || splitColumn !== undefined)),
        inputs,
        output,
        features,
        ...(exact ? { splits: tables.rows } : {}),
        notes: [
          ...(compared.notes ?? []),
          ...comparedNotes(compared, exact ? undefined : read),
          ...(exact
            ? [
                ...tables.notes,
                ...alikeNotes(
                  await textsOfTable(
                    db,
                    'rows',
                    tables.columns.filter((column) => !tables.labels.includes(column)),
                  ),
                ),
              ]
            : []),
          ...series,
          ...notes,
        ],
      };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
