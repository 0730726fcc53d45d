import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import { checkTrainConfig } from '../../../src/training/step/check-config.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import { Tracer } from '../../../src/training/graph/tracer.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { LabelledBatch } from '../../../src/training/objectives/objective.ts';
import { layerRegistry } from '../../../src/training/layers/index.generated.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { describeModel, resolveModel } from '../../../src/training/model/resolve-model.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import type { EngineRequest } from '../../../src/training/trainer/update-rule.ts';

const tf = loadTf();
const TOKENS: TensorSpec = { name: 'text', shape: [6], dtype: 'int32', vocabularySize: 11 };
const WINDOW: TensorSpec = { name: 'window', shape: [6, 3], dtype: 'float32' };
const IMAGE: TensorSpec = { name: 'image', shape: [8, 9, 1], dtype: 'float32' };
const NUMBERS: TensorSpec = { name: 'numbers', shape: [2], dtype: 'float32' };
const TWO: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b'] };
const NUMBER: OutputSpec = { kind: 'number', name: 'y', width: 1 };
const ROWS = 8;
const SMALL = { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 };

function requestOf(model: ModelConfig, inputs: readonly TensorSpec[], output: OutputSpec): EngineRequest {
  const resolved = resolveModel({ model, inputs, output });
  return {
    objective: resolved.objective.create(resolved, {}),
    optimizer: resolveNamed(optimizerRegistry, { sgd: { learningRate: 0.05 } }),
    seed: 3,
  };
}

function batchesOf(inputs: readonly TensorSpec[], output: OutputSpec, count: number): LabelledBatch[] {
  const prng = new Prng('rows');
  return Array.from({ length: count }, () => ({
    rows: ROWS,
    inputs: Object.fromEntries(
      inputs.map((spec) => {
        const length = ROWS * product(spec.shape);
        // Token 0 is padding, at the end of a text.
        const data =
          spec.vocabularySize === undefined
            ? Float32Array.from({ length }, () => prng.normal())
            : Int32Array.from({ length }, (_, at) =>
                at % spec.shape[0]! > 1 + (Math.floor(at / spec.shape[0]!) % spec.shape[0]!) ? 0 : 1 + prng.below(spec.vocabularySize! - 1),
              );
        return [spec.name, { spec, rows: ROWS, data }];
      }),
    ),
    labels: {
      '@label':
        output.kind === 'number'
          ? Float32Array.from({ length: ROWS }, () => prng.normal())
          : Int32Array.from({ length: ROWS }, () => prng.below(2)),
    },
  }));
}

/** Losses of three steps by both engines. */
function expectAgreement(model: ModelConfig, inputs: readonly TensorSpec[], output: OutputSpec): void {
  const request = requestOf(model, inputs, output);
  const batches = batchesOf(inputs, output, 3);
  const rates = batches.map(() => 0.05);
  const eager = new EagerEngine(tf, request);
  const graph = new GraphEngine(tf, request, { train: [ROWS], evaluate: ROWS, rowWeights: false });
  const expected = batches.map((batch, step) => eager.train([batch], step, [0.05])[0]!.loss);
  const actual = graph.train(batches, 0, rates).map(({ loss }) => loss);
  expected.forEach((loss, step) => {
    expect(Math.abs(actual[step]! - loss), `step ${step}`).toBeLessThan(1e-4 * Math.max(1, Math.abs(loss)));
  });
  expect(Math.abs(eager.evaluate(batches[0]!).loss - graph.evaluate(batches[0]!).loss)).toBeLessThan(
    1e-3 * Math.max(1, Math.abs(expected[0]!)),
  );
  expect(expected.at(-1)).not.toBe(expected[0]);
  eager.dispose();
  graph.dispose();
}

describe('both engines agree on', () => {
  test.each<[string, Record<string, unknown>, readonly TensorSpec[], OutputSpec]>([
    ['an encoder of padded texts', { dropout: 0.1, attentionDropout: 0.1 }, [TOKENS], TWO],
    [
      'an encoder with normalization last, sines and a class token',
      { norm: 'last', positions: 'sinusoidal', pooling: 'classToken' },
      [TOKENS],
      TWO,
    ],
    ['a causal forecaster of windows', { causal: true, pooling: 'last', positions: 'none' }, [WINDOW], NUMBER],
    ['an encoder with other inputs and a dense head', { pooling: 'max', units: [4] }, [TOKENS, NUMBERS], TWO],
  ])('%s', (_title, settings, inputs, output) => expectAgreement({ ...SMALL, ...settings }, inputs, output));

  test.each<[string, ModelConfig, readonly TensorSpec[], OutputSpec]>([
    ['residual convolutions', { architecture: 'cnn', variant: 'residual', filters: [2, 2, 4], units: [] }, [IMAGE], TWO],
    [
      'separable convolutions',
      { architecture: 'cnn', variant: 'separable', filters: [2, 4], units: [4], batchNormalization: false },
      [IMAGE],
      TWO,
    ],
    [
      'a bidirectional GRU over many steps',
      { architecture: 'rnn', cell: 'gru', bidirectional: true, recurrentUnits: [3, 2], recurrentDropout: 0.2, dropout: 0.1 },
      [{ ...TOKENS, shape: [70] }],
      TWO,
    ],
    [
      'an LSTM over many steps with dropout of its state',
      { architecture: 'rnn', recurrentUnits: [3], recurrentDropout: 0.2 },
      [{ ...WINDOW, shape: [70, 2] }],
      NUMBER,
    ],
    [
      'a plain recurrent network over many steps',
      { architecture: 'rnn', cell: 'simpleRnn', recurrentUnits: [3], pooling: 'max' },
      [{ ...WINDOW, shape: [70, 2] }],
      NUMBER,
    ],
    [
      'a bidirectional LSTM of padded texts',
      { architecture: 'rnn', bidirectional: true, recurrentUnits: [3, 3], pooling: 'max' },
      [TOKENS],
      TWO,
    ],
  ])('%s', (_title, model, inputs, output) => expectAgreement(model, inputs, output));
});

test.each<[string, ModelConfig]>([
  ['a transformer', { ...SMALL, dropout: 0.2, attentionDropout: 0.2 }],
  ['a GRU in a loop', { architecture: 'rnn', cell: 'gru', recurrentUnits: [3], dropout: 0.2, recurrentDropout: 0.2 }],
])('%s goes on from a saved state to the same weights, bit for bit', (_title, model) => {
  const input = { ...TOKENS, shape: [66] };
  const request = requestOf(model, [input], TWO);
  const engine = (): GraphEngine => new GraphEngine(tf, request, { train: [ROWS], evaluate: undefined, rowWeights: false });
  const batches = batchesOf([input], TWO, 6);
  const whole = engine();
  whole.train(
    batches,
    0,
    batches.map(() => 0.05),
  );
  const first = engine();
  first.train(batches.slice(0, 2), 0, [0.05, 0.05]);
  const second = engine();
  second.restore(first.state());
  second.train(
    batches.slice(2),
    2,
    batches.slice(2).map(() => 0.05),
  );
  expect(second.state()).toEqual(whole.state());
  for (const each of [whole, first, second]) each.dispose();
});

describe('transformer', () => {
  test('steps of a causal model do not see later ones, and padding changes nothing', () => {
    const layer = layerRegistry.get('multiHeadAttention');
    const config = { numHeads: 2, keyDim: 3, useBias: true, causal: true, dropout: 0, kernelInitializer: 'glorotUniform' };
    const weights = Object.fromEntries(
      layer.weights([[4, 5]], config).map(({ name, shape }, index) => [name, tf.randomNormal([...shape], 0, 1, 'float32', index)]),
    );
    const call = (x: Tensor, causal: boolean, mask?: number[]): number[][] => {
      const context = {
        training: false,
        masks: [mask === undefined ? undefined : tf.tensor2d([mask])],
        seed: [1, 2] as const,
        update() {},
        addLoss() {},
      };
      return (layer.call(tf, [x], weights, { ...config, causal }, context).arraySync() as number[][][])[0]!;
    };
    const x = tf.randomNormal([1, 4, 5], 0, 1, 'float32', 9);
    const changed = tf.concat([tf.slice(x, [0, 0, 0], [1, 3, 5]), tf.ones([1, 1, 5])], 1);
    expect(call(changed, true).slice(0, 3)).toEqual(call(x, true).slice(0, 3));
    expect(call(changed, false).slice(0, 3)).not.toEqual(call(x, false).slice(0, 3));
    expect(call(changed, false, [1, 1, 1, 0]).slice(0, 3)).toEqual(call(x, false, [1, 1, 1, 0]).slice(0, 3));
  });

  test('heads that do not divide the model size are refused before anything is computed', () => {
    const model = { ...SMALL, heads: 3, modelSize: 64 };
    expect(() => describeModel({ model, inputs: [TOKENS], output: TWO })).toThrow(/3 heads do not divide the model size of 64/);
    const [problem] = checkTrainConfig(completeTrainConfig({ model }));
    expect(problem).toMatchObject({ pointer: '/model/heads', fix: 'Use 2 heads, or a model size of 66.' });
  });

  test('a causal model is not read where it has seen nothing', () => {
    expect(() => describeModel({ model: { ...SMALL, causal: true, pooling: 'classToken' }, inputs: [TOKENS], output: TWO })).toThrow(
      /sees no other step/,
    );
  });

  test('tables are refused with the architecture that suits them', () => {
    expect(() => describeModel({ model: SMALL, inputs: [NUMBERS], output: TWO })).toThrow(/sequences/);
  });
});

describe('cnn', () => {
  test('residual blocks get smaller where the channels change, and bring their shortcut along', () => {
    const { layers } = describeModel({
      model: { architecture: 'cnn', variant: 'residual', filters: [4, 4, 8], units: [] },
      inputs: [IMAGE],
      output: TWO,
    });
    const shapeOf = (name: string): readonly number[] => layers.find((layer) => layer.name === name)!.outputShape;
    expect([shapeOf('sum_1'), shapeOf('sum_2'), shapeOf('sum_3'), shapeOf('flat')]).toEqual([[8, 9, 4], [8, 9, 4], [4, 5, 8], [8]]);
    expect(layers.filter(({ name }) => name.includes('shortcut')).map(({ name }) => name)).toEqual(['conv_3_shortcut', 'norm_3_shortcut']);
  });

  test('the plain variant is what it was', () => {
    const { layers } = describeModel({ model: { architecture: 'cnn', filters: [2], units: [3] }, inputs: [IMAGE], output: TWO });
    expect(layers.map(({ name }) => name)).toEqual(['conv_1_1', 'pool_1', 'flat', 'dense_1', 'dense_dropout_1', 'output']);
  });

  test('shortcuts can be left out of the separable variant alone', () => {
    const shortcuts = (variant: string): string[] =>
      checkTrainConfig(completeTrainConfig({ model: { architecture: 'cnn', variant, shortcuts: false } })).map(({ message }) => message);
    expect(shortcuts('separable')).toEqual([]);
    expect(shortcuts('residual')).toEqual(['The variant residual always has shortcuts.']);
  });
});

describe('sequence pooling', () => {
  const x = tf.tensor3d([
    [
      [1, 9],
      [2, 8],
      [3, 7],
    ],
  ]);
  const pooled = (pooling: string, mask?: number[]): number[] => {
    const layer = layerRegistry.get('sequencePooling');
    return [
      ...layer
        .call(
          tf,
          [x],
          {},
          { pooling },
          { training: false, masks: [mask === undefined ? undefined : tf.tensor2d([mask])], seed: [1, 2], update() {}, addLoss() {} },
        )
        .dataSync(),
    ];
  };

  test.each([
    ['average', [2, 8], [1.5, 8.5]],
    ['max', [3, 9], [2, 9]],
    ['first', [1, 9], [1, 9]],
    ['last', [3, 7], [2, 8]],
  ])('%s', (pooling, whole, masked) => {
    expect(pooled(pooling)).toEqual(whole);
    expect(pooled(pooling, [1, 1, 0])).toEqual(masked);
    if (pooling !== 'first') expect(pooled(pooling, [0, 0, 0]).map(Math.abs)).toEqual([0, 0]);
  });
});

describe('the tracer', () => {
  test('records an operation on the same values once, and no reshape back and forth', () => {
    const tracer = new Tracer(tf, 't_');
    const x = tf.zeros([2, 6]);
    tracer.placeholder(x, 'x');
    tracer.trace(() => {
      const there = tf.reshape(x, [3, 4]);
      return tracer.symbolOf(tf.add(tf.square(tf.reshape(there, [2, 6])), tf.square(x)));
    });
    const count = (op: string): number => tracer.nodes.filter((node) => node.op === op).length;
    expect([count('Square'), tracer.nodes.find(({ op }) => op === 'Square')!.inputs]).toEqual([1, ['t_x']]);
  });

  test('makes a large range in the graph', () => {
    const tracer = new Tracer(tf, 't_');
    const x = tf.zeros([10_000]);
    tracer.placeholder(x, 'x');
    tracer.trace(() => tracer.symbolOf(tf.add(x, tf.range(0, 10_000))));
    expect(tracer.nodes.map(({ op }) => op)).toContain('Range');
  });
});

test.each(['lstm', 'gru', 'simpleRnn'])('%s over 300 steps is a small graph, whatever the padding', (cell) => {
  const sequence: TensorSpec = { name: 'text', shape: [300], dtype: 'int32', vocabularySize: 11 };
  const started = process.cpuUsage();
  const graph = new GraphEngine(tf, requestOf({ architecture: 'rnn', cell, recurrentUnits: [4], bidirectional: true }, [sequence], TWO), {
    train: [ROWS],
    evaluate: undefined,
    rowWeights: false,
  });
  graph.train(batchesOf([sequence], TWO, 1), 0, [0.05]);
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1e6).toBeLessThan(2);
  graph.dispose();
});
