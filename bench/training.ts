/**
 * Training of three models, compiled and operation by operation, beside Python Keras on the same shapes in the same sitting: warm
 * epochs and a prediction of one row, in milliseconds. Goals: compiled at least 2.5 times as fast as Keras for MLP and LSTM, at least
 * as fast for the CNN; one row of the MLP under 0.1 ms.
 *
 *     node bench/run.mjs training [--python path/to/python] [--epochs 5]
 *
 * The Python environment needs keras and tensorflow; without one, Keras is left out.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import type { OutputSpec, TensorSpec } from '../src/core/tensor.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { convolves } from '../src/training/describe.ts';
import { GraphPredictor } from '../src/training/graph/graph-predictor.ts';
import type { LayerConfig } from '../src/training/model-config.ts';
import { resolveNamed } from '../src/training/named.ts';
import { Network } from '../src/training/network.ts';
import { optimizerRegistry } from '../src/training/registries.ts';
import { product } from '../src/training/shapes.ts';
import { loadTf, preferOneDnn } from '../src/training/tf.ts';
import { resolveModel } from '../src/training/resolve-model.ts';
import { createEngine } from '../src/training/trainer/create-engine.ts';
import type { LabelledBatch } from '../src/training/objective.ts';
import type { TrainingEngine } from '../src/training/trainer/engine.ts';

interface Case {
  readonly rows: number;
  readonly batch: number;
  readonly shape: readonly number[];
  readonly output: OutputSpec;
  readonly loss: string;
  readonly layers: readonly LayerConfig[];
}

const CASES: Readonly<Record<string, Case>> = {
  mlp: {
    rows: 20_000, batch: 32, shape: [20], output: { kind: 'classes', name: 'y', classes: ['0', '1'] }, loss: 'binaryCrossentropy',
    layers: [{ type: 'dense', units: 64, activation: 'relu' }, { type: 'dense', units: 64, activation: 'relu' }, { type: 'dense', units: 1, activation: 'sigmoid' }],
  },
  lstm: { rows: 2_000, batch: 64, shape: [30, 16], output: { kind: 'number', name: 'y', width: 1 }, loss: 'meanSquaredError', layers: [{ type: 'lstm', units: 32 }, { type: 'dense', units: 1 }] },
  cnn: {
    rows: 6_000, batch: 128, shape: [28, 28, 1], output: { kind: 'classes', name: 'y', classes: [...'0123456789'] }, loss: 'categoricalCrossentropy',
    layers: [
      { type: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' }, { type: 'maxPooling2d', poolSize: 2 }, { type: 'conv2d', filters: 64, kernelSize: 3, activation: 'relu' },
      { type: 'maxPooling2d', poolSize: 2 }, { type: 'flatten' }, { type: 'dropout', rate: 0.5 }, { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
};

const { values: options } = parseArgs({ args: process.argv.slice(3), options: { python: { type: 'string' }, epochs: { type: 'string', default: '5' }, case: { type: 'string' } } });
const epochs = Number(options.epochs);
const median = (values: readonly number[]): number => Number([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!.toPrecision(3));

interface Own {
  readonly compiled: number;
  readonly eager: number;
  readonly toFirstStep: number;
  readonly firstEpoch: number;
  readonly oneRow: number;
}

/** In a process of its own: whether oneDNN is on is decided when TensorFlow is loaded. */
function measure(name: string): Own {
  const { rows, batch, shape, output, loss: lossName, layers } = CASES[name]!;
  const spec: TensorSpec = { name: 'x', shape, dtype: 'float32' };
  const resolved = resolveModel({ model: { layers }, inputs: [spec], output, loss: lossName });
  const { topology, loss } = resolved;
  if (convolves(topology)) preferOneDnn();
  const tf = loadTf();
  const request = { objective: resolved.objective.create(resolved, {}), optimizer: resolveNamed(optimizerRegistry, 'adam'), seed: 1 };
  const sizes = { train: [batch, ...(rows % batch > 0 ? [rows % batch] : [])], evaluate: undefined, rowWeights: false };
  const batches = batchesOf(CASES[name]!, spec, loss.definition.labels === 'index');
  const started = performance.now();
  const { engine: compiled } = createEngine(tf, request, sizes, 'compiled');
  compiled.train(batches.slice(0, 1), 0, [0.001]);
  const toFirstStep = performance.now() - started;
  const firstEpoch = epoch(compiled, batches);
  const compiledTimes = Array.from({ length: epochs }, () => epoch(compiled, batches));
  const { engine: eager } = createEngine(tf, request, sizes, 'eager');
  epoch(eager, batches.slice(0, 4));
  const eagerTimes = Array.from({ length: Math.min(3, epochs) }, () => epoch(eager, batches));
  const network = new Network(topology);
  const predictor = new GraphPredictor(tf, network, network.initialWeights(1));
  const row = { x: { spec, rows: 1, data: new Float32Array(product(shape)) } };
  const width = product(network.outputShape);
  predictor.predict(row, 1, width);
  const predictions = Array.from({ length: 500 }, () => timed(() => predictor.predict(row, 1, width)));
  return { compiled: median(compiledTimes), eager: median(eagerTimes), toFirstStep: median([toFirstStep]), firstEpoch: median([firstEpoch]), oneRow: median(predictions) };
}

function batchesOf({ rows, batch, shape, output }: Case, spec: TensorSpec, index: boolean): LabelledBatch[] {
  const prng = new Prng(1);
  const classes = output.kind === 'classes' ? output.classes.length : 2;
  return Array.from({ length: Math.ceil(rows / batch) }, (_, at): LabelledBatch => {
    const count = Math.min(batch, rows - at * batch);
    const label = (): number => prng.below(classes);
    return {
      rows: count, inputs: { x: { spec, rows: count, data: Float32Array.from({ length: count * product(shape) }, () => prng.normal()) } },
      labels: { '@label': index ? Int32Array.from({ length: count }, label) : Float32Array.from({ length: count }, label) },
    };
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
      engine.train(part, at, part.map(() => 0.001));
      at += part.length;
    }
  });
}

interface Keras {
  readonly epochs: readonly number[];
  readonly firstEpoch: number;
  readonly oneRow: number;
  readonly tensorflow: string;
  readonly keras: string;
}

function child<T>(command: string, args: readonly string[]): T {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

if (options.case !== undefined) {
  console.log(JSON.stringify(measure(options.case)));
} else {
  const results: Record<string, unknown> = {};
  for (const name of Object.keys(CASES)) {
    const own = child<Own>(process.execPath, [join(packageRoot(), 'bench', 'run.mjs'), 'training', '--case', name, '--epochs', String(epochs)]);
    const keras = options.python === undefined ? undefined : child<Keras>(options.python, [join(packageRoot(), 'bench', 'training_keras.py'), name, String(epochs)]);
    const beside = keras === undefined ? {} : {
      keras: median(keras.epochs), kerasFirstEpoch: median([keras.firstEpoch]), kerasOneRow: median([keras.oneRow]),
      timesAsFastAsKeras: median([median(keras.epochs) / own.compiled]), versions: `keras ${keras.keras}, tensorflow ${keras.tensorflow}`,
    };
    results[name] = { ...own, ...beside, timesAsFastAsEager: median([own.eager / own.compiled]) };
  }
  console.log(JSON.stringify({ unit: 'ms', load: loadavg()[0], results }, null, 2));
}
