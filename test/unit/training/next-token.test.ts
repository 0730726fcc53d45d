import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, TensorSpec, TextOutput } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import {
  GENERATION,
  generationValues,
  promptInputs,
  promptPreprocessor,
  textOfTokens,
  tokenTextsOf,
} from '../../../src/data/answers/prompts.ts';
import { checkTrainConfig } from '../../../src/training/step/check-config.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { everyStep } from '../../../src/training/objectives/shared/next-token.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { drawToken, generatingPredictor } from '../../../src/training/generation/text-generation.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import type { Predictor } from '../../../src/training/model/model-meta.ts';
import { asJson, textTable } from './fixtures.ts';
import { run } from './loop.ts';

const NONE: OutputSpec = { kind: 'none', name: '' };
const TEXT: TensorSpec = { name: 'text', shape: [6], dtype: 'int32', vocabularySize: 9 };
const names = (model: ModelConfig, inputs: readonly TensorSpec[] = [TEXT]): readonly string[] =>
  resolveModel({ objective: 'nextToken', model, inputs, output: NONE }).topology.layers.map(({ type }) => type);

describe('the network', () => {
  test('serves the step of the last token, and learns every step', () => {
    expect(names({ architecture: 'rnn', cell: 'gru', units: [5] })).toEqual(['embedding', 'gru', 'lastToken', 'dense', 'dense']);
    const { topology } = resolveModel({
      objective: 'nextToken',
      model: { architecture: 'transformer', layers: 1, modelSize: 8, heads: 2 },
      inputs: [TEXT],
      output: NONE,
    });
    expect(topology.layers.filter(({ type }) => type === 'multiHeadAttention').map(({ config }) => config.causal)).toEqual([true]);
    expect(everyStep(topology).layers.map(({ name }) => name)).toEqual(
      topology.layers.map(({ name }) => name).filter((name) => name !== 'last_token'),
    );
  });

  test.each<[string, ModelConfig, readonly TensorSpec[], RegExp]>([
    ['a table', { architecture: 'rnn' }, [{ name: 'features', shape: [3], dtype: 'float32' }], /one text as token ids.*"features" \[3\]/],
    ['an architecture without steps', { architecture: 'textCnn' }, [TEXT], /made for the objective "supervised"/],
    [
      'one answer for all steps',
      { layers: [{ type: 'embedding', outputDim: 4 }, { type: 'flatten' }, { type: 'dense', units: 9, activation: 'softmax' }] },
      [TEXT],
      /every step needs \[6, 9\]/,
    ],
    ['a column with the name of a setting', { architecture: 'rnn' }, [{ ...TEXT, name: 'seed' }], /has the name "seed"/],
  ])('is refused for %s', (_title, model, inputs, message) => {
    expect(() => names(model, inputs)).toThrow(message);
  });

  test('that sees what it is to tell is refused before training', () => {
    const inspect = (model: ModelConfig): void => {
      const resolved = resolveModel({ objective: 'nextToken', model, inputs: [TEXT], output: NONE });
      resolved.objective.create(resolved, {}).inspect!({ text: { spec: TEXT, rows: 1, data: Int32Array.of(3, 4, 5, 0, 0, 0) } });
    };
    const output = { type: 'dense', units: 9, activation: 'softmax' };
    inspect({ architecture: 'transformer', layers: 1, modelSize: 8, heads: 2 });
    inspect({ layers: [{ type: 'embedding', outputDim: 4 }, { type: 'conv1d', filters: 4, kernelSize: 3, padding: 'causal' }, output] });
    expect(() =>
      inspect({ layers: [{ type: 'embedding', outputDim: 4 }, { type: 'conv1d', filters: 4, kernelSize: 3, padding: 'same' }, output] }),
    ).toThrow(/sees the tokens that it is to tell/);
    expect(() => inspect({ architecture: 'rnn', bidirectional: true })).toThrow(/sees the tokens/);
  });

  test('is told of settings that a language model has no use for', () => {
    const problems = checkTrainConfig(
      completeTrainConfig(
        asJson({ objective: 'nextToken', model: { architecture: 'rnn', pooling: 'max', bidirectional: true }, classWeights: 'balanced' }),
      ),
    );
    expect(problems.map(({ pointer }) => pointer)).toEqual(['/model/pooling', '/model/bidirectional', '/classWeights']);
  });
});

test.each(['transformer', 'rnn'] as const)('a %s learns a language by heart, compiled as operation by operation', async (architecture) => {
  const model: ModelConfig =
    architecture === 'rnn'
      ? { architecture, cell: 'gru', recurrentUnits: [24] }
      : { architecture, layers: 1, heads: 2, modelSize: 24, dropout: 0 };
  const learn = (engine: 'compiled' | 'eager', epochs: number): ReturnType<typeof run> =>
    run({ table: textTable(64), model, objective: 'nextToken', optimizer: { adam: { learningRate: 0.02 } }, epochs, engine });
  const { history } = await learn('compiled', 12);
  // Each token follows from the one before, but for the first and the end.
  expect(history.at(-1)!.validationLoss).toBeLessThan(0.45);
  expect(history.at(-1)!.nextTokenAccuracy).toBeGreaterThan(0.8);
  const eager = await learn('eager', 1);
  for (const key of ['loss', 'validationLoss', 'nextTokenAccuracy']) expect(eager.history[0]![key]).toBeCloseTo(history[0]![key]!, 4);
});

const PREPROCESSOR: JsonObject = {
  formatVersion: 1,
  seed: 1,
  output: { kind: 'none', name: '' },
  columns: [
    {
      name: 'text',
      type: 'string',
      required: true,
      spec: { name: 'text', shape: [6], dtype: 'int32', vocabularySize: 9 },
      transforms: [
        { name: 'tokenize', value: { vocabulary: 9, length: 6 }, state: { tokens: ['the', 'cat', 'sat', '.', '(', ')', 'mat'] } },
      ],
    },
  ],
};
const OUTPUT: TextOutput = { kind: 'text', name: 'text', length: 6, vocabularySize: 9 };

/** Says the token after the last one, and after the last of all the end. */
function counting(): Predictor {
  return {
    meta: { inputs: [TEXT], output: OUTPUT, outputShape: [9] } as unknown as Predictor['meta'],
    async predict(batch) {
      const last = Array.from(batch.text!.data)
        .filter((id) => id !== 0)
        .at(-1)!;
      return Float32Array.from({ length: 9 }, (_, id) => (id === (last === 8 ? 0 : last + 1) ? 0.9 : 0.0125));
    },
    dispose() {},
  };
}

describe('going on with a text', () => {
  const preprocessor = promptPreprocessor(PREPROCESSOR, OUTPUT);
  const predictor = generatingPredictor(counting(), OUTPUT, tokenTextsOf(PREPROCESSOR, 'text'));
  const ask = async (...rows: Record<string, unknown>[]): Promise<unknown[]> =>
    decode(predictor.meta.output, await predictor.predict(await preprocessor.apply(rows)), rows.length);

  test('takes the most probable tokens up to the end, or as many as asked for', async () => {
    expect(await ask({ text: 'The', temperature: 0 }, { text: 'sat', temperature: 0, maxTokens: 2 })).toEqual([
      { text: 'cat sat. () mat', tokens: 6, finish: 'end' },
      { text: '. (', tokens: 2, finish: 'length' },
    ]);
  });

  test('keeps the end of a long text, and slides on', async () => {
    expect(await ask({ text: 'mat mat mat mat mat mat mat the', temperature: 0, maxTokens: 3 })).toEqual([
      { text: 'cat sat.', tokens: 3, finish: 'length' },
    ]);
  });

  test('is the same for a seed, whatever else is asked', async () => {
    const row = (seed: number): Record<string, unknown> => ({ text: 'the', temperature: 3, maxTokens: 30, seed });
    const [first] = await ask(row(4));
    expect(await ask(row(1), row(4), row(2))).toContainEqual(first);
    expect((await ask(row(1)))[0]).not.toEqual(first);
  });

  test.each([
    [{ text: ' ' }, /no token to go on from/],
    [{ text: 'the', temperature: -1 }, /"temperature" is -1; expected a number from 0/],
    [{ text: 'the', maxTokens: 1.5 }, /whole number from 1 to 1000/],
  ])('refuses %j', async (row, message) => {
    await expect(preprocessor.apply([row])).rejects.toThrow(message);
  });

  test('reads what a request gives as tensors', async () => {
    const [textSpec, settings] = promptInputs(OUTPUT) as [TensorSpec, TensorSpec];
    const values = await predictor.predict({
      text: { spec: textSpec, rows: 1, data: Int32Array.of(2, 0, 0, 0, 0, 0) },
      [GENERATION]: { spec: settings, rows: 1, data: generationValues({ maxTokens: 1, temperature: 0 }) },
    });
    expect(Array.from(values.subarray(0, 3))).toEqual([1, 0, 3]);
  });

  test('joins characters as they are', () => {
    expect(textOfTokens([2, 3, 2, 1], { level: 'character', texts: ['a', ' '] })).toBe('a a\uFFFD');
  });
});

test('tokens are drawn by their shares, sharper at low temperatures, and only from those that are asked for', () => {
  const shares = Float32Array.of(0.1, 0.4, 0.3, 0.15, 0.05);
  const counts = (how: Partial<{ temperature: number; topK: number; topP: number }>): number[] => {
    const random = new Prng('draws');
    const found = [0, 0, 0, 0, 0];
    for (let draw = 0; draw < 4_000; draw++) found[drawToken(shares, { temperature: 1, topK: 0, topP: 1, ...how }, random)]!++;
    return found.map((count) => count / 4_000);
  };
  // The unknown token (id 1) is never said.
  for (const [id, share] of [1 / 6, 0, 0.5, 0.25, 1 / 12].entries()) expect(counts({})[id]).toBeCloseTo(share, 1);
  expect(counts({ temperature: 0 })).toEqual([0, 0, 1, 0, 0]);
  expect(counts({ topK: 1 })).toEqual([0, 0, 1, 0, 0]);
  expect(counts({ topK: 2 }).filter((share) => share > 0)).toHaveLength(2);
  expect(counts({ topP: 0.7 }).map((share) => share > 0)).toEqual([false, false, true, true, false]);
  expect(counts({ temperature: 0.3 })[2]).toBeGreaterThan(0.85);
});
