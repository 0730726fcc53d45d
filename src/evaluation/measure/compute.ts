import { PerennialError } from '../../core/errors.ts';
import { misfit, resolveMetrics, taskOf } from '../metrics/resolve-metrics.ts';
import type { MetricSpec, ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { contextOf, toChunk } from './chunk.ts';
import type { ChunkOptions } from './chunk.ts';
import { isUndefinedMetric } from '../metrics/metric.ts';
import type { Chunk } from '../metrics/metric.ts';

/**
 * Metrics of a whole set, by result name, in the units of the source data.
 *
 * @throws CONFIG_INVALID for metrics that do not exist or do not fit the label; DATA_INVALID for NaN, no rows, and metrics that are
 * undefined on this set (e.g. rocAuc of one class).
 */
export function computeMetrics(options: ChunkOptions & { readonly metrics: readonly MetricSpec[] }): Record<string, number> {
  const resolved = resolveMetrics(options.metrics);
  requireFitting(resolved, options.output, options.labels.length > 0);
  const chunk = toChunk(options);
  return Object.fromEntries(resolved.map((metric) => [metric.key, metricOf(metric, chunk)]));
}

/** @throws CONFIG_INVALID naming the metrics that fit. */
export function requireFitting(resolved: readonly ResolvedMetric[], output: ChunkOptions['output'], labelled = false): void {
  const task = taskOf(output, labelled);
  for (const { definition } of resolved) {
    const problem = misfit(definition, task);
    if (problem !== undefined) throw new PerennialError('CONFIG_INVALID', problem);
  }
}

/** A value, and what it is not about. */
export interface Measured {
  readonly value: number;
  readonly note?: string;
}

/** One metric of one set. @throws DATA_INVALID where it is undefined. */
export function measure({ definition, config }: ResolvedMetric, chunk: Chunk): Measured {
  const context = contextOf(chunk);
  const state: unknown = definition.init(config, context);
  definition.update(state, chunk, config);
  const value = definition.result(state, config, context);
  const note = definition.note?.(state, config, context);
  return note === undefined ? { value } : { value, note };
}

/** The value alone. @throws DATA_INVALID where it is undefined. */
export function metricOf(metric: ResolvedMetric, chunk: Chunk): number {
  return measure(metric, chunk).value;
}

/** As {@link metricOf}, but null where the metric is undefined on this set: for slices and baselines. */
export function metricOrNull(metric: ResolvedMetric, chunk: Chunk): number | null {
  try {
    return metricOf(metric, chunk);
  } catch (error) {
    if (isUndefinedMetric(error)) return null;
    throw error;
  }
}
