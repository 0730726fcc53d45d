import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import type { MetricSpec } from '../../../src/evaluation/metrics/resolve-metrics.ts';
import { computeMetrics } from '../../../src/evaluation/measure/compute.ts';

interface Case {
  readonly kind: 'classes' | 'number';
  readonly name: string;
  readonly classes: number;
  readonly width: number;
  readonly labels: number[];
  readonly predictions: number[];
  readonly weights?: number[];
  readonly want: Record<string, number>;
}

const golden = JSON.parse(readFileSync(new URL('./metrics.json', import.meta.url), 'utf8')) as { cases: Case[] };

function specOf(name: string): MetricSpec {
  const [metric, option, average] = name.split(':') as [string, string | undefined, string | undefined];
  if (option === undefined) return metric;
  if (metric === 'quantileLoss') return { [metric]: { quantile: Number(option) } };
  if (average !== undefined) return { [metric]: { multiClass: option, average } };
  return { [metric]: /^\d+$/.test(option) ? { k: Number(option) } : { average: option } };
}

describe.each(golden.cases)('metrics agree with scikit-learn: $name', ({ kind, classes, width, labels, predictions, weights, want }) => {
  const output: OutputSpec =
    kind === 'classes'
      ? { kind, name: 'label', classes: Array.from({ length: classes }, (_, index) => `class ${index}`) }
      : { kind, name: 'label', width };
  it.each(Object.keys(want))('%s', (name) => {
    const rows = labels.length / (kind === 'classes' ? 1 : width);
    const values = computeMetrics({
      output,
      predictions: Float64Array.from(predictions),
      labels,
      rows,
      ...(weights === undefined ? {} : { weights: Float64Array.from(weights) }),
      metrics: [specOf(name)],
    });
    const got = Object.values(values)[0]!;
    // scikit-learn normalizes rows of probabilities that sum to 1 ± 2^-24.
    const tolerance = name.startsWith('logLoss') || name.startsWith('brier') || name.startsWith('rocAuc') ? 1e-7 : 1e-12;
    expect(Math.abs(got - want[name]!)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(want[name]!)));
  });
});
