import type { OpenArtifact } from '../../core/ports.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import type { EvaluationReport } from './report.ts';

/** What a report says of the model itself. */
export function summaryOf(
  model: OpenArtifact,
  { parameters, loss, optimizer, epochsRun, bestEpoch }: ModelMeta,
): EvaluationReport['model'] {
  return { digest: model.ref.digest, summary: model.manifest.summary, parameters, loss, optimizer, epochsRun, bestEpoch };
}

/** The course of its training; empty where it was not kept. */
export async function readHistory(model: OpenArtifact): Promise<EvaluationReport['history']> {
  return model.manifest.files['history.json'] === undefined ? [] : model.json<Record<string, number>[]>('history.json');
}
