import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { PROFILE } from '../data/stored/dataset.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import type { VersionManifest } from '../registry/types.ts';
import type { RunReportParts } from '../reports/run-report.ts';
import { fileAs } from '../storage/stored.ts';
import { readStepRecords } from '../steps/step-records.ts';
import { readCurves } from '../training/curves/curves.ts';
import { curvesOfRun } from './run-curves.ts';
import { readLabels } from './run-labels.ts';
import type { RunReport } from './runs.ts';

/** What a page about a run tells. */
export async function partsOfRun(
  store: ObjectStore,
  artifacts: ArtifactStore,
  view: RunReport,
  plan: { readonly parameters: JsonObject; readonly steps: readonly { readonly id: string; readonly config: JsonObject }[] },
): Promise<RunReportParts> {
  const last = (kind: string): ArtifactRef | undefined =>
    view.steps.flatMap(({ outputs = {} }) => Object.values(outputs)).findLast((ref) => ref.kind === kind);
  const { tags, notes } = await readLabels(store, `${view.pipeline}/${view.runId}`);
  return {
    subject: view.model !== null && view.version !== null ? `${view.model}, version ${view.version}` : `Run ${view.runId}`,
    pipeline: view.pipeline,
    run: view.runId,
    date: view.startedAt,
    facts: {
      'What came of it': view.headline,
      Status: view.verdict === null ? view.status : `${view.status}, ${view.verdict}`,
      'Started by': view.trigger,
      'Nominal time': view.nominalTime,
      ...(view.endedAt === null ? {} : { Ended: view.endedAt }),
    },
    ...(view.failure === null
      ? {}
      : { failure: `${view.failure.step === undefined ? '' : `${view.failure.step}: `}${view.failure.code}: ${view.failure.message}` }),
    steps: view.steps.map(({ id, type, status, durationMs, cached, reason, details, failure }) => ({
      id,
      type,
      status,
      durationMs,
      cached,
      reason,
      ...(details === undefined ? {} : { details }),
      ...(failure === undefined ? {} : { failure: `${failure.code}: ${failure.message}` }),
    })),
    parameters: plan.parameters,
    document: Object.fromEntries(plan.steps.map(({ id, config }) => [id, config])),
    trainings: await curvesOfRun(store, artifacts, view),
    ...(await dataParts(artifacts, last('dataset'), last('evaluation'))),
    tags,
    notes,
  };
}

/** What a page about a version tells: all of it stands in the store. */
export async function partsOfVersion(
  store: ObjectStore,
  artifacts: ArtifactStore,
  version: VersionManifest,
  aliases: readonly string[],
): Promise<RunReportParts> {
  const { name, pipeline, runId, createdAt, createdBy, description, tags, parent, check } = version;
  const records = await readStepRecords(store, pipeline, runId);
  const { tags: runTags, notes } = await readLabels(store, `${pipeline}/${runId}`);
  const checked =
    check === undefined
      ? undefined
      : 'notChecked' in check
        ? `not: ${check.notChecked}`
        : `${check.rows} raw test rows, within ${check.largestDifference.toPrecision(2)} of the evaluation`;
  return {
    subject: `${name}, version ${version.version}`,
    pipeline,
    run: runId,
    date: createdAt,
    facts: {
      ...(description === '' ? {} : { Description: description }),
      Aliases: aliases.length === 0 ? 'none' : aliases.join(', '),
      'Registered by': createdBy,
      'Champion then': parent === null ? 'none' : `version ${parent}`,
      ...(checked === undefined ? {} : { 'Answers checked': checked }),
      Artifact: version.model.digest,
    },
    steps: [...records.values()].map(({ step, type, cachedFrom, at }) => ({
      id: step,
      type,
      status: 'done',
      reason: cachedFrom === undefined ? `computed ${at.slice(0, 19).replace('T', ' ')}` : `from run ${cachedFrom}`,
      cached: cachedFrom !== undefined,
    })),
    parameters: {},
    document: Object.fromEntries([...records].map(([step, { config }]) => [step, config])),
    trainings: await readCurves(store, pipeline, runId),
    ...(await dataParts(artifacts, version.dataset === null ? undefined : { digest: version.dataset }, version.evaluation ?? undefined)),
    tags: { ...tags, ...runTags },
    notes,
  };
}

async function dataParts(
  artifacts: ArtifactStore,
  dataset: Pick<ArtifactRef, 'digest'> | undefined,
  evaluation: Pick<ArtifactRef, 'digest'> | undefined,
): Promise<Pick<RunReportParts, 'evaluation' | 'profile'>> {
  const profile = await orGone(dataset, artifacts, (artifact) => fileAs(artifact, PROFILE, 'profile.json'));
  const report = await orGone(evaluation, artifacts, (artifact) => artifact.json<EvaluationReport>('evaluation.json'));
  return { ...(profile === undefined ? {} : { profile }), ...(report === undefined ? {} : { evaluation: report }) };
}

/** undefined: there was none, or a clean-up took it. */
async function orGone<T>(
  ref: Pick<ArtifactRef, 'digest'> | undefined,
  artifacts: ArtifactStore,
  read: (artifact: OpenArtifact) => Promise<T>,
): Promise<T | undefined> {
  if (ref === undefined) return undefined;
  try {
    return await read(await artifacts.open(ref));
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}
