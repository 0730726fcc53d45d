import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import type { MetricDefinition } from '../../evaluation/metrics/metric.ts';
import { namedConfig, stepsOf } from './check.ts';
import type { DocumentFacts } from './check.ts';
import { join } from '../pointer.ts';

/** The metrics that evaluate steps name, with their places; what is no metric is found elsewhere. */
export function namedMetrics(facts: DocumentFacts): { readonly pointer: string; readonly definition: MetricDefinition }[] {
  return stepsOf(facts, 'evaluate').flatMap(({ step, config }) => {
    const metrics = Array.isArray(config['metrics']) ? config['metrics'] : [];
    return metrics.flatMap((metric, index) => {
      const definition = metricRegistry.find(namedConfig(metric)?.name ?? '');
      return definition === undefined ? [] : [{ pointer: join(step.pointer, 'with', 'metrics', index), definition }];
    });
  });
}

/** Names of the metrics that fit. */
export function metricsThat(fit: (tasks: MetricDefinition['tasks']) => boolean): string[] {
  return metricRegistry
    .all()
    .filter(({ tasks }) => fit(tasks))
    .map(({ name }) => name);
}
