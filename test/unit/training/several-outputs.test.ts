import { expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import { joinAnswers } from '../../../src/training/model/heads.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { LabelledBatch } from '../../../src/training/objectives/objective.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import type { ModelRequest } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import type { TrainingEngine } from '../../../src/training/trainer/engine.ts';

const tf = loadTf();
const INPUT: TensorSpec = { name: 'features', shape: [4], dtype: 'float32' };
const KIND = { kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] } as const;
const SEX = { kind: 'classes', name: 'sex', classes: ['f', 'm'] } as const;
const MASS = { kind: 'number', name: 'mass', width: 1, scale: { mean: 100, std: 10 } } as const;
const OUTPUT: OutputSpec = { kind: 'several', name: 'kind, sex, mass', outputs: [KIND, SEX, MASS] };
const REQUEST: ModelRequest = {
  model: { architecture: 'mlp', units: [6] },
  inputs: [INPUT],
  output: OUTPUT,
  losses: { sex: 'binaryCrossentropy', mass: 'huber' },
  lossWeights: { mass: 0.25 },
};

function batchOf(rows: number, seed: number): LabelledBatch {
  const prng = new Prng('several', seed);
  return {
    rows,
    inputs: { features: { spec: INPUT, rows, data: Float32Array.from({ length: rows * 4 }, () => prng.normal()) } },
    labels: {
      '@label:kind': Int32Array.from({ length: rows }, () => prng.below(3)),
      '@label:sex': Float32Array.from({ length: rows }, () => prng.below(2)),
      '@label:mass': Float32Array.from({ length: rows }, () => prng.normal()),
    },
  };
}

test('both engines learn several outputs alike: the loss is the weighted sum of what each output reports', () => {
  const resolved = resolveModel(REQUEST);
  const request = { objective: resolved.objective.create(resolved, {}), optimizer: resolveNamed(optimizerRegistry, 'adam'), seed: 1 };
  const engines: TrainingEngine[] = [
    new EagerEngine(tf, request),
    new GraphEngine(tf, request, { train: [8], evaluate: 8, rowWeights: false }),
  ];
  const [eager, compiled] = engines.map((engine) => {
    const numbers = Array.from({ length: 10 }, (_, step) => Array.from(engine.train([batchOf(8, step)], step, [0.05])[0]!.numbers));
    return { numbers, evaluated: engine.evaluate(batchOf(8, 99)), names: engine.numbers };
  });
  expect(eager!.names).toEqual(['loss', 'kind.loss', 'sex.loss', 'mass.loss']);
  for (const [step, numbers] of eager!.numbers.entries()) {
    const [loss, kind, sex, mass] = numbers as [number, number, number, number];
    expect(loss).toBeCloseTo(kind + sex + 0.25 * mass, 5);
    numbers.forEach((value, index) => expect(Math.abs(value - compiled!.numbers[step]![index]!)).toBeLessThan(1e-5));
  }
  expect(Object.keys(eager!.evaluated.metrics)).toEqual(['kind.accuracy', 'sex.accuracy', 'mass.meanAbsoluteError']);
  expect(compiled!.evaluated.metrics['kind.accuracy']).toBe(eager!.evaluated.metrics['kind.accuracy']);
  expect(compiled!.evaluated.metrics['mass.meanAbsoluteError']).toBeCloseTo(eager!.evaluated.metrics['mass.meanAbsoluteError']!, 3);
  for (const engine of engines) engine.dispose();
});

test('answers hold both probabilities of two classes, and are decoded by label', () => {
  const values = joinAnswers(
    Float32Array.of(0.2, 0.5, 0.3, 0.75, 1.5),
    1,
    [KIND, SEX, MASS],
    [
      { loss: 'categoricalCrossentropy', width: 3 },
      { loss: 'binaryCrossentropy', width: 1 },
      { loss: 'huber', width: 1 },
    ],
  );
  expect(values).toEqual(Float32Array.of(0.2, 0.5, 0.3, 0.25, 0.75, 1.5));
  expect(decode(OUTPUT, values, 1)).toMatchObject([
    { outputs: { kind: { label: 'b' }, sex: { label: 'm', probabilities: { f: 0.25, m: 0.75 } }, mass: { value: 115 } } },
  ]);
});

const LAYERS = [
  { type: 'dense', name: 'shared', units: 5 },
  { type: 'dense', name: 'k', units: 3, activation: 'softmax', inputs: ['shared'] },
  { type: 'dense', name: 's', units: 2, activation: 'softmax', inputs: ['shared'] },
  { type: 'dense', name: 'm', units: 1, inputs: ['shared'] },
];

test('explicit layers say which of them gives which label', () => {
  const { topology } = resolveModel({ ...REQUEST, losses: {}, model: { layers: LAYERS, outputs: { kind: 'k', sex: 's', mass: 'm' } } });
  expect(topology.heads).toEqual(['k', 's', 'm']);
  expect(topology.output).toBe('outputs');
});

test.each([
  ['a loss that names no label', { loss: 'huber' }, /"loss" does not say which of the labels/],
  ['a loss of no label', { losses: { weight: 'huber' } }, /"losses" names "weight", and the labels are "kind", "sex", "mass"/],
  ['a loss that does not fit its label', { losses: { kind: 'huber' } }, /loss huber is for numbers, but the label "kind"/],
  ['layers without outputs', { model: { layers: LAYERS } }, /does not say which layer gives "kind"/],
  [
    'an output of a layer that is not there',
    { losses: {}, model: { layers: LAYERS, outputs: { kind: 'k', sex: 's', mass: 'q' } } },
    /gives "mass" to the layer "q", and no layer/,
  ],
  [
    'a layer of the wrong width',
    { losses: {}, model: { layers: LAYERS, outputs: { kind: 'm', sex: 's', mass: 'k' } } },
    /"m" gives \[1\], but the 3 classes of "kind"/,
  ],
  ['losses for one label', { output: MASS }, /"losses" is for several labels, but there is only "mass"/],
])('%s is refused', (_title, change, message) => {
  expect(() => resolveModel({ ...REQUEST, ...change })).toThrow(message);
});

test('labels may be called what every object has', () => {
  const named = { ...OUTPUT, outputs: [KIND, { ...SEX, name: 'constructor' }, { ...MASS, name: '__proto__' }] } as OutputSpec;
  const { losses: _losses, lossWeights: _weights, ...rest } = REQUEST;
  const heads = resolveModel({ ...rest, output: named }).objective;
  expect(heads).toBeDefined();
});
