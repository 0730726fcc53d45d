import { isPerennialError } from '../../core/errors.ts';
import type { ArtifactStore, OpenArtifact } from '../../core/ports.ts';
import { metaAs, openAs } from '../../storage/stored.ts';
import { MODEL } from './model-meta.ts';

/** The datasets that a model, and those that it was made from, learnt from. */
export type TrainedOn = { readonly datasets: readonly OpenArtifact[] } | { readonly unknown: string };

/** Models that one was made from, one after the other: a model that goes on every night has some hundred of them after a year. */
const BASES_MAX = 2_000;

/** What files of other programs were trained on is not known here; it is left out, of both sides alike. */
export async function trainedOn(artifacts: ArtifactStore, model: OpenArtifact): Promise<TrainedOn> {
  const datasets = new Map<string, OpenArtifact>();
  let meta = metaAs(model, MODEL);
  try {
    for (let bases = 0; bases < BASES_MAX; bases++) {
      if (meta.dataset === '') return { unknown: 'it does not say what it was trained on' };
      if (!datasets.has(meta.dataset)) datasets.set(meta.dataset, await artifacts.open({ digest: meta.dataset }));
      if (meta.base === undefined || meta.base.file !== undefined) return { datasets: [...datasets.values()] };
      ({ meta } = await openAs(artifacts, MODEL, { digest: meta.base.digest }));
    }
    return { unknown: `it was made from more than ${BASES_MAX} models, one after the other` };
  } catch (error) {
    if (!isPerennialError(error, 'OBJECT_NOT_FOUND')) throw error;
    return { unknown: 'what it was trained on is no longer in the store' };
  }
}
