import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import type { MetricDefinition } from '../../evaluation/metrics/metric.ts';
import { namedConfig, stepsOf } from './check.ts';
import type { DocumentFacts } from './check.ts';
import { TUNE } from '../../core/tune-plan.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

/** A metric that a document names, and where its rows come from. */
export interface NamedMetric {
  readonly pointer: string;
  readonly definition: MetricDefinition;
  /** Rows of which it is known which are anomalies: those of the test split alone. */
  readonly onTest: boolean;
}

/** The metrics that evaluate, measure, train and tune steps name, with their places; what is no metric is found elsewhere. */
export function namedMetrics(facts: DocumentFacts): NamedMetric[] {
  const found = (metric: unknown, pointer: string, onTest: boolean): NamedMetric[] => {
    const definition = metricRegistry.find(namedConfig(metric)?.name ?? '');
    return definition === undefined ? [] : [{ pointer, definition, onTest }];
  };
  const listed = (type: string, onTest: boolean): NamedMetric[] =>
    stepsOf(facts, type).flatMap(({ step, config }) =>
      (Array.isArray(config['metrics']) ? config['metrics'] : []).flatMap((metric, index) =>
        found(metric, join(step.pointer, 'with', 'metrics', index), onTest),
      ),
    );
  const folds = stepsOf(facts, 'train').flatMap(({ step, config }) => {
    const metrics = isObject(config['folds']) ? config['folds']['metrics'] : undefined;
    return (Array.isArray(metrics) ? metrics : []).flatMap((metric, index) =>
      found(metric, join(step.pointer, 'with', 'folds', 'metrics', index), false),
    );
  });
  const objectives = stepsOf(facts, TUNE).flatMap(({ step, config }) => {
    const { objective } = config;
    const at = join(step.pointer, 'with', 'objective');
    const all = Array.isArray(objective) ? objective.map((one, index) => [one, join(at, index)] as const) : [[objective, at] as const];
    return all.flatMap(([one, pointer]) => (isObject(one) ? found(one['metric'], join(pointer, 'metric'), false) : []));
  });
  return [...listed('evaluate', true), ...listed('measure', false), ...folds, ...objectives];
}

/** Names of the metrics that fit. */
export function metricsThat(fit: (tasks: MetricDefinition['tasks']) => boolean): string[] {
  return metricRegistry
    .all()
    .filter(({ tasks }) => fit(tasks))
    .map(({ name }) => name);
}
