import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { Named } from '../../../src/training/model/named.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { createEngine } from '../../../src/training/trainer/create-engine.ts';
import type { EmaConfig } from '../../../src/training/trainer/update-rule.ts';

interface Golden {
  readonly momenta: number[];
  readonly start: number[][];
  readonly batches: { readonly x: number[]; readonly y: number[] }[];
  readonly cases: {
    readonly optimizer: Record<string, { learningRate: number }>;
    readonly ema?: EmaConfig;
    readonly cycles?: true;
    readonly weights: number[][];
    readonly averages?: number[][];
  }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'fit.json'), 'utf8')) as Golden;
const ROWS = 8;
const spec = { name: 'x', shape: [5], dtype: 'float32' } as const;
const resolved = resolveModel({
  model: {
    layers: [
      { type: 'dense', units: 4, activation: 'tanh' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ],
  },
  inputs: [spec],
  output: { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] },
  loss: 'categoricalCrossentropy',
});

function expectClose(actual: Iterable<Float32Array>, expected: readonly number[]): void {
  const values = [...actual].flatMap((each) => [...each]);
  expect(values.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs(values[index]! - value), `at ${index}: ${values[index]} for ${value}`).toBeLessThanOrEqual(
      1e-6 + 1e-5 * Math.abs(value),
    );
}

const CASES = golden.cases.flatMap((each) =>
  (['eager', 'compiled'] as const).map((engine) => [engine, JSON.stringify([each.optimizer, each.ema ?? 'cycles']), each] as const),
);

test.each(CASES)(
  'averages of weights, and momenta that change, are those of Keras 3: %s %s',
  (choice, _title, { optimizer, ema, cycles, weights, averages }) => {
    const objective = resolved.objective.create(resolved, {});
    const { engine } = createEngine(
      loadTf(),
      {
        objective,
        optimizer: resolveNamed(optimizerRegistry, optimizer as Named),
        seed: 1,
        ...(ema === undefined ? {} : { ema }),
        ...(cycles === undefined ? {} : { cyclesMomentum: true }),
      },
      { train: [ROWS], evaluate: undefined, rowWeights: false },
      choice,
    );
    try {
      const names = [...engine.weights().keys()];
      engine.setWeights(new Map(names.map((name, index) => [name, Float32Array.from(golden.start[index]!)])));
      const rate = Object.values(optimizer)[0]!.learningRate;
      for (const [step, { x, y }] of golden.batches.entries()) {
        const batch = {
          inputs: { x: { spec, rows: ROWS, data: Float32Array.from(x) } },
          labels: { '@label': Int32Array.from(y) },
          rows: ROWS,
        };
        engine.train([batch], step, [rate], cycles === undefined ? undefined : [golden.momenta[step]!]);
        const state = engine.state();
        expectClose(
          names.map((name) => state.get(`weights/${name}`)!),
          weights[step]!,
        );
        if (averages !== undefined) expectClose(engine.weights().values(), averages[step]!);
      }
    } finally {
      engine.dispose();
    }
  },
);
