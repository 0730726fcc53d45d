import type { RunView } from '../core/run.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { readCurves } from '../training/curves/curves.ts';
import type { CurvePoint, TrainingCurves } from '../training/curves/curves.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { openAs } from '../storage/stored.ts';

/** Curves of a run, of what it trained itself or took from the cache. */
export interface RunCurves extends Omit<TrainingCurves, 'binding' | 'attempts'> {
  /** What is kept of the training as it went; undefined of a model from the cache, of which only its numbers are known. */
  readonly kept?: TrainingCurves;
  /** true: the run took the model from the cache. The points then have no time of their own, but that of the run. */
  readonly cached: boolean;
}

/** The curves of all trainings of a run, in the order of its steps. @throws OBJECT_NOT_FOUND, BLOB_CORRUPT */
export async function curvesOfRun(
  store: ObjectStore,
  artifacts: ArtifactStore,
  { pipeline, runId, steps, startedAt }: Pick<RunView, 'pipeline' | 'runId' | 'steps' | 'startedAt'>,
): Promise<RunCurves[]> {
  const kept = await readCurves(store, pipeline, runId);
  const found: RunCurves[] = kept.map((curves) => ({ ...curves, kept: curves, cached: false }));
  for (const step of steps) {
    const model = step.outputs?.['model'];
    if (model?.kind !== 'model' || step.type !== 'train' || kept.some((curves) => curves.step === step.id)) continue;
    const { artifact, meta } = await openAs(artifacts, MODEL, model);
    const history = await artifact.json<readonly Readonly<Record<string, number>>[]>('history.json');
    found.push({
      formatVersion: 1,
      pipeline,
      run: runId,
      step: step.id,
      state: 'done',
      epochs: meta.epochsRun,
      bestEpoch: meta.bestEpoch,
      points: history.map(({ epoch, ...numbers }): CurvePoint => ({ epoch: epoch!, at: Date.parse(startedAt), numbers })),
      settings: meta.training,
      cached: step.cached,
    });
  }
  const order = (step: string): number => steps.findIndex(({ id }) => id === step);
  return found.sort((a, b) => order(a.step) - order(b.step));
}
