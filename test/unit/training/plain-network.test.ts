import { expect, it } from 'vitest';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { Prng } from '../../../src/core/prng.ts';
import { GraphPredictor } from '../../../src/training/graph/graph-predictor.ts';
import type { LayerConfig } from '../../../src/training/model/model-config.ts';
import { Network } from '../../../src/training/model/network.ts';
import { plainNetwork } from '../../../src/training/model/plain-network.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';

const LEFT: TensorSpec = { name: 'left', shape: [5], dtype: 'float32' };
const RIGHT: TensorSpec = { name: 'right', shape: [2, 3], dtype: 'float32' };
const ROWS = 70;

const LAYERS: readonly LayerConfig[] = [
  { type: 'flatten', name: 'flat', inputs: ['right'] },
  { type: 'concatenate', name: 'both', inputs: ['left', 'flat'] },
  { type: 'dense', units: 7, activation: 'selu' },
  { type: 'batchNormalization' },
  { type: 'dropout', rate: 0.5 },
  { type: 'dense', units: 3, activation: 'softmax' },
];

function drawn(specs: readonly TensorSpec[], rows: number, random: Prng) {
  return Object.fromEntries(
    specs.map((spec) => [
      spec.name,
      { spec, rows, data: Float32Array.from({ length: rows * spec.shape.reduce((a, b) => a * b, 1) }, () => random.normal()) },
    ]),
  );
}

it('answers as the graph does, and each example whatever stands beside it', () => {
  const network = new Network(buildTopology(LAYERS, [LEFT, RIGHT]));
  const random = new Prng('plain');
  const weights = new Map([...network.initialWeights(1)].map(([name, values]) => [name, values.map(() => Math.abs(random.normal()))]));
  const plain = plainNetwork(network.topology, weights)!;
  const batch = drawn([LEFT, RIGHT], ROWS, random);
  const answers = plain(batch, ROWS);
  const graph = new GraphPredictor(loadTf(), network, weights);
  graph.predict(batch, ROWS, 3).forEach((value, at) => expect(answers[at]).toBeCloseTo(value, 5));
  graph.dispose();
  for (let row = 0; row < ROWS; row += 1) {
    const alone = Object.fromEntries(
      Object.entries(batch).map(([name, { spec, data }]) => {
        const width = data.length / ROWS;
        return [name, { spec, rows: 1, data: data.slice(row * width, (row + 1) * width) }];
      }),
    );
    expect([...plain(alone, 1)]).toEqual([...answers.subarray(row * 3, (row + 1) * 3)]);
  }
});

it('leaves what is large, masked, or of other layers to the library', () => {
  const of = (layers: readonly LayerConfig[], inputs: readonly TensorSpec[]): unknown => {
    const network = new Network(buildTopology(layers, inputs));
    return plainNetwork(network.topology, network.initialWeights(1));
  };
  expect(of([{ type: 'dense', units: 2 }], [LEFT])).toBeDefined();
  expect(of([{ type: 'dense', units: 4_000 }], [LEFT])).toBeUndefined();
  expect(of([{ type: 'gru', units: 2 }], [RIGHT])).toBeUndefined();
  expect(of([{ type: 'embedding', outputDim: 2 }, { type: 'flatten' }], [{ ...LEFT, dtype: 'int32', vocabularySize: 9 }])).toBeUndefined();
});
