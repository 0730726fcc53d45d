import { plural } from '../core/plural.ts';
import type { ArtifactManifest } from '../core/artifact.ts';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { DATASET } from '../data/stored/dataset.ts';
import type { DatasetMeta } from '../data/stored/dataset.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { readFeedbackOf } from '../monitoring/feedback/feedback-reader.ts';
import type { FeedbackRecord } from '../monitoring/feedback/feedback-record.ts';
import { findPredictions } from '../monitoring/predictions/find-predictions.ts';
import type { FindOptions, FoundPredictions } from '../monitoring/predictions/find-predictions.ts';
import { findVersion } from '../registry/registry.ts';
import { readHistory } from '../registry/routing.ts';
import type { Transition, VersionApproval, VersionManifest } from '../registry/types.ts';
import { approvalsOf } from '../registry/version-approvals.ts';
import { readStepRecords } from '../steps/step-records.ts';
import type { StepRecord } from '../steps/step-records.ts';
import { isUnreadable, readStored } from '../storage/stored.ts';
import { Unread } from '../storage/unread.ts';

/** From an answer back to all that it stands on. What is gone is null, and told among the notes. */
export interface AnswerTrace {
  readonly request: string;
  readonly predictions: FoundPredictions['predictions'];
  /** What came to be known of each, in the order of the predictions. */
  readonly feedback: readonly (FeedbackRecord | null)[];
  /** Of each version that answered. */
  readonly versions: readonly TracedVersion[];
  readonly notes: readonly string[];
}

export interface TracedVersion {
  readonly model: string;
  readonly version: number;
  /** The change of the routing by which it answered at that time; null: none is known, e.g. because it was asked for by its number. */
  readonly servedSince: Transition | null;
  readonly manifest: VersionManifest | null;
  readonly approvals: readonly VersionApproval[];
  /** Digests of the files of the model, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** The gates with what they said. */
  readonly gates: readonly { readonly passed: boolean; readonly sentence: string }[];
  readonly data: TracedData | null;
  /** What the steps of its run were computed with, in their order; empty where that is not kept any more. */
  readonly steps: readonly StepRecord[];
}

export interface TracedData {
  readonly digest: string;
  readonly summary: string;
  readonly rows: DatasetMeta['rows'];
  /** As the document named it, with the digest of what was read. */
  readonly source: DatasetMeta['source'];
  /** Digests of the files of its rows, and of the digests of every row, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * @param id of a request, or of one row of it (`ID/ROW`)
 * @throws NOT_FOUND where no prediction with this id is in the logs
 */
export async function traceAnswer(
  store: ObjectStore,
  artifacts: ArtifactStore,
  id: string,
  options: FindOptions = {},
): Promise<AnswerTrace> {
  const found = await findPredictions(store, id, options);
  const [first] = found.predictions;
  if (first === undefined) throw notLogged(id, options, found);
  const notes = [...found.notes];
  const pairs = new Map(found.predictions.map((one) => [`${one.model} ${one.version}`, one]));
  const versions: TracedVersion[] = [];
  for (const { model, version, time } of pairs.values())
    versions.push(await traceVersion(store, artifacts, { model, version, time }, notes));
  const feedback = new Map<string, Awaited<ReturnType<typeof readFeedbackOf>>>();
  const unread = new Unread();
  for (const { model } of pairs.values())
    if (!feedback.has(model)) feedback.set(model, await readFeedbackOf(store, model, new Date(first.time), unread));
  return {
    request: id,
    predictions: found.predictions,
    feedback: found.predictions.map((one) => feedback.get(one.model)!.find(one) ?? null),
    versions,
    notes: [...notes, ...unread.notes],
  };
}

function notLogged(id: string, { model, since }: FindOptions, { days, since: first, notes }: FoundPredictions): PerennialError {
  const where = model === undefined ? 'of any model' : `of ${model}`;
  const looked =
    first === null
      ? `no predictions ${where} are logged${since === undefined ? '' : ` since ${since}`}`
      : `the logs of ${plural(days, 'day')}, since ${first}, do not hold it`;
  const broken = notes.length === 0 ? '' : ` What cannot be read: ${notes.join('; ')}.`;
  return new PerennialError('NOT_FOUND', `No prediction ${where} has the id ${JSON.stringify(id)}: ${looked}.${broken}`, {
    hint: 'The id is that of the answer ("id" in the body, x-request-id among the headers). It is written within seconds, unless the log was switched off, is a sample of them, or was removed since.',
  });
}

async function traceVersion(
  store: ObjectStore,
  artifacts: ArtifactStore,
  { model, version, time }: { readonly model: string; readonly version: number; readonly time: string },
  notes: string[],
): Promise<TracedVersion> {
  const orNote = async <T>(what: string, read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      const isGone = ['NOT_FOUND', 'VERSION_INVALID', 'OBJECT_NOT_FOUND'].some((code) => isPerennialError(error, code as 'NOT_FOUND'));
      if (!isGone && !isUnreadable(error)) throw error;
      notes.push(`${what} of ${model} version ${version}: ${messageOf(error)}`);
      return null;
    }
  };
  const history = (await orNote('the history', () => readHistory(store, model))) ?? [];
  const manifest = await orNote('the record', () => findVersion(store, model, version));
  const unknown = { model, version, servedSince: servedSince(history, version, time) };
  if (manifest === null) return { ...unknown, manifest, approvals: [], files: {}, gates: [], data: null, steps: [] };
  const open = (digest: string): Promise<OpenArtifact> => artifacts.open({ digest });
  const bundle = await orNote('the model', () => open(manifest.model.digest));
  const { evaluation, dataset } = manifest;
  const report =
    evaluation === null
      ? null
      : await orNote('the evaluation', async () => (await open(evaluation.digest)).json<EvaluationReport>('evaluation.json'));
  const rows = dataset === null ? null : await orNote('the data', () => open(dataset));
  const records = await orNote('the steps', () => readStepRecords(store, manifest.pipeline, manifest.runId));
  return {
    ...unknown,
    manifest,
    approvals: (await orNote('the approvals', () => approvalsOf(store, model, version))) ?? [],
    files: bundle === null ? {} : digestsOf(bundle.manifest),
    gates: (report?.gates ?? []).map(({ passed, sentence }) => ({ passed, sentence })),
    data: rows === null ? null : dataOf(dataset!, rows),
    steps: [...(records?.values() ?? [])].sort((a, b) => a.at.localeCompare(b.at)),
  };
}

/** The last change before the answer that let the version serve: as champion, or as the candidate of a rollout. */
function servedSince(history: readonly Transition[], version: number, time: string): Transition | null {
  const before = history.filter(({ at }) => at <= time);
  const last = before.findLast(({ action, to }) => to === version && ['promote', 'rollback', 'rollout'].includes(action));
  const state = before.at(-1);
  const isServed = state?.aliases['champion'] === version || state?.rollout?.candidate === version;
  return isServed ? (last ?? null) : null;
}

function dataOf(digest: string, { manifest }: OpenArtifact): TracedData {
  const meta = readStored(DATASET, manifest.meta, `the dataset ${digest}`);
  return { digest, summary: manifest.summary, rows: meta.rows, source: meta.source, files: digestsOf(manifest) };
}

function digestsOf({ files }: Pick<ArtifactManifest, 'files'>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file.digest]));
}
