import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { DefinitionRegistry } from '../core/registry.ts';
import type { OutputSpec } from '../core/tensor.ts';
import type { MetricDefinition, MetricTask } from './metric.ts';
import { metrics } from './metrics/index.generated.ts';

/** A metric as a document names it: bare, or with options. */
export type MetricSpec = string | Readonly<Record<string, JsonObject>>;

export interface ResolvedMetric {
  /** Name of the result: the option "as", else the metric's own name. */
  readonly key: string;
  readonly definition: MetricDefinition;
  readonly config: JsonObject;
}

export const metricRegistry = new DefinitionRegistry('metric', metrics, (metric) => metric.name);

/** @throws CONFIG_INVALID for unknown metrics and for two results of one name. */
export function resolveMetrics(specs: readonly MetricSpec[]): ResolvedMetric[] {
  const resolved = specs.map(resolveMetric);
  const seen = new Set<string>();
  for (const { key } of resolved) {
    if (seen.has(key)) {
      throw new PerennialError('CONFIG_INVALID', `The metric "${key}" is asked for twice.`, { hint: `Name one of them, e.g. { "${key}": { "as": "${key}2" } }.` });
    }
    seen.add(key);
  }
  return resolved;
}

function resolveMetric(spec: MetricSpec): ResolvedMetric {
  if (typeof spec === 'string') return { key: spec, definition: metricRegistry.get(spec), config: {} };
  const names = Object.keys(spec);
  if (names.length !== 1) {
    throw new PerennialError('CONFIG_INVALID', `A metric is a name or an object with one key; this one has ${names.length}: ${names.join(', ') || '(none)'}.`);
  }
  const name = names[0]!;
  const config = spec[name]!;
  return { key: typeof config['as'] === 'string' ? config['as'] : name, definition: metricRegistry.get(name), config };
}

/** Numbers and reconstructions are judged as regression. */
export function taskOf(output: OutputSpec): MetricTask {
  if (output.kind !== 'classes') return 'regression';
  return output.classes.length === 2 ? 'binary' : 'classification';
}

/** A metric of classification serves two classes too. */
function fits(metric: MetricDefinition, task: MetricTask): boolean {
  return metric.tasks.includes(task) || (task === 'binary' && metric.tasks.includes('classification'));
}

/** Why a metric does not fit a task, in a sentence; undefined where it does. */
export function misfit(metric: MetricDefinition, task: MetricTask): string | undefined {
  if (fits(metric, task)) return undefined;
  const fitting = metrics.filter((other) => fits(other, task)).map((other) => other.name);
  return `The metric "${metric.name}" is for ${metric.tasks.join(' and ')}, and the label asks for ${task}. Fitting: ${fitting.join(', ')}.`;
}

/** What is computed where a document names no metrics. */
export function defaultMetrics(task: MetricTask): string[] {
  if (task === 'regression') return ['meanAbsoluteError', 'rootMeanSquaredError', 'r2'];
  return ['accuracy', 'balancedAccuracy', 'f1', 'logLoss'];
}
