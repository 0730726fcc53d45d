import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { REFERENCE_FILE, decodeReference } from '../data/stored/reference-values.ts';
import { PROFILE } from '../data/stored/dataset.ts';
import { columnsOf, datasetMeta } from '../data/stored/dataset-rows.ts';
import { parquetTable, withDatabase } from '../data/table/duckdb.ts';
import type { OutputSpec, Prediction, Row } from '../core/tensor.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import { createRegistry } from '../registry/registry.ts';
import type { VersionReference } from '../registry/registry.ts';
import { ANSWERS_FILE, ANSWERS_REFERENCE_FILE, answerReader, hasAnswerProfile } from '../training/bundle/answer-profile.ts';
import { MODEL } from '../training/model/model-meta.ts';
import type { TrainingProfile } from './detect.ts';
import { labelReference } from './feedback/label-window.ts';
import type { LabelReference } from './feedback/label-window.ts';
import { sampleTable } from './joint/row-sample.ts';
import type { RowSample, SampleOrder } from './joint/row-sample.ts';
import { openAs, fileAs } from '../storage/stored.ts';

/** The distribution of a model's answers, and how an answer becomes a row of its columns. */
export interface AnswerReference extends TrainingProfile {
  /** undefined: the answer has none of the columns. */
  rowOf(prediction: Prediction): Row | undefined;
}

/** What current rows are compared with. */
export interface DriftReference extends TrainingProfile {
  readonly model: string;
  readonly version: number;
  /** true: its rows are earlier questions, and no training. */
  readonly isAsked?: true;
  /** Columns that the model reads. */
  readonly columns: readonly string[];
  /** Of these, those that whatever the data were taken from does not show. */
  readonly hidden?: ReadonlySet<string>;
  /** How the source of the model was read. */
  readonly reading?: SourceReading;
  /** Distribution of its answers for rows that it was not trained on, where that is known. */
  readonly answers?: AnswerReference;
  /** Its labels, as they were in training; left out where it has none. */
  readonly labels?: LabelReference;
  /** Why its answers are compared with nothing. */
  readonly withoutAnswers?: string;
}

/**
 * The profile of the data that a version was trained on.
 *
 * @param reference default: the champion, or the latest version where there is none
 * @throws NOT_FOUND, VERSION_INVALID; CONFIG_INVALID for a generator, which is asked for nothing that could drift
 */
export async function driftReference(
  store: ObjectStore,
  artifacts: ArtifactStore,
  model: string,
  reference?: VersionReference,
): Promise<DriftReference> {
  const registry = createRegistry(store, artifacts);
  const champion = (await registry.routing(model))?.routing.aliases['champion'];
  const manifest = await registry.version(model, reference ?? champion ?? 'latest');
  const {
    artifact,
    meta: { output },
  } = await openAs(artifacts, MODEL, manifest.model);
  if (output.kind === 'samples') {
    throw new PerennialError(
      'CONFIG_INVALID',
      `${model} version ${manifest.version} is a generator: it is asked with seeds, which have no distribution that could drift.`,
      { hint: 'Take "drift" out of "on"; to keep a generator up to date, use "newData" or "schedule".' },
    );
  }
  const answers = artifact.manifest.files[ANSWERS_FILE] === undefined ? undefined : await answersIn(artifact, output);
  const { profile, values } = await profileIn(artifact, 'profile.json', REFERENCE_FILE);
  const preprocessor = await artifact.json<JsonObject>('preprocessor.json');
  const known = new Set(profile.columns.map((column) => column.name));
  const columns = (preprocessor['columns'] as unknown as readonly { readonly name: string }[]).map((column) => column.name);
  const reading = preprocessor['reading'] as unknown as SourceReading | undefined;
  const labels = labelReference(output, {
    profile,
    ...(values === undefined ? {} : { values }),
    ...(reading === undefined ? {} : { reading }),
  });
  return {
    model,
    version: manifest.version,
    profile,
    ...(reading === undefined ? {} : { reading }),
    ...(values === undefined ? {} : { values }),
    columns: columns.filter((name) => known.has(name)),
    rowsOf: (order) => rowsOfTraining(artifacts, manifest.dataset, order),
    ...(labels === undefined ? {} : { labels }),
    ...(answers === undefined ? { withoutAnswers: withoutAnswers(`version ${manifest.version}`, output) } : { answers }),
  };
}

async function answersIn(artifact: OpenArtifact, output: OutputSpec): Promise<AnswerReference> {
  const answers = await profileIn(artifact, ANSWERS_FILE, ANSWERS_REFERENCE_FILE);
  return { ...answers, rowOf: answerReader(output, answers.profile) };
}

function withoutAnswers(version: string, output: OutputSpec): string {
  return hasAnswerProfile(output)
    ? `Answers are not compared: ${version} does not keep how they are distributed, as it was made without validation rows, elsewhere, or before that was kept.`
    : `Answers are not compared: those of ${version} are texts, which have no distribution that could be compared.`;
}

/** Rows of the train split, from the dataset that the version keeps. @returns undefined where it has none, as a model from elsewhere */
async function rowsOfTraining(artifacts: ArtifactStore, digest: string | null, order: SampleOrder): Promise<RowSample | undefined> {
  if (typeof digest !== 'string') return undefined;
  const dataset = await openedOr(artifacts, digest);
  if (dataset === undefined) return undefined;
  return withDatabase(async (db) => {
    const source = parquetTable(await dataset.path('train.parquet'));
    const columns = new Map((await columnsOf(db, dataset, 'train')).map(({ name, sql }) => [name, sql]));
    const moments = new Set(order.columns.flatMap(({ name, type }) => (type === 'timestamp' ? [name] : [])));
    return sampleTable(db, source, datasetMeta(dataset).rows.train, order, (name) => {
      const sql = columns.get(name);
      return sql !== undefined && moments.has(name) ? `epoch_ms(${sql})` : sql;
    });
  });
}

/** undefined: it is not in this store. */
async function openedOr(artifacts: ArtifactStore, digest: string): Promise<OpenArtifact | undefined> {
  try {
    return await artifacts.open({ digest });
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** A profile with what lies beside it. */
async function profileIn(artifact: OpenArtifact, name: string, beside: string): Promise<TrainingProfile> {
  const profile = await fileAs(artifact, PROFILE, name);
  return artifact.manifest.files[beside] === undefined ? { profile } : { profile, values: decodeReference(await artifact.bytes(beside)) };
}
