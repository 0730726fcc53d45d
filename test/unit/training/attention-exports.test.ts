import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import { graphFeeds } from '../../../src/training/exports/shared/graph-files.ts';
import { encodeSavedModel } from '../../../src/training/graph/graph-def.ts';
import { GraphPredictor } from '../../../src/training/graph/graph-predictor.ts';
import { tracePortable } from '../../../src/training/graph/portable-graph.ts';
import { GraphSession } from '../../../src/training/graph/session.ts';
import { toKeras } from '../../../src/training/keras/to-keras.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';

const tf = loadTf();
const TOKENS: TensorSpec = { name: 'text', shape: [6], dtype: 'int32', vocabularySize: 11 };
const LONG: TensorSpec = { ...TOKENS, shape: [70] };
const WINDOW: TensorSpec = { name: 'window', shape: [6, 3], dtype: 'float32' };
const TWO: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b'] };
const ROWS = 5;
const SMALL = { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 };

function networkOf(model: ModelConfig, input: TensorSpec): { network: Network; weights: Map<string, Float32Array> } {
  const network = new Network(resolveModel({ model, inputs: [input], output: TWO }).topology);
  return { network, weights: network.initialWeights(1) };
}

function batchOf(spec: TensorSpec): TensorBatch {
  const prng = new Prng('rows');
  const length = ROWS * product(spec.shape);
  const data =
    spec.vocabularySize === undefined
      ? Float32Array.from({ length }, () => prng.normal())
      : Int32Array.from({ length }, () => Math.max(0, prng.below(16) - 5));
  return { [spec.name]: { spec, rows: ROWS, data } };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++) expect(Math.abs(actual[index]! - expected[index]!)).toBeLessThan(1e-5);
}

describe('what is served and what is exported agree with what was trained', () => {
  test.each<[string, ModelConfig, TensorSpec]>([
    ['an encoder', SMALL, TOKENS],
    ['normalization last, sines and a class token', { ...SMALL, norm: 'last', positions: 'sinusoidal', pooling: 'classToken' }, TOKENS],
    ['the largest values of padded steps', { ...SMALL, pooling: 'max' }, TOKENS],
    ['a causal model', { ...SMALL, causal: true, pooling: 'last' }, WINDOW],
    ['the last step of a padded sequence', { ...SMALL, causal: true, pooling: 'last' }, TOKENS],
    ['an LSTM over padded steps', { architecture: 'rnn', recurrentUnits: [4, 3], bidirectional: true, pooling: 'average' }, TOKENS],
    ['a GRU over many steps', { architecture: 'rnn', cell: 'gru', recurrentUnits: [3] }, LONG],
  ])('%s', (_title, model, input) => {
    const { network, weights } = networkOf(model, input);
    const batch = batchOf(input);
    const expected = tf.tidy(() =>
      network
        .forward(
          tf,
          network.inputTensors(tf, batch),
          new Map(network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(weights.get(fullName)!, [...shape])])),
          { training: false, seed: 0, iteration: 0, logits: NO_LOGITS },
        )
        .output.dataSync(),
    );
    const predictor = new GraphPredictor(tf, network, weights);
    expectClose(predictor.predict(batch, ROWS, 2), expected);
    predictor.dispose();
    const graph = tracePortable(tf, network, weights, (output) => ({ probabilities: output }));
    expect(graph.nodes.filter(({ op }) => op === 'While' || op.startsWith('BlockLSTM'))).toEqual([]);
    const session = new GraphSession(tf, encodeSavedModel(graph.nodes, [], { serving_default: graph.signature }));
    const [values] = session.run(graphFeeds(network, batch, ROWS), [graph.signature.outputs.probabilities!.tensor]);
    expectClose(values as Float32Array, expected);
    session.dispose();
  });

  test('Keras has the attention, and is told by name that it has no pooling of padded steps', () => {
    const layers = [
      { type: 'embedding', outputDim: 4 },
      { type: 'multiHeadAttention', name: 'seen', numHeads: 2, keyDim: 3, causal: true },
      { type: 'layerNormalization' },
      { type: 'globalAveragePooling1d' },
      { type: 'dense', units: 2, activation: 'softmax' },
    ];
    const { layers: written } = toKeras(networkOf({ layers }, TOKENS).network.topology, 'model');
    expect(written.find(({ name }) => name === 'seen')!.weights.map(({ path }) => path)).toEqual([
      'query/kernel',
      'query/bias',
      'key/kernel',
      'key/bias',
      'value/kernel',
      'value/bias',
      'attention_output/kernel',
      'attention_output/bias',
    ]);
    expect(() => toKeras(networkOf(SMALL, TOKENS).network.topology, 'model')).toThrow(/has no counterpart/);
  });
});
