import type { TunePlan } from '../../core/tune-plan.ts';
import type { JsonObject } from '../../core/json.ts';
import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { METRICS } from '../../training/trainer/light-metrics.ts';
import { nameOf, objectivesOf } from '../../tuning/describe.ts';
import type { ObjectiveConfig, TuneConfig } from '../../tuning/tune-config.ts';
import type { CheckedStep, DocumentFacts } from '../checks/check.ts';
import { nearest } from '../diagnostic.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';

/** What a train step says of its training besides numbers of its last epoch. */
const OF_TRAINING = ['epochs', 'bestEpoch', 'parameters', 'learningRate'];
const LOSSES = ['loss', 'validationLoss'];

/** Objectives that no trial could give, or that look the wrong way. */
export function checkObjectives(facts: DocumentFacts, position: number, tune: TunePlan): Finding[] {
  const { pointer, config: raw } = facts.steps[position]!;
  const config = raw as unknown as TuneConfig;
  const several = Array.isArray(config.objective);
  return objectivesOf(config).flatMap((objective, index) => {
    const at = join(pointer, 'with', 'objective', ...(several ? [index] : []));
    const step = facts.steps.find(({ id }) => id === ('metric' in objective ? tune.judged : tune.objectives[index]?.step));
    return [
      ...contrary(objective, at),
      ...('metric' in objective
        ? unmeasured(config, facts, step, at)
        : step === undefined
          ? []
          : notGiven(objective.value, step, at, hasValidation(facts))),
    ];
  });
}

/** A direction that nobody means. */
function contrary(objective: ObjectiveConfig, at: string): Finding[] {
  const name = 'metric' in objective ? nameOf(objective.metric) : objective.value;
  const own = LOSSES.includes(name) ? 'minimize' : metricRegistry.find(name)?.direction;
  if (own === undefined || objective.direction === undefined || objective.direction === own) return [];
  return [
    {
      pointer: join(at, 'direction'),
      given: objective.direction,
      allowed: [own],
      message: `"${name}" is better the ${own === 'minimize' ? 'lower' : 'higher'} it is, and the search would ${objective.direction} it.`,
      fix: 'metric' in objective ? `Leave "direction" out, or write "${own}".` : `Write "${own}".`,
    },
  ];
}

/** A metric is measured row by row, on rows that were set aside. */
function unmeasured(config: TuneConfig, facts: DocumentFacts, judged: CheckedStep | undefined, at: string): Finding[] {
  const gives: Readonly<Record<string, string>> = { nextToken: 'texts', adversarial: 'samples' };
  const what = judged?.config === undefined ? undefined : gives[objectiveNamed(judged.config)];
  if (what !== undefined)
    return [
      {
        pointer: join(at, 'metric'),
        message: `Metrics are measured on single rows, and the model of "${judged!.id}" gives ${what}.`,
        fix: 'Use a value of the train step: { "value": "validationLoss", "direction": "minimize" }.',
      },
    ];
  if (config.folds !== undefined || hasValidation(facts)) return [];
  return [
    {
      pointer: join(at, 'metric'),
      message: 'A metric is measured on the validation split, and there is none: "validation" of the split is 0.',
      fix: 'Give the split a part for validation, or write "folds": 5 to measure by cross-validation.',
    },
  ];
}

/** Whether an ingest step of the document sets rows aside for validation, as far as it says. */
export function hasValidation(facts: DocumentFacts): boolean {
  return facts.steps.every(({ definition, config }) => {
    const split = config?.['split'];
    const share = typeof split === 'object' && split !== null && !Array.isArray(split) ? split['validation'] : undefined;
    return definition?.type !== 'ingest' || share !== 0;
  });
}

/** A value that the step is known not to give; of programs nothing is known. */
function notGiven(value: string, { id, definition, config }: CheckedStep, at: string, validated: boolean): Finding[] {
  if (config === undefined || definition === undefined) return [];
  const given = valuesOf(definition.type, config, validated);
  if (given === undefined || given.some((name) => name === value || value.endsWith(`.${name}`))) return [];
  const suggestion = nearest(value, given);
  const isMetric = metricRegistry.find(value) !== undefined;
  return [
    {
      pointer: join(at, 'value'),
      given: value,
      allowed: given,
      message: `"${id}" gives no value "${value}".`,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix:
        isMetric && definition.type === 'train' && validated
          ? `Write { "metric": "${value}" }: it is then measured on the validation split.`
          : `It gives ${given.join(', ')}.`,
    },
  ];
}

/** Numbers that a step can give; undefined: that is not known before. */
function valuesOf(type: string, config: JsonObject, validated: boolean): string[] | undefined {
  if (type === 'measure') return [...metricsIn(config['metrics']), 'rows'];
  if (type !== 'train') return undefined;
  // A training that goes on towards something of its own gives losses of its own.
  if (objectiveNamed(config) !== 'supervised') return undefined;
  const { folds } = config;
  const measured = typeof folds === 'object' && folds !== null && !Array.isArray(folds) ? metricsIn(folds['metrics']) : [];
  if (folds !== undefined && measured.length === 0) return undefined;
  return [
    'loss',
    ...(validated ? ['validationLoss', ...METRICS] : []),
    ...measured.flatMap((name) => [`${name}Mean`, `${name}Deviation`]),
    ...OF_TRAINING,
  ];
}

function metricsIn(metrics: JsonObject[string] | undefined): string[] {
  return (Array.isArray(metrics) ? metrics : []).map((metric) => {
    if (typeof metric === 'string') return metric;
    const [name = '', options] = Object.entries(metric as JsonObject)[0] ?? [];
    const as = typeof options === 'object' && options !== null && !Array.isArray(options) ? options['as'] : undefined;
    return typeof as === 'string' ? as : name;
  });
}
