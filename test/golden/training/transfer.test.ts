import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OutputSpec, TensorSpec } from '../../../src/core/tensor.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import type { Topology } from '../../../src/training/model/model-config.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { Network } from '../../../src/training/model/network.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import { startingFrom } from '../../../src/training/transfer/transfer.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}
interface Case {
  readonly title: string;
  readonly optimizer: { readonly name: string; readonly learningRate: number; readonly momentum?: number };
  readonly frozen: string[];
  /** Update with which a layer begins, 0 being the first. */
  readonly at: Record<string, number>;
  readonly factors: Record<string, number>;
  readonly losses: number[];
  readonly weights: Values[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'transfer.json'), 'utf8')) as {
  inputs: Values[];
  labels: number[][];
  start: Values[];
  cases: Case[];
};
const tf = loadTf();
const input: TensorSpec = { name: 'features', shape: [5], dtype: 'float32' };
const output: OutputSpec = { kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] };
const topology: Topology = buildTopology(
  [
    { type: 'dense', name: 'first', units: 6, activation: 'tanh', kernelRegularizer: { l2: 0.01 } },
    { type: 'batchNormalization', name: 'norm' },
    { type: 'dense', name: 'second', units: 4, activation: 'relu' },
    { type: 'dense', name: 'output', units: 3, activation: 'softmax' },
  ],
  [input],
);
const weights = new Map(
  new Network(topology).weights.map(({ fullName }, index) => [fullName, Float32Array.from(golden.start[index]!.values)]),
);

/** Every update is an epoch of its own. */
function engineOf(kind: 'eager' | 'compiled', { optimizer: { name, ...settings }, frozen, at, factors }: Case): EagerEngine | GraphEngine {
  const late = Object.entries(at);
  const freeze = [...frozen, ...late.map(([layer]) => layer)];
  const resolved = resolveModel({
    model: {
      from: { model: 'base', version: 1 },
      ...(freeze.length === 0 ? {} : { freeze }),
      ...(late.length === 0 ? {} : { unfreeze: late.map(([layer, update]) => ({ atEpoch: update + 1, layers: [layer] })) }),
      ...(Object.keys(factors).length === 0
        ? {}
        : { learningRateFactors: Object.entries(factors).map(([layer, factor]) => ({ layers: [layer], factor })) }),
    },
    base: { origin: { model: 'base', version: 1, digest: '0'.repeat(64) }, topology, output, preprocessor: { columns: [] } },
    inputs: [input],
    output,
  });
  const objective = startingFrom(resolved.objective.create(resolved, {}), resolved.transfer!, weights);
  const request = {
    objective,
    optimizer: resolveNamed(optimizerRegistry, { [name]: settings }),
    seed: 1,
    groups: resolved.transfer!.groups(1),
  };
  return kind === 'eager'
    ? new EagerEngine(tf, request)
    : new GraphEngine(tf, request, { train: [8], evaluate: undefined, rowWeights: false });
}

describe.each(golden.cases.map((each) => [each.title, each] as const))('%s', (_title, each) => {
  test.each(['eager', 'compiled'] as const)('ten updates agree with Keras 3: %s', (kind) => {
    const engine = engineOf(kind, each);
    try {
      const batches = golden.inputs.map(({ values }, index) => ({
        inputs: { features: { spec: input, rows: 8, data: Float32Array.from(values) } },
        labels: { '@label': Int32Array.from(golden.labels[index]!) },
        rows: 8,
      }));
      const losses = batches.flatMap((batch, step) => engine.train([batch], step, [each.optimizer.learningRate]).map(({ loss }) => loss));
      for (const [step, loss] of losses.entries())
        expect(Math.abs(loss - each.losses[step]!), `loss of update ${step}: ${loss} for ${each.losses[step]}`).toBeLessThan(
          1e-5 * each.losses[step]!,
        );
      for (const [index, [name, values]] of [...engine.weights()].entries()) {
        const expected = each.weights[index]!.values;
        const scale = Math.max(...expected.map(Math.abs));
        values.forEach((value, at) => expect(Math.abs(value - expected[at]!), `${name} at ${at}`).toBeLessThan(2e-5 * scale));
        const [layer] = name.split('/') as [string];
        if (each.frozen.includes(layer)) expect([...values]).toEqual([...weights.get(name)!]);
      }
    } finally {
      engine.dispose();
    }
  });
});
