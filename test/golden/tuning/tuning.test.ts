import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { coveringSubset, dominationRanks, hypervolume } from '../../../src/tuning/pareto.ts';
import { coordinatesOf } from '../../../src/tuning/samplers/gp/encode.ts';
import { evidence } from '../../../src/tuning/samplers/gp/evidence.ts';
import { GaussianProcess } from '../../../src/tuning/samplers/gp/process.ts';
import { placeOf } from '../../../src/tuning/samplers/shared/draw.ts';
import { logImprovement } from '../../../src/tuning/samplers/shared/normal.ts';
import { Parzen } from '../../../src/tuning/samplers/tpe/parzen.ts';
import { bracketsOf } from '../../../src/tuning/stoppers/shared/brackets.ts';
import { stopperRegistry } from '../../../src/tuning/stoppers/index.generated.ts';
import type { Dimension, Point, Space } from '../../../src/tuning/space.ts';
import type { TrialRecord } from '../../../src/tuning/trial.ts';

interface Golden {
  readonly fronts: readonly {
    readonly losses: number[][];
    readonly reference: number[];
    readonly volume: number;
    readonly ranks: number[];
    readonly front: number[][];
    readonly size: number;
    readonly subsetVolume: number;
  }[];
  readonly brackets: readonly { readonly epochs: number; readonly minEpochs: number; readonly factor: number; readonly shares: number[] }[];
  readonly logImprovement: readonly (readonly [z: number, value: number])[];
  readonly processes: readonly {
    readonly points: number[][];
    readonly values: number[];
    readonly choices: number[];
    readonly sharpness: number[];
    readonly scale: number;
    readonly noise: number;
    readonly likelihood: number;
    readonly asked: number[][];
    readonly mean: number[];
    readonly variance: number[];
  }[];
  readonly mixtures: readonly { readonly seen: Point[]; readonly asked: Point[]; readonly logDensity: number[] }[];
  readonly studies: readonly {
    readonly stopper: string;
    readonly config: Record<string, number>;
    readonly direction: 'minimize' | 'maximize';
    readonly epochs: number;
    readonly curves: number[][];
    readonly ended: number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('tuning.json', import.meta.url), 'utf8')) as Golden;

describe('several objectives, as Optuna counts them', () => {
  test.each(golden.fronts.map((front) => [front.reference.length, front.losses.length, front] as const))(
    '%i objectives of %i trials',
    (_width, _count, { losses, reference, volume, ranks, front, size, subsetVolume }) => {
      expect(hypervolume(losses, reference)).toBeCloseTo(volume, 10);
      expect(dominationRanks(losses)).toEqual(ranks);
      const subset = coveringSubset(front, reference, size);
      expect(subset).toHaveLength(size);
      const covered = hypervolume(
        subset.map((at) => front[at]!),
        reference,
      );
      expect(covered).toBeCloseTo(subsetVolume, 8);
    },
  );
});

test.each(golden.brackets)('brackets of Hyperband: $epochs epochs from $minEpochs by $factor', ({ epochs, minEpochs, factor, shares }) => {
  expect(bracketsOf(epochs, minEpochs, factor).shares).toEqual(shares);
});

test.each(golden.logImprovement)('logarithm of the expected improvement at %f', (z, value) => {
  const [found, slope] = logImprovement(z);
  expect(Math.abs(found - value)).toBeLessThan(1e-9 * Math.max(1, Math.abs(value)));
  const step = 1e-5 * Math.max(1, Math.abs(z));
  const numeric = (logImprovement(z + step)[0] - logImprovement(z - step)[0]) / (2 * step);
  expect(Math.abs(slope - numeric)).toBeLessThan(1e-5 * Math.max(1, Math.abs(numeric)));
});

describe.each(golden.processes)(
  'a Gaussian process with choices $choices',
  ({ points, values, choices, sharpness, scale, noise, ...wanted }) => {
    const space: Space = Object.fromEntries(
      sharpness.map((_, axis): [string, Dimension] => [
        `x${String(axis)}`,
        choices.includes(axis) ? { kind: 'choice', values: [0, 1, 2] } : { kind: 'float', low: 0, high: 1, scale: 'linear' },
      ]),
    );
    const coordinates = coordinatesOf(space);
    const known = points.map((point) => Float64Array.from(point));
    const logs = Float64Array.from([...sharpness, scale, noise], Math.log);

    test('posterior', () => {
      const process = new GaussianProcess(coordinates, known, Float64Array.from(values), logs);
      for (const [at, point] of wanted.asked.entries()) {
        const { mean, variance } = process.at(Float64Array.from(point));
        expect(mean).toBeCloseTo(wanted.mean[at]!, 9);
        expect(variance).toBeCloseTo(wanted.variance[at]!, 9);
      }
    });

    test('marginal likelihood, and its gradient', () => {
      const likelihood = evidence(coordinates, known, Float64Array.from(values));
      const gradient = new Float64Array(logs.length);
      expect(likelihood(logs, gradient)).toBeCloseTo(wanted.likelihood, 8);
      for (const at of logs.keys()) {
        const [above, below] = [1e-5, -1e-5].map((step) =>
          likelihood(
            logs.map((log, axis) => log + (axis === at ? step : 0)),
            new Float64Array(logs.length),
          ),
        );
        expect(gradient[at]).toBeCloseTo((above! - below!) / 2e-5, 4);
      }
    });

    test('slopes of mean and variance', () => {
      const process = new GaussianProcess(coordinates, known, Float64Array.from(values), logs);
      for (const point of wanted.asked) {
        const [ofMean, ofVariance] = [new Float64Array(point.length), new Float64Array(point.length)];
        process.slopesAt(Float64Array.from(point), ofMean, ofVariance);
        for (const axis of point.keys()) {
          if (choices.includes(axis)) continue;
          const [above, below] = [1e-5, -1e-5].map((step) =>
            process.at(Float64Array.from(point, (place, at) => place + (at === axis ? step : 0))),
          );
          expect(ofMean[axis]).toBeCloseTo((above!.mean - below!.mean) / 2e-5, 5);
          expect(ofVariance[axis]).toBeCloseTo((above!.variance - below!.variance) / 2e-5, 5);
        }
      }
    });
  },
);

test.each(golden.mixtures.map((mixture) => [mixture.seen.length, mixture] as const))(
  'a mixture of Parzen over %i observations',
  (_, mixture) => {
    const space: Space = {
      float: { kind: 'float', low: -2, high: 6, scale: 'linear' },
      log: { kind: 'float', low: 1e-4, high: 1, scale: 'log' },
      integer: { kind: 'integer', low: 1, high: 20, scale: 'linear' },
      step: { kind: 'float', low: 0, high: 1, scale: 'linear', step: 0.0625 },
      choice: { kind: 'choice', values: ['a', 'b', 'c'] },
    };
    const parzen = new Parzen(
      Object.entries(space),
      mixture.seen,
      mixture.seen.map(() => 1),
      { priorWeight: 1 },
    );
    // Ours is a density over places from 0 to 1, Optuna's one over the values of "float" and the logarithms of "log".
    const widths = Math.log(8) + Math.log(Math.log(1e4));
    for (const [at, point] of mixture.asked.entries()) {
      const places = Float64Array.from(Object.entries(space), ([name, dimension]) =>
        dimension.kind === 'choice' ? dimension.values.indexOf(point[name]!) : placeOf(dimension, point[name] as number),
      );
      expect(parzen.logDensity(places)).toBeCloseTo(mixture.logDensity[at]! + widths, 6);
    }
  },
);

test.each(golden.studies)(
  '$stopper $config ends trials when Optuna does, to $direction',
  ({ stopper, config, direction, epochs, curves, ended }) => {
    const { asksAt, stops } = stopperRegistry.get(stopper);
    const trials: TrialRecord[] = [];
    // Optuna does not know how long a trial may be, and compares up to its end.
    const most = stopper === 'asha' ? epochs * 4 : epochs;
    const asked = new Set(asksAt(most, config));
    for (const [number, curve] of curves.entries()) {
      const readings = curve.map((value, at) => ({ epoch: at + 1, value }));
      let last = epochs;
      for (let epoch = 1; epoch < epochs && last === epochs; epoch += 1) {
        const trial: TrialRecord = { number, point: {}, state: 'running', readings: readings.slice(0, epoch) };
        if (asked.has(epoch) && stops({ direction, others: trials, trial, epochs: most, config })) last = epoch;
      }
      trials.push({ number, point: {}, state: last === epochs ? 'completed' : 'stopped', readings: readings.slice(0, last) });
    }
    expect(trials.map(({ readings }) => readings.length)).toEqual(ended);
  },
);
