import type { ArtifactRef } from '../../core/artifact.ts';
import { isPerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../../core/ports.ts';
import type { RunView } from '../../core/run.ts';
import { EVALUATION } from '../../reports/write-evaluation.ts';
import type { Judgement } from '../../reports/write-evaluation.ts';
import type { VersionManifest } from '../../registry/types.ts';
import { openAs } from '../../storage/stored.ts';
import { readStepRecords } from '../../steps/step-records.ts';
import type { StepRecord } from '../../steps/step-records.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';

/** A run or a version that is compared. */
export interface Contender {
  readonly name: string;
  readonly status: string;
  readonly parameters: JsonObject;
  /** Complete configuration of each step, by its id; empty where nothing is known of them. */
  readonly steps: Readonly<Record<string, JsonObject>>;
  readonly records: ReadonlyMap<string, StepRecord>;
  readonly metrics: Readonly<Record<string, number>>;
  /** Datasets by the step that gave them. */
  readonly datasets: Readonly<Record<string, OpenArtifact>>;
  readonly model?: { readonly artifact: OpenArtifact; readonly meta: ModelMeta };
  /** How it was judged, where it was. */
  readonly judgement?: Judgement;
}

/** @param plan what the run was started with */
export async function contenderOfRun(
  store: ObjectStore,
  artifacts: ArtifactStore,
  view: RunView,
  plan: { readonly parameters: JsonObject; readonly steps: readonly { readonly id: string; readonly config: JsonObject }[] },
): Promise<Contender> {
  const outputs = view.steps.flatMap(({ id, outputs: given = {} }) => Object.values(given).map((ref) => ({ step: id, ref })));
  const last = (kind: string): ArtifactRef | undefined => outputs.findLast(({ ref }) => ref.kind === kind)?.ref;
  const datasets: Record<string, OpenArtifact> = {};
  for (const { step, ref } of outputs)
    // A step that only looks at a dataset hands it on.
    if (ref.kind === 'dataset' && !Object.values(datasets).some((dataset) => dataset.ref.digest === ref.digest)) {
      const dataset = await openIfThere(artifacts, ref);
      if (dataset !== undefined) datasets[step] = dataset;
    }
  return {
    name: `${view.pipeline}/${view.runId}`,
    status: view.verdict === null ? view.status : `${view.status}, ${view.verdict}`,
    parameters: plan.parameters,
    steps: Object.fromEntries(plan.steps.map(({ id, config }) => [id, config])),
    records: await readStepRecords(store, view.pipeline, view.runId),
    metrics: view.metrics,
    datasets,
    ...(await modelParts(artifacts, last('model'))),
    ...(await judgementParts(artifacts, last('evaluation'))),
  };
}

export async function contenderOfVersion(store: ObjectStore, artifacts: ArtifactStore, version: VersionManifest): Promise<Contender> {
  const records = await readStepRecords(store, version.pipeline, version.runId);
  const dataset = version.dataset === null ? undefined : await openIfThere(artifacts, { digest: version.dataset });
  const { model } = await modelParts(artifacts, version.model);
  const known = Object.fromEntries([...records].map(([step, { config }]) => [step, config]));
  return {
    name: `${version.name} version ${version.version}`,
    status:
      version.verdict === null
        ? 'not judged'
        : version.verdict.ungated === true
          ? 'ungated'
          : version.verdict.passed
            ? 'passed'
            : 'rejected',
    parameters: {},
    // Versions of before these were kept still say how they were trained.
    steps: records.size > 0 ? known : model === undefined ? {} : { train: model.meta.training },
    records,
    metrics: version.metrics,
    datasets: dataset === undefined ? {} : { ingest: dataset },
    ...(model === undefined ? {} : { model }),
    ...(await judgementParts(artifacts, version.evaluation ?? undefined)),
  };
}

async function modelParts(artifacts: ArtifactStore, ref: ArtifactRef | undefined): Promise<Pick<Contender, 'model'>> {
  if (ref === undefined || (await openIfThere(artifacts, ref)) === undefined) return {};
  return { model: await openAs(artifacts, MODEL, ref) };
}

async function judgementParts(artifacts: ArtifactStore, ref: ArtifactRef | undefined): Promise<Pick<Contender, 'judgement'>> {
  if (ref === undefined || (await openIfThere(artifacts, ref)) === undefined) return {};
  const { judgement } = (await openAs(artifacts, EVALUATION, ref)).meta;
  return judgement === undefined ? {} : { judgement };
}

/** undefined: a clean-up took it. */
async function openIfThere(artifacts: ArtifactStore, ref: Pick<ArtifactRef, 'digest'>): Promise<OpenArtifact | undefined> {
  try {
    return await artifacts.open(ref);
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}
