import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Prng } from '../../src/core/prng.ts';
import { initialize } from '../../src/training/layers/initializers.ts';
import { layerRegistry } from '../../src/training/layers/index.generated.ts';
import type { LayerDefinition, LayerExample, PlainCall } from '../../src/training/layers/layer.ts';
import { withDefaults } from '../../src/training/model/named.ts';
import { loadTf } from '../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../src/training/tensorflow/tf.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

const tf = loadTf();
const ROWS = 5;

interface Placed {
  readonly inputs: readonly Tensor[];
  /** As a served model calls it. */
  serve(inputs: readonly Tensor[]): Tensor;
  /** Without the library; undefined: it takes that. */
  readonly plain: PlainCall | undefined;
}

const completed = (layer: LayerDefinition, example: LayerExample<unknown>): Record<string, unknown> =>
  withDefaults(layer.configSchema, example.config as Record<string, unknown>);

function place(layer: LayerDefinition, example: LayerExample<unknown>): Placed {
  const config = completed(layer, example);
  const prng = new Prng(layer.type);
  const inputs = example.inputs.map((shape): Tensor => {
    const size = ROWS * shape.reduce((product, axis) => product * axis, 1);
    return example.integersBelow === undefined
      ? tf.tensor(
          Float32Array.from({ length: size }, () => prng.normal()),
          [ROWS, ...shape],
        )
      : tf.tensor(
          Int32Array.from({ length: size }, () => prng.below(example.integersBelow!)),
          [ROWS, ...shape],
          'int32',
        );
  });
  const weights = Object.fromEntries(
    layer
      .weights(example.inputs, config)
      .map((spec) => [spec.name, tf.tensor(initialize(spec.initializer, spec.shape, prng), [...spec.shape])]),
  );
  const numbers = Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]));
  return {
    inputs,
    plain: layer.plain?.(example.inputs, numbers, config),
    serve: (given) =>
      layer.call(tf, given, weights, config, {
        training: false,
        masks: given.map(() => undefined),
        seed: [7, 0],
        update() {},
        addLoss() {},
      }),
  };
}

const rowsOf = (tensor: Tensor, rows: readonly number[]): Tensor => tf.gather(tensor, tf.tensor1d([...rows], 'int32'));

const laws = {
  'has a closed, described schema that its examples fit': (layer: LayerDefinition) => {
    expect(looseParts(layer.configSchema)).toEqual([]);
    const valid = validator(layer.configSchema);
    expect(layer.examples.length).toBeGreaterThan(0);
    for (const { config } of layer.examples) expect(valid(config), JSON.stringify(config)).toBe(true);
    expect(valid({ misspelt: 1 })).toBe(false);
  },
  'gives the shape that it says': (layer: LayerDefinition) => {
    for (const example of layer.examples)
      tf.tidy(() => {
        const { inputs, serve } = place(layer, example);
        expect(serve(inputs).shape).toEqual([ROWS, ...layer.outputShape(example.inputs, completed(layer, example))]);
      });
  },
  'does not mix rows where it serves, whatever their order and number': (layer: LayerDefinition) => {
    for (const example of layer.examples)
      tf.tidy(() => {
        const { inputs, serve } = place(layer, example);
        const all = serve(inputs);
        for (const rows of [[0], [3, 1], [2, 2, 0, 1, 3]]) {
          const [alone, among] = [serve(inputs.map((input) => rowsOf(input, rows))), rowsOf(all, rows)].map((tensor) => [
            ...tensor.dataSync(),
          ]);
          alone!.forEach((value, at) => expect(value).toBeCloseTo(among![at]!, 4));
        }
      });
  },
  'answers the same twice where it serves: nothing is drawn': (layer: LayerDefinition) => {
    for (const example of layer.examples)
      tf.tidy(() => {
        const { inputs, serve } = place(layer, example);
        expect([...serve(inputs).dataSync()]).toEqual([...serve(inputs).dataSync()]);
      });
  },
  'computes the same without the library, where it can': (layer: LayerDefinition) => {
    let computed = 0;
    for (const example of layer.examples)
      tf.tidy(() => {
        const { inputs, serve, plain } = place(layer, example);
        if (plain === undefined) return;
        computed += 1;
        const expected = serve(inputs).dataSync();
        for (const rows of [1, ROWS]) {
          const output = new Float64Array((expected.length / ROWS) * rows).fill(Number.NaN);
          plain(
            inputs.map((input) => Float64Array.from(input.dataSync().slice(0, (input.size / ROWS) * rows))),
            output,
          );
          for (const [at, value] of output.entries()) expect(value).toBeCloseTo(expected[at]!, 5);
        }
      });
    if (layer.plain !== undefined) expect(computed).toBeGreaterThan(0);
  },
  'has a golden value, or a reason for none': goldenLaw<LayerDefinition>('layer', ({ type }) => type, {
    names: new Set(
      ['layers', 'attention', 'augmentation', 'layer-gradients'].flatMap((name) =>
        (
          JSON.parse(readFileSync(new URL(`../golden/training/${name}.json`, import.meta.url), 'utf8')) as { cases: { type: string }[] }
        ).cases.map(({ type }) => type),
      ),
    ),
    add: 'Let test/golden/training/make_keras.py work one out with Keras.',
    file: 'test/contract/layers.test.ts',
    reasons: {
      gaussianSampling:
        'Keras has no such layer; test/golden/training/vae.json holds whole variational autoencoders made of its operations.',
      lastToken: 'Keras has no such layer; test/golden/training/next_token.json holds language models that end with it.',
      nextTokenScore: 'Keras has no such layer; test/golden/training/next_token.json holds its scores, worked out in NumPy.',
      reconstructionError: 'Keras has no such layer; test/unit/training/reconstruction.test.ts compares it with a mean of squares.',
      spectralNormalization:
        'Keras replaces the kernel where we keep it; test/golden/training/gradient-penalty.json holds what comes of it.',
    },
  }),
};

const dense = layerRegistry.get('dense');
const mutant = (parts: Partial<LayerDefinition>): LayerDefinition => ({ ...dense, ...parts });

describeLaws<LayerDefinition>({
  kind: 'layer',
  definitions: layerRegistry.all(),
  nameOf: ({ type }) => type,
  laws,
  mutants: {
    'has a closed, described schema that its examples fit': [
      mutant({ configSchema: { type: 'object' } }),
      mutant({ examples: [] }),
      mutant({ examples: [{ inputs: [[3]], config: { misspelt: 1 } }] }),
    ],
    'gives the shape that it says': [mutant({ outputShape: () => [17] })],
    'does not mix rows where it serves, whatever their order and number': [
      mutant({
        call: (lib, inputs, weights, config, context) => {
          const output = dense.call(lib, inputs, weights, config, context);
          return lib.sub(output, lib.mean(output, 0, true));
        },
      }),
      mutant({
        call: (lib, inputs, weights, config, context) => lib.mul(dense.call(lib, inputs, weights, config, context), inputs[0]!.shape[0]!),
      }),
    ],
    'computes the same without the library, where it can': [
      mutant({ plain: () => undefined }),
      mutant({ plain: () => (_inputs, output) => output.fill(0.25) }),
    ],
    'answers the same twice where it serves: nothing is drawn': [
      mutant({
        call: (lib, inputs, weights, config, context) => {
          const output = dense.call(lib, inputs, weights, config, context);
          return lib.add(output, lib.randomNormal(output.shape));
        },
      }),
    ],
    'has a golden value, or a reason for none': [mutant({ type: 'new' })],
  },
});
