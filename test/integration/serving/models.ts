import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { createPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { ModelSignature } from '../../../src/registry/types.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { Network } from '../../../src/training/model/network.ts';
import type { LayerConfig } from '../../../src/training/model/model-config.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { encodeWeights } from '../../../src/training/bundle/weights-file.ts';

export const LABELS = ['one', 'two', 'three'];
const COLUMNS = ['a', 'b'];
const OUTPUT: OutputSpec = { kind: 'classes', name: 'answer', classes: LABELS };

export interface Fixture {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly registry: Registry;
}

export function fixtureOver(store: ObjectStore, cacheDir: string): Fixture {
  const artifacts = createArtifactStore(store, cacheDir);
  return { store, artifacts, registry: createRegistry(store, artifacts) };
}

/**
 * Registers a network over the columns a and b that always gives one label, and gives its version.
 *
 * @param strength how sure it is; another one makes another version
 */
export function registerConstant(
  fixture: Fixture,
  model: string,
  label: number,
  strength = 20,
  signature?: ModelSignature,
): Promise<number> {
  const set = (name: string, values: Float32Array): void => {
    values.fill(0);
    if (name.endsWith('/bias')) values[label] = strength;
  };
  return registerNetwork(fixture, model, [{ type: 'dense', units: LABELS.length, activation: 'softmax' }], set, signature);
}

/** Registers a small perceptron with weights as they are before training. */
export function registerPerceptron(fixture: Fixture, model: string, columns: readonly string[] = COLUMNS): Promise<number> {
  const layers: readonly LayerConfig[] = [
    { type: 'dense', units: 32, activation: 'relu' },
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: LABELS.length, activation: 'softmax' },
  ];
  return registerNetwork(fixture, model, layers, undefined, undefined, columns);
}

/** Registers a small network whose layers take TensorFlow. */
export function registerWithLibrary(fixture: Fixture, model: string): Promise<number> {
  const layers: readonly LayerConfig[] = [
    { type: 'reshape', shape: [2, 1] },
    { type: 'gru', units: 4 },
    { type: 'dense', units: LABELS.length, activation: 'softmax' },
  ];
  return registerNetwork(fixture, model, layers);
}

/** Registers a network that computes for long: its server answers from a process. */
export function registerHeavy(fixture: Fixture, model: string): Promise<number> {
  const layers: readonly LayerConfig[] = [
    { type: 'dense', units: 4_096, activation: 'relu' },
    { type: 'dense', units: 4_096, activation: 'relu' },
    { type: 'dense', units: LABELS.length, activation: 'softmax' },
  ];
  return registerNetwork(fixture, model, layers);
}

async function registerNetwork(
  { artifacts, registry }: Fixture,
  model: string,
  layers: readonly LayerConfig[],
  set: (name: string, values: Float32Array) => void = () => {},
  signature?: ModelSignature,
  columns: readonly string[] = COLUMNS,
): Promise<number> {
  const preprocessor = createPreprocessor({
    seed: 1,
    output: OUTPUT,
    columns: columns.map((name) => ({
      name,
      type: 'number',
      required: true,
      links: [],
      spec: { name: 'features', shape: [1], dtype: 'float32' },
    })),
  });
  const topology = buildTopology(layers, preprocessor.inputs);
  const network = new Network(topology);
  const weights = network.initialWeights(1);
  for (const [name, values] of weights) set(name, values);
  const { manifest, bytes } = encodeWeights(network.weights, weights);
  const files = {
    'weights.json': json(manifest),
    'weights.bin': bytes,
    'topology.json': json(topology),
    'preprocessor.json': json(preprocessor.toJson()),
    'profile.json': json({
      formatVersion: 1,
      rows: 0,
      columns: [...columns, 'answer'].map((name) => ({ name, type: 'number', count: 0, missing: 0, distinct: 0 })),
    }),
    'history.json': json([]),
  };
  const parameters = [...weights.values()].reduce((sum, values) => sum + values.length, 0);
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'a test network',
    files,
    meta: {
      inputs: preprocessor.inputs as never,
      output: OUTPUT as never,
      outputShape: [...network.outputShape],
      parameters,
      trainableParameters: parameters,
      loss: 'categoricalCrossentropy',
      optimizer: 'adam',
      epochsRun: 0,
      bestEpoch: 0,
      seed: 1,
      final: {},
      examples: '0'.repeat(64),
      dataset: '0'.repeat(64),
      training: {},
    },
  });
  const { version } = await registry.register({
    model,
    modelRef,
    pipeline: 'test',
    runId: 'test',
    stepId: 'register',
    ...(signature === undefined ? {} : { signature }),
  });
  return version;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
