import type { OpenArtifact } from '../../core/ports.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import type { EvaluationReport } from './report.ts';

/** What a report begins with: who was judged, and on which rows. */
export function reportHead(
  { model, dataset }: { readonly model: OpenArtifact; readonly dataset: OpenArtifact },
  { parameters, loss, optimizer, epochsRun, bestEpoch }: ModelMeta,
  { pipeline, rows }: Pick<EvaluationReport, 'pipeline' | 'rows'>,
): Pick<EvaluationReport, 'formatVersion' | 'pipeline' | 'model' | 'dataset' | 'split' | 'rows'> {
  return {
    formatVersion: 1,
    pipeline,
    model: { digest: model.ref.digest, summary: model.manifest.summary, parameters, loss, optimizer, epochsRun, bestEpoch },
    dataset: { digest: dataset.ref.digest, summary: dataset.manifest.summary },
    split: 'test',
    rows,
  };
}

/** The course of its training; empty where it was not kept. */
export async function readHistory(model: OpenArtifact): Promise<EvaluationReport['history']> {
  return model.manifest.files['history.json'] === undefined ? [] : model.json<Record<string, number>[]>('history.json');
}
