import { describe, expect, it } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { defaultMetrics, resolveMetrics, taskOf } from '../../../src/evaluation/metrics/resolve-metrics.ts';
import { metricRegistry } from '../../../src/evaluation/metrics/index.generated.ts';
import type { MetricSpec } from '../../../src/evaluation/metrics/resolve-metrics.ts';
import { toChunk } from '../../../src/evaluation/measure/chunk.ts';
import { computeMetrics, measure } from '../../../src/evaluation/measure/compute.ts';

const two: OutputSpec = { kind: 'classes', name: 'y', classes: ['ham', 'spam'] };
const three: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] };
const number: OutputSpec = { kind: 'number', name: 'y', width: 1 };
const run = (output: OutputSpec, predictions: number[], labels: number[], metrics: MetricSpec[], more: object = {}) =>
  computeMetrics({
    output,
    predictions: Float32Array.from(predictions),
    labels: Float32Array.from(labels),
    rows: labels.length,
    metrics,
    ...more,
  });
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return isPerennialError(error) ? { code: error.code, message: error.message } : error;
  }
};

describe('computeMetrics', () => {
  it('takes a sigmoid as the probability of the second class', () => {
    expect(run(two, [0.9, 0.2, 0.6], [1, 0, 0], ['accuracy', 'precision', 'recall', 'rocAuc'])).toEqual({
      accuracy: 2 / 3,
      precision: 0.5,
      recall: 1,
      rocAuc: 1,
    });
  });

  it('turns precision and recall around with the positive class', () => {
    expect(run(two, [0.9, 0.2, 0.6], [1, 0, 0], ['precision', 'recall'], { positive: 'ham' })).toEqual({ precision: 1, recall: 0.5 });
    expect(codeOf(() => run(two, [0.9], [1], ['f1'], { positive: 'egg' }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"ham", "spam"'),
    });
  });

  it('applies a threshold to two classes only', () => {
    expect(run(two, [0.9, 0.7, 0.6], [1, 0, 0], ['accuracy'], { threshold: 0.8 })).toEqual({ accuracy: 1 });
    expect(codeOf(() => run(three, [1, 0, 0], [0], ['accuracy'], { threshold: 0.8 }))).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('scales standardized labels and predictions back', () => {
    const scaled: OutputSpec = { ...number, scale: { mean: 100, std: 10 } };
    expect(run(scaled, [0, 1], [0.5, 0.5], ['meanAbsoluteError'])).toEqual({ meanAbsoluteError: 5 });
  });

  it('gives one metric twice under two names', () => {
    const values = run(
      three,
      [0.6, 0.2, 0.2, 0.1, 0.2, 0.7, 0.5, 0.3, 0.2],
      [0, 1, 0],
      ['f1', { f1: { average: 'weighted', as: 'weightedF1' } }],
    );
    expect(Object.keys(values)).toEqual(['f1', 'weightedF1']);
    expect(codeOf(() => run(three, [1, 0, 0], [0], ['f1', { f1: { average: 'micro' } }]))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('asked for twice'),
    });
  });

  it.each<[string, () => unknown, string, RegExp]>([
    ['no rows', () => run(two, [], [], ['accuracy']), 'DATA_INVALID', /no rows/],
    ['NaN predictions', () => run(two, [0.5, NaN], [0, 1], ['accuracy']), 'DATA_INVALID', /1 of 2 values the model gives NaN .*row 1/],
    ['infinite predictions', () => run(number, [Infinity], [1], ['r2']), 'DATA_INVALID', /Infinity/],
    ['NaN labels', () => run(number, [1, 2], [1, NaN], ['r2']), 'DATA_INVALID', /the label is NaN/],
    [
      'one class',
      () => run(two, [0.5, 0.6], [1, 1], ['rocAuc']),
      'DATA_INVALID',
      /"rocAuc" is undefined here: it needs rows of "spam" and of another class, and the set holds "spam" only/,
    ],
    ['no positive row', () => run(two, [0.5, 0.6], [0, 0], ['prAuc']), 'DATA_INVALID', /"prAuc" is undefined/],
    ['one row', () => run(number, [1], [1], ['r2']), 'DATA_INVALID', /"r2" is undefined here: it needs two rows/],
    [
      'label 0',
      () => run(number, [1, 2, 3], [0, 2, 0], ['meanAbsolutePercentageError']),
      'DATA_INVALID',
      /"meanAbsolutePercentageError" is undefined here: it is not defined on 2 of 3 rows, whose label is 0/,
    ],
    [
      'negative counts',
      () => run(number, [1, -2, 0, 1], [-1, 3, 1, 1], ['meanPoissonDeviance']),
      'DATA_INVALID',
      /not defined on 1 of 4 rows, whose label is negative: it is for counts; on 2 of 4 rows, whose prediction is not above 0/,
    ],
    ['constant labels', () => run(number, [2, 3], [2, 2], ['r2']), 'DATA_INVALID', /"r2" is undefined here: all 2 labels are 2/],
    [
      'constant labels, explained',
      () => run(number, [2, 3], [2, 2], ['explainedVariance']),
      'DATA_INVALID',
      /"explainedVariance" is undefined here: all 2 labels are 2/,
    ],
    [
      'one class, correlated',
      () => run(two, [0.9, 0.8], [1, 1], ['matthews']),
      'DATA_INVALID',
      /"matthews" is undefined here: all 2 rows are of the class "spam"/,
    ],
    [
      'one of three classes',
      () => run(three, [1, 0, 0], [0], ['prAuc']),
      'DATA_INVALID',
      /rows of two classes, and the set holds "a" only/,
    ],
    ['all agree', () => run(two, [0.9], [1], ['cohenKappa']), 'DATA_INVALID', /same class/],
    ['0/0 refused', () => run(two, [0.1], [0], [{ precision: { zeroDivision: 'error' } }]), 'DATA_INVALID', /0\/0/],
    ['logits', () => run(three, [2, -1, 0], [0], ['logLoss']), 'CONFIG_INVALID', /needs probabilities/],
    ['too wide', () => run(three, [0.5, 0.5], [0], ['accuracy']), 'SHAPE_MISMATCH', /3 predictions; there are 2/],
    ['unknown class', () => run(two, [0.5], [2], ['accuracy']), 'DATA_INVALID', /class 2/],
    ['unknown metric', () => run(two, [0.5], [1], ['acuracy']), 'CONFIG_INVALID', /no metric "acuracy"\. There is: accuracy/],
    [
      'misfit',
      () => run(number, [0.5], [1], ['accuracy']),
      'CONFIG_INVALID',
      /"accuracy" is for classification, and the label asks for regression\. Fitting: .*meanAbsoluteError/,
    ],
    ['trivial k', () => run(two, [0.5], [1], ['topKAccuracy']), 'CONFIG_INVALID', /always 1/],
  ])('refuses %s', (_name, work, code, message) => {
    expect(codeOf(work)).toEqual({ code, message: expect.stringMatching(message) });
  });

  it('defines one class where the definition allows', () => {
    expect(run(two, [0.9, 0.8], [1, 1], ['accuracy', 'balancedAccuracy', 'f1'])).toEqual({ accuracy: 1, balancedAccuracy: 1, f1: 1 });
    expect(run(two, [0.9, 0.8], [1, 0], ['matthews'])).toEqual({ matthews: 0 });
    expect(run(two, [0.1, 0.2], [0, 0], ['precision', 'recall', 'f1'])).toEqual({ precision: 0, recall: 0, f1: 0 });
    expect(run(two, [0.1], [0], [{ precision: { zeroDivision: 1 } }])).toEqual({ precision: 1 });
  });

  it('says which classes a ranking is not about, having no rows', () => {
    const chunk = toChunk({ output: three, predictions: Float32Array.from([0.6, 0.2, 0.2, 0.1, 0.2, 0.7]), labels: [0, 2], rows: 2 });
    const noted = (name: string) => measure(resolveMetrics([name])[0]!, chunk);
    for (const name of ['rocAuc', 'prAuc', 'balancedAccuracy', 'f1'])
      expect(noted(name)).toEqual({ value: 1, note: 'over the 2 of 3 classes that occur: no row is of "b"' });
    expect(noted('accuracy')).toEqual({ value: 1 });
  });

  it('ranks by margins where there are no probabilities', () => {
    expect(run(two, [-3, 2, 5], [0, 0, 1], ['rocAuc', 'accuracy'])).toEqual({ rocAuc: 1, accuracy: 2 / 3 });
  });

  it('has metrics for every task by default, and they exist and fit', () => {
    for (const output of [two, three, number]) {
      for (const name of defaultMetrics(taskOf(output))) expect(metricRegistry.find(name)).toBeDefined();
    }
    expect(run(three, [0.6, 0.2, 0.2, 0.1, 0.2, 0.7], [0, 2], defaultMetrics('classification'))).toMatchObject({ accuracy: 1 });
  });
});
