import { isPerennialError } from '../../core/errors.ts';
import type { ConfigProblem, StepFacts } from '../../core/step.ts';
import { defaultMetrics, resolveMetrics } from '../metrics/resolve-metrics.ts';
import { metricRegistry } from '../metrics/index.generated.ts';
import { COUNTS_RIGHT } from '../measure/mcnemar.ts';
import { isMeasure } from './measures.ts';
import type { MetricSpec } from '../metrics/resolve-metrics.ts';
import { comparesWithChampion } from './gate.ts';
import type { Gate } from './gate.ts';

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
    if (isMeasure(gate.metric)) return measureProblems(gate, index, keys);
    if (keys.some((key) => gate.metric === key || gate.metric.endsWith(`.${key}`))) return testProblems(gate, index, metrics);
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

/** What is measured of a model in use is one number: there are no rows to draw or to divide. */
function measureProblems(gate: Gate, index: number, keys: readonly string[]): ConfigProblem[] {
  const at = (key: string, message: string): ConfigProblem => ({
    pointer: `/gates/${index}/${key}`,
    message,
    fix: 'Use "atLeast", "atMost", "notWorseThanChampionBy" or "betterThanChampionBy".',
  });
  if (keys.includes(gate.metric)) return [at('metric', `"${gate.metric}" names a metric and what is measured of the model in use alike.`)];
  return ['slices', 'significant', 'notSignificantlyWorseThanChampion', 'betterThanBaseline', 'bestWithin'].flatMap((key) =>
    Object.hasOwn(gate, key) ? [at(key, `"${gate.metric}" is one number of the whole model, for which "${key}" has no meaning.`)] : [],
  );
}

function testProblems(gate: Gate, index: number, metrics: readonly MetricSpec[]): ConfigProblem[] {
  if (!('test' in gate) || gate.test === undefined) return [];
  const pointer = `/gates/${index}/test`;
  const asked = 'notSignificantlyWorseThanChampion' in gate || gate.significant === true;
  if (!asked)
    return [
      { pointer, message: '"test" says how chance is ruled out, and the gate does not ask for it.', fix: 'Add "significant": true.' },
    ];
  if (gate.test !== 'mcnemar') return [];
  const named = metrics.find((metric) => keyOf(metric) === gate.metric.split('.').at(-1));
  const name = named === undefined ? gate.metric.split('.').at(-1)! : nameOf(named);
  if ((metricRegistry.find(name)?.name ?? name) !== COUNTS_RIGHT)
    return [
      {
        pointer,
        message: `McNemar's test is about accuracy, and the gate is on "${gate.metric}".`,
        fix: 'Leave "test" out, or judge "accuracy".',
      },
    ];
  if ('betterThanChampionBy' in gate && gate.betterThanChampionBy !== 0)
    return [{ pointer, message: "McNemar's test knows no margin.", fix: 'Set "betterThanChampionBy" to 0, or leave "test" out.' }];
  return [];
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
