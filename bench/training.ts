/**
 * Training of several models, compiled and operation by operation, beside others on the same shapes in the same sitting: warm epochs and a
 * prediction of one row, in milliseconds. Goals: compiled at least 1.3 times as fast as the best of the others; time to the first step
 * under 2 s; one row of the MLP under 0.1 ms.
 *
 *     node bench/run.mjs training [--python NAME=PYTHON …] [--epochs 5] [--only mlp,lstm] [--no-eager]
 *
 * Each `--python` names one of the others and a Python that has it: `keras` (on TensorFlow), `jax` (Keras on JAX), `torch`.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import type { OutputSpec, TensorSpec } from '../src/core/tensor.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { gainsFromOneDnn } from '../src/training/model/describe.ts';
import type { GraphSizes } from '../src/training/graph/graph-engine.ts';
import { GraphPredictor } from '../src/training/graph/graph-predictor.ts';
import type { LayerConfig } from '../src/training/model/model-config.ts';
import { resolveNamed } from '../src/training/model/named.ts';
import { Network } from '../src/training/model/network.ts';
import { optimizerRegistry } from '../src/training/optimizers/index.generated.ts';
import { product } from '../src/training/layers/shapes.ts';
import { loadTf, preferOneDnn } from '../src/training/tensorflow/tf.ts';
import type { Tf } from '../src/training/tensorflow/tf.ts';
import { resolveModel } from '../src/training/model/resolve-model.ts';
import { createEngine } from '../src/training/trainer/create-engine.ts';
import type { LabelledBatch } from '../src/training/objectives/objective.ts';
import type { TrainingEngine } from '../src/training/trainer/engine.ts';
import type { EngineRequest } from '../src/training/trainer/update-rule.ts';

interface Case {
  readonly rows: number;
  readonly batch: number;
  readonly shape: readonly number[];
  readonly output: OutputSpec;
  readonly loss: string;
  readonly layers: readonly LayerConfig[];
  /** Inputs are token ids below it. */
  readonly vocabularySize?: number;
}

/** Attention and two dense layers with layer normalization after each, as in the first transformers. */
function transformerLayers(layers: number, width: number, heads: number): LayerConfig[] {
  const list: LayerConfig[] = [
    { type: 'embedding', name: 'sum_0', outputDim: width },
    { type: 'positionEmbedding', name: 'norm_0' },
  ];
  for (let layer = 1; layer <= layers; layer++) {
    list.push(
      { type: 'multiHeadAttention', name: `attention_${layer}`, numHeads: heads, keyDim: width / heads },
      { type: 'add', name: `attended_${layer}`, inputs: [`norm_${layer - 1}`, `attention_${layer}`] },
      { type: 'layerNormalization', name: `middle_${layer}`, epsilon: 1e-6 },
      { type: 'dense', name: `inner_${layer}`, units: 2 * width, activation: 'relu' },
      { type: 'dense', name: `dense_${layer}`, units: width },
      { type: 'add', name: `sum_${layer}`, inputs: [`middle_${layer}`, `dense_${layer}`] },
      { type: 'layerNormalization', name: `norm_${layer}`, epsilon: 1e-6 },
    );
  }
  return [...list, { type: 'globalAveragePooling1d' }, { type: 'dense', units: 1, activation: 'sigmoid' }];
}

const CASES: Readonly<Record<string, Case>> = {
  mlp: {
    rows: 20_000,
    batch: 32,
    shape: [20],
    output: { kind: 'classes', name: 'y', classes: ['0', '1'] },
    loss: 'binaryCrossentropy',
    layers: [
      { type: 'dense', units: 64, activation: 'relu' },
      { type: 'dense', units: 64, activation: 'relu' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  lstm: {
    rows: 2_000,
    batch: 64,
    shape: [30, 16],
    output: { kind: 'number', name: 'y', width: 1 },
    loss: 'meanSquaredError',
    layers: [
      { type: 'lstm', units: 32 },
      { type: 'dense', units: 1 },
    ],
  },
  cnn: {
    rows: 6_000,
    batch: 128,
    shape: [28, 28, 1],
    output: { kind: 'classes', name: 'y', classes: [...'0123456789'] },
    loss: 'categoricalCrossentropy',
    layers: [
      { type: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' },
      { type: 'maxPooling2d', poolSize: 2 },
      { type: 'conv2d', filters: 64, kernelSize: 3, activation: 'relu' },
      { type: 'maxPooling2d', poolSize: 2 },
      { type: 'flatten' },
      { type: 'dropout', rate: 0.5 },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  transformer: {
    rows: 2_000,
    batch: 32,
    shape: [64],
    vocabularySize: 5_000,
    output: { kind: 'classes', name: 'y', classes: ['0', '1'] },
    loss: 'binaryCrossentropy',
    layers: transformerLayers(2, 64, 4),
  },
  longLstm: {
    rows: 256,
    batch: 64,
    shape: [300, 16],
    output: { kind: 'number', name: 'y', width: 1 },
    loss: 'meanSquaredError',
    layers: [
      { type: 'lstm', units: 32 },
      { type: 'dense', units: 1 },
    ],
  },
  longGru: {
    rows: 256,
    batch: 64,
    shape: [300, 16],
    output: { kind: 'number', name: 'y', width: 1 },
    loss: 'meanSquaredError',
    layers: [
      { type: 'gru', units: 32 },
      { type: 'dense', units: 1 },
    ],
  },
};

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    python: { type: 'string', multiple: true, default: [] },
    epochs: { type: 'string', default: '5' },
    case: { type: 'string' },
    only: { type: 'string' },
    'no-eager': { type: 'boolean', default: false },
  },
});
const epochs = Number(options.epochs);
const median = (values: readonly number[]): number =>
  Number([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!.toPrecision(3));

interface Own {
  readonly compiled: number;
  /** Processor time of a warm epoch: what other load of the machine changes least. */
  readonly compiledCpu: number;
  readonly eager?: number;
  readonly toFirstStep: number;
  readonly firstEpoch: number;
  readonly oneRow: number;
}

/** In a process of its own: whether oneDNN is on is decided when TensorFlow is loaded. */
function measure(name: string): Own {
  const { rows, batch, shape, output, loss, layers, vocabularySize } = CASES[name]!;
  const spec: TensorSpec = {
    name: 'x',
    shape,
    dtype: vocabularySize === undefined ? 'float32' : 'int32',
    ...(vocabularySize === undefined ? {} : { vocabularySize }),
  };
  const resolved = resolveModel({ model: { layers }, inputs: [spec], output, loss });
  const { topology } = resolved;
  if (gainsFromOneDnn(topology)) preferOneDnn();
  const tf = loadTf();
  const request = { objective: resolved.objective.create(resolved, {}), optimizer: resolveNamed(optimizerRegistry, 'adam'), seed: 1 };
  const sizes = { train: [batch, ...(rows % batch > 0 ? [rows % batch] : [])], evaluate: undefined, rowWeights: false };
  const batches = batchesOf(CASES[name]!, spec, resolved.loss.definition.labels === 'index');
  const started = performance.now();
  const { engine: compiled } = createEngine(tf, request, sizes, 'compiled');
  compiled.train(batches.slice(0, 1), 0, [0.001]);
  const toFirstStep = performance.now() - started;
  const firstEpoch = epoch(compiled, batches);
  const before = process.cpuUsage();
  const compiledTimes = Array.from({ length: epochs }, () => epoch(compiled, batches));
  const used = process.cpuUsage(before);
  const eager = options['no-eager'] ? {} : { eager: median(eagerEpochs(tf, request, sizes, batches)) };
  const network = new Network(topology);
  const predictor = new GraphPredictor(tf, network, network.initialWeights(1));
  const row = {
    x: { spec, rows: 1, data: vocabularySize === undefined ? new Float32Array(product(shape)) : new Int32Array(product(shape)) },
  };
  const width = product(network.outputShape);
  predictor.predict(row, 1, width);
  const predictions = Array.from({ length: 500 }, () => timed(() => predictor.predict(row, 1, width)));
  return {
    compiled: median(compiledTimes),
    compiledCpu: median([(used.user + used.system) / 1000 / epochs]),
    ...eager,
    toFirstStep: median([toFirstStep]),
    firstEpoch: median([firstEpoch]),
    oneRow: median(predictions),
  };
}

function eagerEpochs(tf: Tf, request: EngineRequest, sizes: GraphSizes, batches: readonly LabelledBatch[]): number[] {
  const { engine } = createEngine(tf, request, sizes, 'eager');
  epoch(engine, batches.slice(0, 4));
  return Array.from({ length: Math.min(3, epochs) }, () => epoch(engine, batches));
}

function batchesOf({ rows, batch, shape, output, vocabularySize }: Case, spec: TensorSpec, index: boolean): LabelledBatch[] {
  const prng = new Prng(1);
  const classes = output.kind === 'classes' ? output.classes.length : 2;
  return Array.from({ length: Math.ceil(rows / batch) }, (_, at): LabelledBatch => {
    const count = Math.min(batch, rows - at * batch);
    const label = (): number => prng.below(classes);
    const length = count * product(shape);
    const data =
      vocabularySize === undefined
        ? Float32Array.from({ length }, () => prng.normal())
        : Int32Array.from({ length }, () => prng.below(vocabularySize));
    const labels = index ? Int32Array.from({ length: count }, label) : Float32Array.from({ length: count }, label);
    return { rows: count, inputs: { x: { spec, rows: count, data } }, labels: { '@label': labels } };
  });
}

function timed(body: () => void): number {
  const started = performance.now();
  body();
  return performance.now() - started;
}

function epoch(engine: TrainingEngine, batches: readonly LabelledBatch[]): number {
  return timed(() => {
    for (let at = 0; at < batches.length;) {
      const part = batches.slice(at, at + engine.stepsPerCall).filter(({ rows }) => rows === batches[at]!.rows);
      engine.train(
        part,
        at,
        part.map(() => 0.001),
      );
      at += part.length;
    }
  });
}

interface Peer {
  readonly epochs: readonly number[];
  readonly epochCpu: number;
  readonly firstEpoch: number;
  readonly oneRow?: number;
  readonly versions: string;
}

/** The script of each, and its environment. */
const PEERS: Readonly<Record<string, { readonly script: string; readonly env?: Readonly<Record<string, string>> }>> = {
  keras: { script: 'training_keras.py', env: { KERAS_BACKEND: 'tensorflow' } },
  jax: { script: 'training_keras.py', env: { KERAS_BACKEND: 'jax' } },
  torch: { script: 'training_torch.py' },
};

/** @param given "NAME=PYTHON" @returns milliseconds of an epoch of it, and what is shown */
function besidePeer(given: string, name: string, own: Own): { readonly epoch: number; readonly shown: Record<string, unknown> } {
  const [peer, python] = given.split('=') as [string, string | undefined];
  const { script, env } = PEERS[peer] ?? {};
  if (script === undefined || python === undefined)
    throw new Error(`--python ${given}: expected NAME=PYTHON, NAME one of ${Object.keys(PEERS).join(', ')}`);
  const found = child<Peer>(python, [join(packageRoot(), 'bench', script), name, String(epochs)], env);
  const epochMs = median(found.epochs);
  return {
    epoch: epochMs,
    shown: {
      epoch: epochMs,
      cpu: median([found.epochCpu]),
      firstEpoch: median([found.firstEpoch]),
      ...(found.oneRow === undefined ? {} : { oneRow: median([found.oneRow]) }),
      timesAsFast: median([epochMs / own.compiled]),
      timesLessCpu: median([found.epochCpu / own.compiledCpu]),
      versions: found.versions,
    },
  };
}

function child<T>(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): T {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

if (options.case !== undefined) {
  console.log(JSON.stringify(measure(options.case)));
} else {
  const results: Record<string, unknown> = {};
  for (const name of options.only?.split(',') ?? Object.keys(CASES)) {
    const own = child<Own>(process.execPath, [
      join(packageRoot(), 'bench', 'run.mjs'),
      'training',
      '--case',
      name,
      '--epochs',
      String(epochs),
      ...(options['no-eager'] ? ['--no-eager'] : []),
    ]);
    const others = options.python.map((given) => [given.split('=')[0]!, besidePeer(given, name, own)] as const);
    results[name] = {
      ...own,
      ...(own.eager === undefined ? {} : { timesAsFastAsEager: median([own.eager / own.compiled]) }),
      ...Object.fromEntries(others.map(([peer, { shown }]) => [peer, shown])),
      ...(others.length === 0 ? {} : { timesAsFastAsBest: median([Math.min(...others.map(([, one]) => one.epoch)) / own.compiled]) }),
    };
  }
  console.log(JSON.stringify({ unit: 'ms', load: loadavg()[0], results }, null, 2));
}
