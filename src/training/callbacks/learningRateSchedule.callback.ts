import { defineCallback } from './callback.ts';
import type { TrainingFacts } from './callback.ts';
import { PerennialError } from '../../core/errors.ts';
import { number } from '../model/schema-parts.ts';

interface Config {
  readonly schedule: (typeof SCHEDULES)[number];
  readonly warmupEpochs: number;
  readonly everyEpochs: number;
  readonly factor: number;
  readonly floor: number;
  readonly power: number;
  readonly cycleFactor: number;
  readonly peakFactor: number;
  readonly boundaries: readonly number[];
  readonly factors: readonly number[];
  readonly rise: number;
  readonly start: number;
  readonly momentum?: readonly [number, number];
}

const SCHEDULES = [
  'constant',
  'step',
  'exponential',
  'cosine',
  'cosineRestarts',
  'polynomial',
  'inverseTime',
  'inverseSquareRoot',
  'piecewise',
  'oneCycle',
] as const;

export default defineCallback<Config>({
  name: 'learningRateSchedule',
  summary: "Changes the learning rate over the course of training, by a factor of the optimizer's learning rate.",
  properties: {
    schedule: {
      enum: SCHEDULES,
      default: 'cosine',
      examples: ['step'],
      description:
        '"step": times `factor` after every `everyEpochs`; "exponential": the same, smoothly; "cosine": down to `floor` along half a cosine; "cosineRestarts": the same over `everyEpochs`, then again from the top; "polynomial": down to `floor` by `power`; "inverseTime": divided by 1 + epochs / `everyEpochs`; "inverseSquareRoot": divided by the root of that; "piecewise": one of `factors` between `boundaries`; "oneCycle": up from `start` and down to `floor` along half cosines; "constant": only the warm-up.',
    },
    warmupEpochs: number(
      'Epochs at the start in which the rate rises from zero; a fraction is allowed. The schedule begins after them.',
      0,
      2,
      { minimum: 0 },
    ),
    everyEpochs: number(
      'For "step", "exponential" and the inverse ones: epochs after which the factor applies once more; for "cosineRestarts": of the first cycle.',
      10,
      10,
      { exclusiveMinimum: 0 },
    ),
    factor: number('For "step" and "exponential".', 0.5, 0.1, { exclusiveMinimum: 0, maximum: 1 }),
    floor: number('For the cosine ones, "polynomial" and "oneCycle": share of the learning rate at the end.', 0, 0.01, {
      minimum: 0,
      maximum: 1,
    }),
    power: number('For "polynomial": 1 is a straight line.', 1, 2, { exclusiveMinimum: 0 }),
    cycleFactor: number('For "cosineRestarts": each cycle is so many times as long as the one before.', 2, 1, { minimum: 1 }),
    peakFactor: number('For "cosineRestarts": each cycle starts at this share of the start of the one before.', 1, 0.8, {
      exclusiveMinimum: 0,
      maximum: 1,
    }),
    boundaries: {
      type: 'array',
      items: { type: 'number', exclusiveMinimum: 0 },
      maxItems: 100,
      default: [],
      description: 'For "piecewise": epochs after which the next factor holds, rising.',
      examples: [[10, 20]],
    },
    factors: {
      type: 'array',
      items: { type: 'number', minimum: 0 },
      maxItems: 101,
      default: [],
      description: 'For "piecewise": one more than there are boundaries.',
      examples: [[1, 0.1, 0.01]],
    },
    rise: number('For "oneCycle": share of the steps in which the rate rises.', 0.3, 0.25, { exclusiveMinimum: 0, exclusiveMaximum: 1 }),
    start: number('For "oneCycle": share of the learning rate at the start.', 0.04, 0.1, { exclusiveMinimum: 0, maximum: 1 }),
    momentum: {
      type: 'array',
      items: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
      minItems: 2,
      maxItems: 2,
      examples: [[0.95, 0.85]],
      description:
        'For "oneCycle": momentum of the optimizer (beta1 of adam, adamW and adamax) at the start and at the end, and where the rate is highest. It moves against the rate. Default: that of the optimizer, all the time.',
    },
  },
  create(config, facts) {
    checkPieces(config);
    const { momentum } = config;
    return {
      learningRateFactor: (step) => factorAt(config, facts, step),
      ...(momentum === undefined ? {} : { momentum: (step: number) => momentumAt(config, momentum, facts, step) }),
      state: () => ({}),
      restore() {},
    };
  },
});

function checkPieces({ schedule, boundaries, factors, momentum }: Config): void {
  if (momentum !== undefined && schedule !== 'oneCycle') {
    throw new PerennialError(
      'CONFIG_INVALID',
      `"momentum" of learningRateSchedule moves in one cycle, and the schedule is "${schedule}".`,
      { hint: 'Leave "momentum" out, or give "schedule": "oneCycle".' },
    );
  }
  if (schedule !== 'piecewise') return;
  if (factors.length !== boundaries.length + 1) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `The callback learningRateSchedule has ${boundaries.length} boundaries and ${factors.length} factors.`,
      { hint: 'Give one factor more than there are boundaries.' },
    );
  }
  if (boundaries.some((boundary, index) => index > 0 && boundary <= boundaries[index - 1]!)) {
    throw new PerennialError('CONFIG_INVALID', `The boundaries of learningRateSchedule, ${boundaries.join(', ')}, do not rise.`, {
      hint: 'Give them in rising order.',
    });
  }
}

const halfCosine = (from: number, to: number, done: number): number => to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2;

function factorAt(config: Config, facts: TrainingFacts, step: number): number {
  const { everyEpochs, floor } = config;
  const warmup = config.warmupEpochs * facts.stepsPerEpoch;
  if (step < warmup) return (step + 1) / (warmup + 1);
  const epochs = (step - warmup) / facts.stepsPerEpoch;
  const done = Math.min(1, (step - warmup) / Math.max(1, facts.steps - warmup));
  switch (config.schedule) {
    case 'constant':
      return 1;
    case 'step':
      return config.factor ** Math.floor(epochs / everyEpochs);
    case 'exponential':
      return config.factor ** (epochs / everyEpochs);
    case 'cosine':
      return halfCosine(1, floor, done);
    case 'cosineRestarts':
      return restarted(config, epochs / everyEpochs);
    case 'polynomial':
      return floor + (1 - floor) * (1 - done) ** config.power;
    case 'inverseTime':
      return 1 / (1 + epochs / everyEpochs);
    case 'inverseSquareRoot':
      return 1 / Math.sqrt(1 + epochs / everyEpochs);
    case 'piecewise':
      return config.factors[config.boundaries.filter((boundary) => epochs >= boundary).length]!;
    case 'oneCycle':
      return oneCycle(config, step - warmup, facts.steps - warmup);
  }
}

/** @param cycles in lengths of the first */
function restarted({ cycleFactor, peakFactor, floor }: Config, cycles: number): number {
  let rest = cycles;
  let length = 1;
  let peak = 1;
  while (rest >= length) {
    rest -= length;
    length *= cycleFactor;
    peak *= peakFactor;
  }
  return floor + (1 - floor) * halfCosine(peak, 0, rest / length);
}

/** L. N. Smith, N. Topin: Super-Convergence (2018), with the first and last step exactly at the ends. */
function oneCycle({ rise, start, floor }: Config, step: number, steps: number): number {
  const top = rise * steps - 1;
  const last = Math.max(1, steps - 1);
  if (step < top) return halfCosine(start, 1, step / top);
  return halfCosine(1, floor, Math.min(1, (step - top) / Math.max(1, last - top)));
}

/** As in the source, momentum and rate mirror each other. */
function momentumAt(
  config: Config,
  [outer, inner]: readonly [number, number],
  { steps, stepsPerEpoch }: TrainingFacts,
  step: number,
): number {
  const warmup = config.warmupEpochs * stepsPerEpoch;
  const top = config.rise * (steps - warmup) - 1;
  const at = Math.max(0, step - warmup);
  const last = Math.max(1, steps - warmup - 1);
  return at < top ? halfCosine(outer, inner, at / top) : halfCosine(inner, outer, Math.min(1, (at - top) / Math.max(1, last - top)));
}
