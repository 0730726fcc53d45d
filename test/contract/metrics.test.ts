import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { withDefaults } from '../../src/training/model/named.ts';
import type {
  ClassChunk,
  ErrorChunk,
  MetricContext,
  MetricDefinition,
  MetricTask,
  NumberChunk,
  SampleChunk,
  TokenChunk,
} from '../../src/evaluation/metrics/metric.ts';
import { metricRegistry } from '../../src/evaluation/metrics/index.generated.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

type AnyChunk = ClassChunk | NumberChunk | ErrorChunk | SampleChunk | TokenChunk;

const CLASSES = ['no', 'yes'];
const classes = (labels: readonly number[], yes: readonly number[]): ClassChunk => ({
  kind: 'classes',
  rows: labels.length,
  classes: CLASSES,
  positive: 1,
  labels: Int32Array.from(labels),
  predicted: Int32Array.from(yes, (score) => (score >= 0.5 ? 1 : 0)),
  scores: Float64Array.from(yes.flatMap((score) => [1 - score, score])),
  probabilities: true,
  errors: Float64Array.from(yes),
});
const numbers = (labels: readonly number[], predictions: readonly number[]): NumberChunk => ({
  kind: 'number',
  rows: labels.length,
  width: 1,
  labels: Float64Array.from(labels),
  predictions: Float64Array.from(predictions),
  naiveError: 2,
});
const errors = (values: readonly number[], threshold: number): ErrorChunk => ({
  kind: 'errors',
  rows: values.length,
  errors: Float64Array.from(values),
  flagged: Int32Array.from(values, (value) => (value > threshold ? 1 : 0)),
});
const samples = (generated: readonly number[]): SampleChunk => ({
  kind: 'samples',
  rows: 4,
  real: [-1, 1, -1, 1],
  generated,
  untrained: [5, 7, 5, 7],
});
const tokens = (losses: readonly number[], hits: readonly number[]): TokenChunk => ({
  kind: 'tokens',
  rows: losses.length,
  losses: Float64Array.from(losses),
  hits,
});

/** Of each task predictions that anybody would call better than the others. */
const BETTER_AND_WORSE: Readonly<Record<MetricTask, readonly [AnyChunk, AnyChunk]>> = {
  classification: [
    classes([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.45, 0.1, 0.2, 0.3]),
    classes([1, 1, 1, 0, 0, 0], [0.9, 0.1, 0.2, 0.8, 0.7, 0.3]),
  ],
  binary: [classes([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.45, 0.1, 0.2, 0.3]), classes([1, 1, 1, 0, 0, 0], [0.9, 0.1, 0.2, 0.8, 0.7, 0.3])],
  anomaly: [classes([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.45, 0.1, 0.2, 0.3]), classes([1, 1, 1, 0, 0, 0], [0.9, 0.1, 0.2, 0.8, 0.7, 0.9])],
  regression: [numbers([1, 2, 3, 4], [1.1, 2.1, 2.9, 4.1]), numbers([1, 2, 3, 4], [3, 1, 6, 2])],
  reconstruction: [errors([0.1, 0.2, 0.3, 0.9], 0.5), errors([1, 2, 3, 0.9], 0.5)],
  generation: [samples([-1, 1, -1, 2]), samples([4, 6, 4, 9])],
  language: [tokens([0.1, 0.2, 0.5, 3], [1, 1, 1, 0]), tokens([1, 2, 5, 3], [1, 0, 0, 0])],
};

const contextOf = (chunk: AnyChunk): MetricContext => ({ classes: CLASSES, positive: 1, width: chunk.kind === 'classes' ? 2 : 1 });

function configOf(metric: MetricDefinition): unknown {
  // Of as many classes as there are, every guess is among the first few.
  return withDefaults(metric.configSchema, metric.name === 'topKAccuracy' ? { k: 1 } : {});
}

function valueOf(metric: MetricDefinition, ...chunks: readonly AnyChunk[]): number {
  const config = configOf(metric);
  const context = contextOf(chunks[0]!);
  const state = metric.init(config, context) as unknown;
  for (const chunk of chunks) metric.update(state, chunk, config);
  return metric.result(state, config, context);
}

function rowsOf(chunk: AnyChunk, rows: readonly number[]): AnyChunk {
  const pick = (values: ArrayLike<number>, width = 1): number[] =>
    rows.flatMap((row) => Array.from({ length: width }, (_, at) => values[row * width + at]!));
  switch (chunk.kind) {
    case 'classes':
      return {
        ...chunk,
        rows: rows.length,
        labels: Int32Array.from(pick(chunk.labels)),
        predicted: Int32Array.from(pick(chunk.predicted)),
        scores: Float64Array.from(pick(chunk.scores, 2)),
        errors: Float64Array.from(pick(chunk.errors!)),
      };
    case 'number':
      return numbers(pick(chunk.labels), pick(chunk.predictions));
    case 'errors':
      return { ...chunk, rows: rows.length, errors: Float64Array.from(pick(chunk.errors)), flagged: Int32Array.from(pick(chunk.flagged)) };
    case 'samples':
      return { ...chunk, rows: rows.length, real: pick(chunk.real), generated: pick(chunk.generated), untrained: pick(chunk.untrained) };
    case 'tokens':
      return tokens(pick(chunk.losses), pick(chunk.hits));
  }
}

/** Worked out by hand. */
const VALUES: Readonly<Record<string, readonly [AnyChunk, number]>> = {
  reconstructionError: [errors([1, 3], 2), 2],
  falseAlarmRate: [errors([1, 3, 1, 1], 2), 0.25],
  perplexity: [tokens([Math.log(2), Math.log(8)], [1, 0]), 4],
  bitsPerToken: [tokens([Math.log(2), Math.log(8)], [1, 0]), 2],
  nextTokenAccuracy: [tokens([Math.log(2), Math.log(8)], [1, 0]), 0.5],
  // The same spread around 3 in place of 0, and around 6 before training.
  frechetDistance: [samples([2, 4, 2, 4]), 9],
  frechetDistanceRatio: [samples([2, 4, 2, 4]), 0.25],
  // 1.5, where the naive forecast is wrong by 2.
  meanAbsoluteScaledError: [numbers([1, 2], [2, 4]), 0.75],
  // So sure as 0.8, and right every other time.
  expectedCalibrationError: [classes([1, 0], [0.8, 0.8]), 0.3],
};

const laws = {
  'says what it is, and where the definition comes from': (metric: MetricDefinition) => {
    expect(metric.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
    expect(metric.summary).toMatch(/^[A-Z].*\.$/);
    expect(metric.reference).toMatch(/^https:\/\//);
    expect(metric.tasks.length).toBeGreaterThan(0);
    expect(Object.isFrozen(metric)).toBe(true);
  },
  'has a closed schema whose options are described': (metric: MetricDefinition) => {
    expect(looseParts(metric.configSchema, '/')).toEqual([]);
    const valid = validator(metric.configSchema);
    expect([valid({}), valid({ as: 'another' }), valid({ misspelt: 1 })]).toEqual([true, true, false]);
  },
  'calls what is better better': (metric: MetricDefinition) => {
    for (const task of metric.tasks) {
      const [better, worse] = BETTER_AND_WORSE[task].map((chunk) => valueOf(metric, chunk)) as [number, number];
      if (metric.direction === 'maximize') expect(better).toBeGreaterThan(worse);
      else expect(better).toBeLessThan(worse);
    }
  },
  'stays within its range': (metric: MetricDefinition) => {
    const [low, high] = metric.range;
    for (const task of metric.tasks)
      for (const chunk of BETTER_AND_WORSE[task]) {
        const value = valueOf(metric, chunk);
        expect(value).toBeGreaterThanOrEqual(low ?? Number.NEGATIVE_INFINITY);
        expect(value).toBeLessThanOrEqual(high ?? Number.POSITIVE_INFINITY);
      }
  },
  'is of the whole set, however its rows are ordered, cut into chunks, and gathered': (metric: MetricDefinition) => {
    for (const task of metric.tasks) {
      const chunk = BETTER_AND_WORSE[task][1];
      const whole = valueOf(metric, chunk);
      const all = Array.from({ length: chunk.rows }, (_, row) => row);
      expect(valueOf(metric, rowsOf(chunk, [...all].reverse()))).toBeCloseTo(whole, 9);
      expect(valueOf(metric, rowsOf(chunk, all.slice(0, 1)), rowsOf(chunk, all.slice(1)))).toBeCloseTo(whole, 9);
      const config = configOf(metric);
      const context = contextOf(chunk);
      const [left, right] = [all.slice(0, 1), all.slice(1)].map((rows) => {
        const state = metric.init(config, context) as unknown;
        metric.update(state, rowsOf(chunk, rows), config);
        return state;
      });
      metric.merge(left, right);
      expect(metric.result(left, config, context)).toBeCloseTo(whole, 9);
    }
  },
  'gives the value that was worked out by hand': (metric: MetricDefinition) => {
    const worked = VALUES[metric.name];
    if (worked !== undefined) expect(valueOf(metric, worked[0])).toBeCloseTo(worked[1], 6);
  },
  'has a golden value, or a reason for none': goldenLaw<MetricDefinition>('metric', ({ name }) => name, {
    names: new Set([
      ...Object.keys(VALUES),
      ...(
        JSON.parse(readFileSync(new URL('../golden/evaluation/metrics.json', import.meta.url), 'utf8')) as { cases: { want: object }[] }
      ).cases.flatMap(({ want }) => Object.keys(want).map((name) => name.split(':')[0]!)),
    ]),
    add: 'Let test/golden/evaluation/make_metrics.py work one out, or put one that can be checked by hand into VALUES of test/contract/metrics.test.ts.',
    file: 'test/contract/metrics.test.ts',
  }),
};

const accuracy = metricRegistry.get('accuracy');
const mutant = (parts: Partial<MetricDefinition>): MetricDefinition => Object.freeze({ ...accuracy, ...parts });

describeLaws<MetricDefinition>({
  kind: 'metric',
  definitions: metricRegistry.all(),
  nameOf: ({ name }) => name,
  laws,
  mutants: {
    'says what it is, and where the definition comes from': [
      mutant({ summary: 'no sentence' }),
      { ...accuracy },
      mutant({ reference: 'a book' }),
    ],
    'has a closed schema whose options are described': [mutant({ configSchema: { type: 'object' } })],
    'calls what is better better': [mutant({ direction: 'minimize' }), mutant({ result: () => 1 })],
    'stays within its range': [mutant({ range: [0.9, 1] }), mutant({ range: [0, 0.1] })],
    'is of the whole set, however its rows are ordered, cut into chunks, and gathered': [
      // The last chunk alone, the rows by their place, and a merge that forgets.
      mutant({
        init: (config: unknown, context) => ({ last: accuracy.init(config, context) as unknown }),
        update: (state: any, chunk, config) => void accuracy.update((state.last = accuracy.init(config, contextOf(chunk))), chunk, config),
        merge: (state: any, other: any) => accuracy.merge(state.last, other.last),
        result: (state: any, config, context) => accuracy.result(state.last, config, context),
      }),
      mutant({ merge: () => {} }),
    ],
    'gives the value that was worked out by hand': [{ ...metricRegistry.get('perplexity'), result: () => 5 }],
    'has a golden value, or a reason for none': [mutant({ name: 'new' })],
  },
});
