import type { OpenArtifact } from '../../core/ports.ts';
import { labelColumns } from '../../data/ingest/label-columns.ts';
import { EXAMPLES } from '../../data/stored/dataset.ts';
import { datasetMeta } from '../../data/stored/dataset-rows.ts';
import { metaAs } from '../../storage/stored.ts';
import { metricsOfEach, misfit, resolveMetrics } from '../metrics/resolve-metrics.ts';
import type { MetricSpec } from '../metrics/resolve-metrics.ts';
import { requireFitting } from './compute.ts';

/**
 * That metrics suit what is learnt, told before anything is: by the examples, or as far as it is certain by the type of the label.
 *
 * @throws CONFIG_INVALID naming the metrics that fit
 */
export function requireFittingLabel(specs: readonly MetricSpec[], artifact: OpenArtifact): void {
  if (specs.length === 0) return;
  if (artifact.manifest.kind === 'examples') {
    const { output } = metaAs(artifact, EXAMPLES);
    // Models of these give something of their own kind, which only the train step tells.
    if (output.kind === 'none' || output.kind === 'anomaly' || output.kind === 'text' || output.kind === 'samples') return;
    if (output.kind === 'several') metricsOfEach(specs, output.outputs);
    else requireFitting(resolveMetrics(specs), output, false);
    return;
  }
  const [label, further] = labelColumns(datasetMeta(artifact));
  // Integers are classes or numbers, and so is what the preprocess step is told.
  if (label?.type !== 'string' || further !== undefined) return;
  for (const { definition } of resolveMetrics(specs)) {
    const [binary, several] = [misfit(definition, 'binary'), misfit(definition, 'classification')];
    if (binary !== undefined && several !== undefined)
      requireFitting(resolveMetrics(specs), { kind: 'classes', name: label.name, classes: ['', ''] }, false);
  }
}
