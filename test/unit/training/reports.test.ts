import { expect, test } from 'vitest';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';

const features: TensorSpec = { name: 'features', shape: [4], dtype: 'float32' };
const tokens: TensorSpec = { name: 'text', shape: [8], dtype: 'int32', vocabularySize: 20 };
const classes: OutputSpec = { kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] };
const number: OutputSpec = { kind: 'number', name: 'price', width: 1 };
const none: OutputSpec = { kind: 'none', name: '' };

test.each<[string, ModelConfig, TensorSpec, OutputSpec, string?]>([
  ['classes', { architecture: 'mlp' }, features, classes],
  ['a number', { architecture: 'mlp' }, features, number],
  ['an autoencoder', { architecture: 'autoencoder' }, features, none],
  ['a variational autoencoder', { architecture: 'autoencoder', variational: true }, features, none],
  ['a generator', { architecture: 'gan' }, features, none],
  ['a Wasserstein generator', { architecture: 'gan', loss: 'wasserstein' }, features, none],
  ['a language model', { architecture: 'transformer', modelSize: 8, heads: 2 }, tokens, none, 'nextToken'],
])('what training reports is known from its objective: %s', (_name, model, input, output, objective) => {
  const resolved = resolveModel({ model, inputs: [input], output, ...(objective === undefined ? {} : { objective }) });
  const { numbers, metrics } = resolved.objective.create(resolved, {});
  expect(resolved.objective.reports).toEqual(expect.arrayContaining([...numbers, ...metrics]));
});
