import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import { checkTrainConfig } from '../../../src/training/step/check-config.ts';
import { describeResolved, resolveModel } from '../../../src/training/model/resolve-model.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import type { BaseNetwork } from '../../../src/training/transfer/base.ts';
import { checkPreprocessing } from '../../../src/training/transfer/check-preprocessing.ts';
import { matchNames } from '../../../src/training/transfer/patterns.ts';
import type { TransferConfig } from '../../../src/training/transfer/transfer-config.ts';
import { asJson } from './fixtures.ts';

const image: TensorSpec = { name: 'image', shape: [8, 8, 1], dtype: 'float32' };
const digits = (...classes: string[]): OutputSpec => ({ kind: 'classes', name: 'label', classes });
const LOW = digits('0', '1', '2');

const base: BaseNetwork = {
  origin: { model: 'digits', version: 3, digest: 'd'.repeat(64) },
  output: LOW,
  preprocessor: { columns: [] },
  topology: buildTopology(
    [
      { type: 'conv2d', name: 'conv_1', filters: 4, kernelSize: 3 },
      { type: 'batchNormalization', name: 'norm_1' },
      { type: 'conv2d', name: 'conv_2', filters: 6, kernelSize: 3 },
      { type: 'globalAveragePooling2d', name: 'pool' },
      { type: 'dense', name: 'dense_1', units: 5, activation: 'relu' },
      { type: 'dropout', name: 'drop', rate: 0.2 },
      { type: 'dense', name: 'output', units: 3, activation: 'softmax' },
    ],
    [image],
  ),
};

const resolve = (
  model: Omit<TransferConfig, 'from'>,
  { output = LOW, inputs = [image], from = base }: { output?: OutputSpec; inputs?: readonly TensorSpec[]; from?: BaseNetwork } = {},
) => resolveModel({ model: { from: { model: 'digits' }, ...model }, base: from, inputs, output });
const names = (model: Omit<TransferConfig, 'from'>, options: Parameters<typeof resolve>[1] = {}) =>
  resolve(model, options).topology.layers.map(({ name }) => name);
const attempt =
  (model: Omit<TransferConfig, 'from'>, options: Parameters<typeof resolve>[1] = {}) =>
  () =>
    resolve(model, options);

describe('the network', () => {
  test('keeps every layer, and all of them are trained', () => {
    const { topology, transfer } = resolve({});
    expect(topology).toEqual(base.topology);
    expect([...transfer!.kept]).toEqual(base.topology.layers.map(({ name }) => name));
    expect(transfer!.groups(10)).toEqual([]);
  });

  test('gets a new head in place of its last dense layer, as wide as the new label', () => {
    const { topology, transfer } = resolve({ head: 'replace' }, { output: digits('a', 'b', 'c', 'd') });
    expect(topology.layers.map(({ name }) => name)).toEqual(['conv_1', 'norm_1', 'conv_2', 'pool', 'dense_1', 'drop', 'output']);
    expect(topology.layers.at(-1)).toMatchObject({ type: 'dense', config: { units: 4, activation: 'softmax' }, inputs: ['drop'] });
    // Of the same name as before, and yet not the same.
    expect(transfer!.kept.has('output')).toBe(false);
  });

  test('is cut where the document says, and gets the layers that it names', () => {
    const head = {
      layers: [
        { type: 'dense', units: 7, activation: 'relu' },
        { type: 'dense', name: 'answer', units: 2, activation: 'softmax' },
      ],
    };
    expect(names({ head, until: 'pool' }, { output: digits('a', 'b') })).toEqual([
      'conv_1',
      'norm_1',
      'conv_2',
      'pool',
      'head_1',
      'answer',
    ]);
    expect(names({ head: 'replace', until: 'dense_1' })).toEqual(['conv_1', 'norm_1', 'conv_2', 'pool', 'dense_1', 'output']);
  });

  test('is cut down to what the last layer is computed from, with the inputs that are left', () => {
    const table: TensorSpec = { name: 'table', shape: [3], dtype: 'float32' };
    const two: BaseNetwork = {
      ...base,
      topology: buildTopology(
        [
          { type: 'flatten', name: 'pixels', inputs: ['image'] },
          { type: 'dense', name: 'left', units: 4, inputs: ['pixels'] },
          { type: 'dense', name: 'right', units: 4, inputs: ['table'] },
          { type: 'concatenate', name: 'both', inputs: ['left', 'right'] },
          { type: 'dense', name: 'output', units: 3, activation: 'softmax' },
        ],
        [image, table],
      ),
    };
    const { topology } = resolve({ head: 'replace', until: 'left' }, { from: two, inputs: [image, table] });
    expect(topology.inputs).toEqual([image]);
    expect(topology.layers.map(({ name }) => name)).toEqual(['pixels', 'left', 'output']);
  });

  test('of a file reads a single input under the name of the examples', () => {
    const file: BaseNetwork = {
      origin: { file: 'base.h5', digest: 'f'.repeat(64) },
      topology: {
        ...base.topology,
        inputs: [{ ...image, name: 'input_1' }],
        layers: base.topology.layers.map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === 'image' ? 'input_1' : name)) })),
      },
    };
    const { topology } = resolve({ head: 'replace' }, { from: file, inputs: [{ ...image, dtype: 'uint8' }], output: digits('a', 'b') });
    expect(topology.inputs).toEqual([{ ...image, dtype: 'uint8' }]);
    expect(topology.layers[0]!.inputs).toEqual(['image']);
    expect(attempt({ head: 'replace' }, { from: file, inputs: [{ ...image, shape: [9, 9, 1] }] })).toThrow(
      'base.h5 reads "input_1" [8, 8, 1] float32, and the examples give "image" [9, 9, 1] float32: the shapes differ.',
    );
  });

  test('of a file with several inputs reads them as the document pairs them', () => {
    const table = (name: string, size = 3): TensorSpec => ({ name, shape: [size], dtype: 'float32' });
    const file: BaseNetwork = {
      origin: { file: 'two.h5', digest: 'f'.repeat(64) },
      topology: buildTopology(
        [
          { type: 'concatenate', name: 'both', inputs: ['input_1', 'input_2'] },
          { type: 'dense', name: 'middle', units: 4 },
          { type: 'dense', name: 'last', units: 3, activation: 'softmax' },
        ],
        [table('input_1'), table('input_2', 2)],
      ),
    };
    const paired = (names: Record<string, string>) =>
      resolveModel({
        model: { from: { file: 'two.h5', inputs: names }, head: 'replace' },
        base: file,
        inputs: [table('b', 2), table('a')],
        output: LOW,
      });
    const { topology } = paired({ a: 'input_1', b: 'input_2' });
    expect(topology.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(topology.layers[0]!.inputs).toEqual(['a', 'b']);
    expect(() => paired({ a: 'input_1' })).toThrow('and none of them is "input_2"');
    expect(() => paired({ c: 'input_1' })).toThrow('"from.inputs": the examples have no input "c". There is: "b", "a".');
    expect(() => paired({ a: 'input_3' })).toThrow('"from.inputs": two.h5 has no input "input_3". It has "input_1", "input_2".');
    expect(() => paired({ a: 'input_2', b: 'input_1' })).toThrow('the shapes differ');
    const swapped: BaseNetwork = {
      ...file,
      topology: buildTopology(
        [
          { type: 'add', name: 'both', inputs: ['a', 'b'] },
          { type: 'dense', name: 'middle', units: 4 },
          { type: 'dense', name: 'last', units: 3 },
        ],
        [table('a'), table('b')],
      ),
    };
    expect(() =>
      resolveModel({
        model: { from: { file: 'two.h5', inputs: { b: 'a' } }, head: 'replace' },
        base: swapped,
        inputs: [table('a'), table('b')],
        output: LOW,
      }),
    ).toThrow('"b" of the examples would be read as "a", "b" of two.h5.');
  });
});

describe('freezing', () => {
  test('takes layers out of training, for good or at first', () => {
    const model = {
      head: 'replace',
      freeze: ['conv_*', 'norm*'],
      unfreeze: [{ atEpoch: 3, layers: ['conv_2', 'norm_1'] }],
      learningRateFactors: [{ layers: ['conv_2'], factor: 0.1 }],
    } as const;
    const resolved = resolve(model, { output: digits('a', 'b') });
    const frozen = Object.fromEntries(resolved.topology.layers.map(({ name, frozen: how }) => [name, how]));
    expect(frozen).toMatchObject({ conv_1: 'weights', norm_1: 'statistics', conv_2: 'statistics', dense_1: undefined, output: undefined });
    const described = describeResolved(resolved);
    expect(described.parameters - described.trainableParameters).toBe(4 * 10 + 2 * 4);
    expect(described.layers.find(({ name }) => name === 'conv_1')).toMatchObject({ frozen: 'weights', trainableParameters: 0 });
    const objective = resolved.objective.create(resolved, {});
    const groups = resolved.transfer!.groups(7.5);
    const groupOf = (fullName: string) =>
      groups.find((group) => group.includes(objective.weights.find((weight) => weight.fullName === fullName)!));
    expect(groupOf('conv_2/kernel')).toMatchObject({ from: 15, learningRateFactor: 0.1 });
    expect(groupOf('norm_1/gamma')).toMatchObject({ from: 15, learningRateFactor: 1 });
    expect(groupOf('dense_1/kernel')).toBeUndefined();
    expect(objective.weights.find(({ fullName }) => fullName === 'conv_1/kernel')!.trainable).toBe(false);
  });

  test('"*" is the base; a new head is always trained', () => {
    const { topology } = resolve({ head: 'replace', freeze: ['*'] }, { output: digits('a', 'b') });
    expect(topology.layers.filter(({ frozen }) => frozen === undefined).map(({ name }) => name)).toEqual(['pool', 'drop', 'output']);
  });

  test('is forgotten when the model is the base of another one', () => {
    const { topology } = resolve({ head: 'replace', freeze: ['*'] });
    expect(resolve({}, { from: { ...base, topology } }).topology.layers.every(({ frozen }) => frozen === undefined)).toBe(true);
  });

  test('patterns match names from end to end', () => {
    expect(matchNames(['conv_?', '*_1'], ['conv_1', 'conv_12', 'norm_1', 'xconv_1y'], 'freeze', 'layer')).toEqual(['conv_1', 'norm_1']);
    expect(() => matchNames(['a.b'], ['axb'], 'freeze', 'layer')).toThrow('the pattern "a.b" matches no layer. There is: "axb".');
  });
});

describe('refused, with what exists and a fix', () => {
  test.each<[string, () => unknown, string, string, string]>([
    [
      'classes that differ',
      attempt({}, { output: digits('0', '1', '7') }),
      'MODEL_INVALID',
      'Its classes are "0", "1", "2", those of the examples "0", "1", "7": it does not know "7"; the examples do not have "2".',
      '"head": "replace"',
    ],
    ['classes in another order', attempt({}, { output: digits('0', '2', '1') }), 'MODEL_INVALID', 'the order differs', '"from"'],
    [
      'another task',
      attempt({}, { output: { kind: 'number', name: 'label', width: 1 } }),
      'MODEL_INVALID',
      'A class was learnt, and the examples hold a number.',
      '"head": "replace"',
    ],
    [
      'another scale',
      attempt(
        {},
        {
          from: { ...base, output: { kind: 'number', name: 'y', width: 1, scale: { mean: 1, std: 2 } } },
          output: { kind: 'number', name: 'y', width: 1, scale: { mean: 1.5, std: 2 } },
        },
      ),
      'MODEL_INVALID',
      'a number scaled by mean 1 and deviation 2, and the examples hold a number scaled by mean 1.5 and deviation 2',
      '"from"',
    ],
    [
      'nothing left to train',
      attempt({ freeze: ['*'] }),
      'MODEL_INVALID',
      '"freeze" leaves no layer to train: "conv_1", "norm_1", "conv_2", "dense_1", "output" are frozen.',
      '"unfreeze"',
    ],
    [
      'a pattern without a match',
      attempt({ freeze: ['convolution_*'] }),
      'MODEL_INVALID',
      '"freeze": the pattern "convolution_*" matches no layer of the base with weights. There is: "conv_1", "norm_1", "conv_2", "dense_1", "output".',
      'conv_*',
    ],
    [
      'unfreezing what is not frozen',
      attempt({ freeze: ['conv_1'], unfreeze: [{ atEpoch: 2, layers: ['conv_2'] }] }),
      'MODEL_INVALID',
      'matches no frozen layer. There is: "conv_1".',
      'pattern',
    ],
    [
      'a factor for what is never trained',
      attempt({ freeze: ['conv_1'], learningRateFactors: [{ layers: ['conv_1'], factor: 0.1 }] }),
      'MODEL_INVALID',
      'matches no layer that is trained',
      'pattern',
    ],
    [
      'two factors for a layer',
      attempt({
        learningRateFactors: [
          { layers: ['conv_*'], factor: 0.1 },
          { layers: ['conv_2'], factor: 0.5 },
        ],
      }),
      'MODEL_INVALID',
      'the layer "conv_2" is given two factors: 0.1 and 0.5',
      'different layers',
    ],
    [
      'a layer that does not exist',
      attempt({ head: 'replace', until: 'flat' }),
      'MODEL_INVALID',
      '"until": digits version 3 has no layer "flat". Its layers are "conv_1", "norm_1"',
      '',
    ],
    [
      'a head on images',
      attempt({ head: 'replace', until: 'conv_2' }),
      'SHAPE_MISMATCH',
      '"conv_2" of digits version 3 gives [4, 4, 6]; a new dense layer of 3 units needs a vector',
      'globalAveragePooling2d',
    ],
    [
      'a head that does not give the classes',
      attempt({ head: { layers: [{ type: 'dense', units: 9, activation: 'softmax' }] }, until: 'pool' }),
      'SHAPE_MISMATCH',
      'the 3 classes of "label" with the loss categoricalCrossentropy need [3]',
      '"units": 3',
    ],
    [
      'a name that is taken',
      attempt({ head: { layers: [{ type: 'dense', name: 'conv_1', units: 3, activation: 'softmax' }] }, until: 'pool' }),
      'MODEL_INVALID',
      '"conv_1", which is taken by an earlier layer',
      'name of its own',
    ],
    [
      'images of another size',
      attempt({}, { inputs: [{ ...image, shape: [16, 16, 1] }] }),
      'SHAPE_MISMATCH',
      'Digits version 3 reads "image" [8, 8, 1] float32, and the examples give "image" [16, 16, 1] float32: the shapes differ.',
      'preprocess step',
    ],
    [
      'bytes for scaled values',
      attempt({}, { inputs: [{ ...image, dtype: 'uint8' }] }),
      'SHAPE_MISMATCH',
      'the values are not scaled alike',
      'preprocess step',
    ],
    [
      'another vocabulary',
      attempt(
        {},
        {
          from: { ...base, topology: { ...base.topology, inputs: [{ ...image, vocabularySize: 10 }] } },
          inputs: [{ ...image, vocabularySize: 12 }],
        },
      ),
      'SHAPE_MISMATCH',
      'the ids of the tokens do not mean the same',
      'preprocess step',
    ],
    [
      'inputs that nothing reads',
      attempt({}, { inputs: [image, { ...image, name: 'other' }] }),
      'MODEL_INVALID',
      'nothing reads "other" [8, 8, 1] float32',
      'preprocess step',
    ],
    [
      'an objective that needs networks which are not kept',
      attempt({}, { from: { ...base, objective: 'adversarial' } }),
      'MODEL_INVALID',
      'was trained towards "adversarial", by networks that are not kept with it',
      '"until"',
    ],
  ])('%s', (_title, run, code, message, hint) => {
    let caught: unknown;
    try {
      run();
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining(hint) as string,
    });
  });

  test('inputs that were prepared otherwise, naming the column and the transform', () => {
    const column = (state: unknown, value: unknown = null, name = 'x') => ({
      name,
      type: 'number',
      required: true,
      spec: { name: 'features', shape: [1], dtype: 'float32' },
      transforms: [{ name: 'standardize', value, state }],
    });
    const of = (...columns: unknown[]): JsonObject => asJson({ formatVersion: 1, seed: 1, columns, output: LOW });
    const features: TensorSpec = { name: 'features', shape: [1], dtype: 'float32' };
    const table: BaseNetwork = {
      ...base,
      topology: { ...base.topology, inputs: [features] },
      preprocessor: of(column({ mean: 1 }), column({ mean: 2 }, null, 'z')),
    };
    const check = (given: JsonObject) => () => checkPreprocessing(table, given, [features]);
    expect(check(of(column({ mean: 1 }), column({ mean: 2 }, null, 'z')))).not.toThrow();
    expect(check(of(column({ mean: 1 }), column({ mean: 3 }, null, 'z')))).toThrow(
      'standardize of "z" learnt other values than from the rows here',
    );
    expect(check(of(column({ mean: 1 }, { robust: true }), column({ mean: 2 }, null, 'z')))).toThrow(
      '"x" had standardize; here it has standardize {"robust":true}',
    );
    expect(check(of(column({ mean: 2 }, null, 'z'), column({ mean: 1 })))).toThrow(
      '"features" joins the columns "x", "z", and that of the examples "z", "x"',
    );
  });
});

test('mistakes that the document shows by itself', () => {
  const problems = (model: unknown, epochs = 4) =>
    checkTrainConfig(completeTrainConfig(asJson({ model, epochs }))).map(({ pointer }) => pointer);
  const from = { model: 'digits' };
  expect(problems({ from, until: 'pool' })).toEqual(['/model/until']);
  expect(problems({ from, unfreeze: [{ atEpoch: 2, layers: ['*'] }] })).toEqual(['/model/unfreeze']);
  expect(problems({ from, freeze: ['*'], unfreeze: [{ atEpoch: 5, layers: ['*'] }] })).toEqual(['/model/unfreeze/0/atEpoch']);
  expect(problems({ from: { file: 'a.h5' }, onMissing: { architecture: 'mlp' } })).toEqual(['/model/onMissing']);
  expect(
    problems({
      from,
      onMissing: {
        layers: [
          { type: 'dense', name: 'a', units: 1 },
          { type: 'dense', name: 'a', units: 1 },
        ],
      },
    }),
  ).toEqual(['/model/onMissing/layers/1/name']);
  expect(problems({ from, head: 'replace', freeze: ['*'] })).toEqual([]);
});
