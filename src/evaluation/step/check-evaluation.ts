import { isPerennialError } from '../../core/errors.ts';
import type { ConfigProblem, StepFacts } from '../../core/step.ts';
import { defaultMetrics, resolveMetrics } from '../metrics/resolve-metrics.ts';
import { metricRegistry } from '../metrics/index.generated.ts';
import type { MetricSpec } from '../metrics/resolve-metrics.ts';
import { comparesWithChampion } from './gates.ts';
import type { Gate } from './gates.ts';

interface Checked {
  readonly metrics?: readonly MetricSpec[];
  readonly gates?: readonly Gate[];
  readonly champion?: string;
}

/** Mistakes of an evaluate step that its schema cannot say. */
export function checkEvaluation(config: Checked, facts: StepFacts): ConfigProblem[] {
  return [...metricProblems(config), ...gateProblems(config), ...championProblems(config, facts)];
}

function metricProblems({ metrics = [] }: Checked): ConfigProblem[] {
  const known = metrics.filter((metric) => metricRegistry.find(nameOf(metric)) !== undefined);
  try {
    resolveMetrics(known);
    return [];
  } catch (error) {
    if (!isPerennialError(error, 'CONFIG_INVALID')) throw error;
    return [{ pointer: '/metrics', message: error.message, fix: error.hint }];
  }
}

function gateProblems({ metrics = [], gates = [] }: Checked): ConfigProblem[] {
  const keys =
    metrics.length > 0
      ? metrics.map(keyOf)
      : [...new Set((['classification', 'regression', 'anomaly', 'generation', 'language'] as const).flatMap(defaultMetrics))];
  return gates.flatMap((gate, index) => {
    // Of several outputs, a metric is named after its label as well; which those are is known when the data are.
    if (keys.some((key) => gate.metric === key || gate.metric.endsWith(`.${key}`))) return [];
    const meant = metricRegistry.meant(gate.metric);
    if (meant !== undefined && keys.includes(meant))
      return [
        {
          pointer: `/gates/${index}/metric`,
          message: `The gate reads "${gate.metric}", which is called "${meant}" here.`,
          fix: `Write "${meant}".`,
        },
      ];
    const where = metrics.length > 0 ? `"metrics" has: ${keys.join(', ')}` : 'it is not among the metrics computed by default';
    return [
      {
        pointer: `/gates/${index}/metric`,
        message: `The gate reads "${gate.metric}", but ${where}.`,
        fix: meant === undefined ? `Add "${gate.metric}" to "metrics".` : `Add "${meant}" to "metrics", and write it in the gate.`,
      },
    ];
  });
}

/** A gate against the champion of a model that the pipeline never writes to would always compare with nothing. */
function championProblems({ champion, gates = [] }: Checked, facts: StepFacts): ConfigProblem[] {
  if (!gates.some(comparesWithChampion)) return [];
  const compared = champion ?? facts.pipeline;
  const registered = facts.after
    .filter((step) => step.type === 'register')
    .map((step) => (typeof step.config['model'] === 'string' ? step.config['model'] : facts.pipeline));
  if (registered.length === 0 || registered.includes(compared)) return [];
  return [
    {
      pointer: champion === undefined ? '/gates' : '/champion',
      message: `The gates compare with the champion of "${compared}", and the register step writes to "${registered.join('", "')}".`,
      fix: `Set "champion": "${registered[0]}".`,
    },
  ];
}

function nameOf(metric: MetricSpec): string {
  return typeof metric === 'string' ? metric : (Object.keys(metric)[0] ?? '');
}

function keyOf(metric: MetricSpec): string {
  if (typeof metric === 'string') return metric;
  const name = nameOf(metric);
  const as = metric[name]?.['as'];
  return typeof as === 'string' ? as : name;
}
