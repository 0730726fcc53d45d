import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { ACTIVATION_NAMES } from '../../../src/training/layers/activations.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import type { LayerConfig } from '../../../src/training/model/model-config.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import type { LabelledBatch, Objective } from '../../../src/training/objectives/objective.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import { recordingGradients } from './recorded-gradient.ts';

const tf = loadTf();
const ROWS = 3;
const NAMES: Record<number, string> = { 1: 'vectors', 2: 'sequences', 3: 'images', 4: 'volumes' };

interface Critic {
  readonly network: Network;
  readonly objective: Objective;
  readonly batch: LabelledBatch;
}

/** A number for each row through the layers, and a loss that is a penalty on its gradient with regard to the input, as in WGAN-GP. */
function criticOf(shape: readonly number[], layers: readonly LayerConfig[]): Critic {
  const spec: TensorSpec = { name: 'x', shape, dtype: 'float32' };
  const prng = new Prng('second order', NAMES[shape.length]!);
  const resolved = resolveModel({
    model: { layers: [...layers, { type: 'flatten' }, { type: 'dense', units: 1 }] },
    inputs: [spec],
    output: { kind: 'number', name: 'y', width: 1 },
    loss: 'meanSquaredError',
  });
  const supervised = resolved.objective.create(resolved, {});
  const network = new Network(resolved.topology);
  const penalty = (weights: ReadonlyMap<string, Tensor>, inputs: Readonly<Record<string, Tensor>>): Tensor => {
    const answer = (x: Tensor): Tensor =>
      tf.sum(network.forward(tf, { x }, weights, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS }).output);
    const gradient = tf.reshape(tf.grad(answer)(inputs.x!), [ROWS, -1]);
    return tf.mean(tf.square(tf.sub(tf.sqrt(tf.add(tf.sum(tf.square(gradient), 1), 1e-6)), 1)));
  };
  const objective: Objective = Object.create(supervised, {
    parts: {
      value: [
        {
          owns: () => true,
          loss: (_tf: unknown, weights: ReadonlyMap<string, Tensor>, { inputs }: { inputs: Record<string, Tensor> }) => ({
            loss: penalty(weights, inputs),
            reported: {},
            updates: new Map(),
          }),
        },
      ],
    },
  }) as Objective;
  const data = Float32Array.from({ length: ROWS * product(shape) }, () => prng.normal());
  return {
    network,
    objective,
    batch: { rows: ROWS, inputs: { x: { spec, rows: ROWS, data } }, labels: { '@label': new Float32Array(ROWS) } },
  };
}

/** Loss of the weights as they are, moved along a direction. */
function lossAlong(
  { network, objective, batch }: Critic,
  weights: ReadonlyMap<string, Float32Array>,
  direction: ReadonlyMap<string, Float32Array>,
  distance: number,
): number {
  return tf.tidy(() => {
    const moved = new Map(
      network.weights.map(({ fullName, shape }) => [
        fullName,
        tf.tensor(
          weights.get(fullName)!.map((value, index) => value + distance * (direction.get(fullName)?.[index] ?? 0)),
          [...shape],
        ),
      ]),
    );
    const inputs = objective.inputTensors(tf, batch.inputs);
    return objective.parts[0]!.loss(tf, moved, { inputs, labels: {} }, { seed: 0, iteration: 0 }).loss.dataSync()[0]!;
  });
}

const smooth = (name: string): boolean =>
  ![
    'linear',
    'relu',
    'relu6',
    'leakyRelu',
    'hardSigmoid',
    'hardSigmoidV2',
    'sparseSigmoid',
    'hardTanh',
    'softShrink',
    'hardShrink',
    'threshold',
    'sparsemax',
  ].includes(name);

const CASES: readonly (readonly [string, readonly number[], readonly LayerConfig[]])[] = [
  ...ACTIVATION_NAMES.filter((name) => name !== 'threshold').map(
    (activation): readonly [string, readonly number[], readonly LayerConfig[]] => [
      `dense ${activation}`,
      [4],
      [
        { type: 'dense', units: 6, activation },
        { type: 'dense', units: 6, activation: smooth(activation) ? activation : 'tanh' },
      ],
    ],
  ),
  [
    'layerNormalization',
    [4],
    [{ type: 'dense', units: 5 }, { type: 'layerNormalization' }, { type: 'dense', units: 4, activation: 'sigmoid' }],
  ],
  [
    'groupNormalization',
    [4, 6],
    [
      { type: 'groupNormalization', groups: 2 },
      { type: 'dense', units: 3, activation: 'silu' },
    ],
  ],
  ['conv1d', [6, 2], [{ type: 'conv1d', filters: 3, kernelSize: 2, dilationRate: 2, padding: 'causal', activation: 'tanh' }]],
  [
    'conv2d, leakyRelu, maxPooling2d',
    [5, 5, 2],
    [
      { type: 'conv2d', filters: 3, kernelSize: 3, padding: 'same' },
      { type: 'leakyRelu' },
      { type: 'maxPooling2d' },
      { type: 'conv2d', filters: 2, kernelSize: 2, activation: 'tanh' },
    ],
  ],
  [
    'conv2d, relu, averagePooling2d',
    [5, 5, 2],
    [
      { type: 'conv2d', filters: 3, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' },
      { type: 'averagePooling2d' },
      { type: 'dense', units: 3, activation: 'softplus' },
    ],
  ],
  ['conv2dTranspose', [2, 3, 2], [{ type: 'conv2dTranspose', filters: 2, kernelSize: 3, strides: 2, activation: 'tanh' }]],
  [
    'depthwise and separable',
    [4, 4, 2],
    [
      { type: 'depthwiseConv2d', kernelSize: 2, depthMultiplier: 2, activation: 'tanh' },
      { type: 'separableConv2d', filters: 2, kernelSize: 2, activation: 'sigmoid' },
    ],
  ],
  [
    'upSampling2d, globalMaxPooling2d',
    [2, 2, 2],
    [
      { type: 'upSampling2d', interpolation: 'bilinear' },
      { type: 'conv2d', filters: 3, kernelSize: 2, activation: 'gelu' },
      { type: 'globalMaxPooling2d' },
      { type: 'dense', units: 3, activation: 'tanh' },
    ],
  ],
  [
    'conv3d, pooling',
    [3, 4, 3, 1],
    [
      { type: 'conv3d', filters: 2, kernelSize: 2, padding: 'same', activation: 'tanh' },
      { type: 'maxPooling3d', poolSize: [1, 2, 1] },
      { type: 'averagePooling3d', poolSize: [2, 1, 1] },
      { type: 'dense', units: 2, activation: 'sigmoid' },
    ],
  ],
  ['conv3dTranspose', [2, 2, 1, 1], [{ type: 'conv3dTranspose', filters: 2, kernelSize: 2, activation: 'elu' }]],
  ['gru', [4, 3], [{ type: 'gru', units: 3 }]],
  ['spectralNormalization', [4], [{ type: 'spectralNormalization', layer: { type: 'dense', units: 5, activation: 'tanh' } }]],
];

describe('gradients can be differentiated again, in both engines', () => {
  test.each(CASES)('%s', (_title, shape, layers) => {
    const critic = criticOf(shape, layers);
    const request = {
      objective: critic.objective,
      optimizer: recordingGradients(resolveNamed(optimizerRegistry, { sgd: { learningRate: 0.01 } })),
      seed: 4,
    };
    const eager = new EagerEngine(tf, request);
    const graph = new GraphEngine(tf, request, { train: [ROWS], evaluate: undefined, rowWeights: false });
    const before = eager.weights();
    const [[a], [b]] = [eager.train([critic.batch], 0, [0.01]), graph.train([critic.batch], 0, [0.01])];
    expect(b!.loss).toBeCloseTo(a!.loss, 4);
    const gradient = eager.state().get('slots/gradient')!;
    const compiled = graph.state().get('slots/gradient')!;
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(1e-4);
    gradient.forEach((value, index) => expect(Math.abs(value - compiled[index]!)).toBeLessThanOrEqual(1e-5 * Math.max(1, largest)));

    // Along the gradient the loss grows by its squared norm.
    const direction = new Map<string, Float32Array>();
    let offset = 0;
    for (const { fullName, trainable, shape: own } of critic.network.weights) {
      if (!trainable) continue;
      direction.set(fullName, gradient.slice(offset, offset + product(own)));
      offset += product(own);
    }
    const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
    const distance = 3e-4 / norm;
    const slope = (lossAlong(critic, before, direction, distance) - lossAlong(critic, before, direction, -distance)) / (2 * distance);
    expect(Math.abs(slope / (norm * norm) - 1)).toBeLessThan(0.03);
    eager.dispose();
    graph.dispose();
  });
});
