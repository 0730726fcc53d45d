import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { LabelOutput, OutputSpec } from '../../core/tensor.ts';
import type { MetricDefinition, MetricTask } from './metric.ts';
import { metricRegistry, metrics } from './index.generated.ts';

/** A metric as a document names it: bare, or with options. */
export type MetricSpec = string | Readonly<Record<string, JsonObject>>;

export interface ResolvedMetric {
  /** Name of the result: the option "as", else the metric's own name. */
  readonly key: string;
  readonly definition: MetricDefinition;
  readonly config: JsonObject;
}

/** @throws CONFIG_INVALID for unknown metrics and for two results of one name. */
export function resolveMetrics(specs: readonly MetricSpec[]): ResolvedMetric[] {
  const resolved = specs.map(resolveMetric);
  const seen = new Set<string>();
  for (const { key } of resolved) {
    if (seen.has(key)) {
      throw new PerennialError('CONFIG_INVALID', `The metric "${key}" is asked for twice.`, {
        hint: `Name one of them, e.g. { "${key}": { "as": "${key}2" } }.`,
      });
    }
    seen.add(key);
  }
  return resolved;
}

function resolveMetric(spec: MetricSpec): ResolvedMetric {
  if (typeof spec === 'string') return { key: spec, definition: metricRegistry.get(spec), config: {} };
  const names = Object.keys(spec);
  if (names.length !== 1) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `A metric is a name or an object with one key; this one has ${names.length}: ${names.join(', ') || '(none)'}.`,
    );
  }
  const name = names[0]!;
  const config = spec[name]!;
  return { key: typeof config['as'] === 'string' ? config['as'] : name, definition: metricRegistry.get(name), config };
}

/**
 * The metrics of each of several outputs, by its name. One that does not say "of" which label it is goes to every output that it fits,
 * under the key `<label>.<metric>`.
 *
 * @throws CONFIG_INVALID for a label that does not exist, and a metric that fits none
 */
export function metricsOfEach(
  specs: readonly MetricSpec[],
  outputs: readonly LabelOutput[],
): ReadonlyMap<string, readonly ResolvedMetric[]> {
  const found = new Map<string, ResolvedMetric[]>(outputs.map(({ name }) => [name, []]));
  for (const output of outputs)
    if (specs.length === 0)
      found.get(output.name)!.push(...defaultMetrics(taskOf(output)).map((name) => ofLabel(resolveMetric(name), output.name)));
  for (const metric of specs.map(resolveMetric)) {
    const { of } = metric.config;
    const named = outputs.filter(({ name }) => of === undefined || name === of);
    if (named.length === 0)
      throw new PerennialError(
        'CONFIG_INVALID',
        `The metric "${metric.key}" is "of" ${JSON.stringify(of)}, and the labels are ${outputs.map(({ name }) => `"${name}"`).join(', ')}.`,
      );
    const fitting = named.filter((output) => misfit(metric.definition, taskOf(output)) === undefined);
    if (fitting.length === 0) throw new PerennialError('CONFIG_INVALID', misfit(metric.definition, taskOf(named[0]!))!);
    for (const output of fitting) found.get(output.name)!.push(ofLabel(metric, output.name));
  }
  const keys = [...found.values()].flat().map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined)
    throw new PerennialError('CONFIG_INVALID', `The metric "${twice}" is asked for twice.`, {
      hint: 'Give one of them a name of its own with "as".',
    });
  return found;
}

function ofLabel(metric: ResolvedMetric, label: string): ResolvedMetric {
  return typeof metric.config['as'] === 'string' ? metric : { ...metric, key: `${label}.${metric.key}` };
}

/** @param labelled whether it is known which test rows are anomalies */
export function taskOf(output: OutputSpec, labelled = false): MetricTask {
  if (output.kind === 'anomaly') return labelled ? 'anomaly' : 'reconstruction';
  if (output.kind === 'samples') return 'generation';
  if (output.kind === 'text') return 'language';
  if (output.kind !== 'classes') return 'regression';
  return output.classes.length === 2 ? 'binary' : 'classification';
}

/** A metric of classification serves two classes too, and those are "normal" and "anomaly" as well. */
function fits(metric: MetricDefinition, task: MetricTask): boolean {
  if (task === 'anomaly') return (['anomaly', 'reconstruction', 'classification'] as const).some((one) => metric.tasks.includes(one));
  return metric.tasks.includes(task) || (task === 'binary' && metric.tasks.includes('classification'));
}

/** Why a metric does not fit a task, in a sentence; undefined where it does. */
export function misfit(metric: MetricDefinition, task: MetricTask): string | undefined {
  if (fits(metric, task)) return undefined;
  const fitting = metrics.filter((other) => fits(other, task)).map((other) => other.name);
  if (task === 'reconstruction' && fits(metric, 'anomaly'))
    return `The metric "${metric.name}" needs to know which test rows are anomalies, and the examples do not say: give "anomaly" in the preprocess step. Without it there is: ${fitting.join(', ')}.`;
  if (task === 'reconstruction' || task === 'anomaly')
    return `The metric "${metric.name}" is for ${metric.tasks.join(' and ')}, and the model rebuilds its inputs. Fitting: ${fitting.join(', ')}.`;
  if (task === 'language')
    return `The metric "${metric.name}" is for ${metric.tasks.join(' and ')}, and the model tells the next token of a text. Fitting: ${fitting.join(', ')}.`;
  if (task === 'generation')
    return `The metric "${metric.name}" is for ${metric.tasks.join(' and ')}, and the model makes samples. Fitting: ${fitting.join(', ')}.`;
  return `The metric "${metric.name}" is for ${metric.tasks.join(' and ')}, and the label asks for ${task}. Fitting: ${fitting.join(', ')}.`;
}

/** What is computed where a document names no metrics. */
export function defaultMetrics(task: MetricTask): string[] {
  if (task === 'regression') return ['meanAbsoluteError', 'rootMeanSquaredError', 'r2'];
  if (task === 'generation') return ['frechetDistance', 'frechetDistanceRatio'];
  if (task === 'language') return ['perplexity', 'bitsPerToken', 'nextTokenAccuracy'];
  if (task === 'reconstruction') return ['reconstructionError', 'falseAlarmRate'];
  if (task === 'anomaly') return ['rocAuc', 'prAuc', 'precision', 'recall', 'f1', 'reconstructionError', 'falseAlarmRate'];
  return ['accuracy', 'balancedAccuracy', 'f1', 'logLoss'];
}
