import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OutputSpec, Tensor, TensorSpec } from '../../../src/core/tensor.ts';
import { constrain } from '../../../src/training/layers/constraints.ts';
import type { Constraint } from '../../../src/training/layers/constraints.ts';
import { GraphEngine } from '../../../src/training/graph/graph-engine.ts';
import { GraphPredictor } from '../../../src/training/graph/graph-predictor.ts';
import { TraceError, Tracer } from '../../../src/training/graph/tracer.ts';
import { layers } from '../../../src/training/layers/index.generated.ts';
import { losses } from '../../../src/training/losses/index.generated.ts';
import type { LayerConfig } from '../../../src/training/model/model-config.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { Named } from '../../../src/training/model/named.ts';
import { NO_LOGITS, Network } from '../../../src/training/model/network.ts';
import { optimizers, optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import type { LabelledBatch } from '../../../src/training/objectives/objective.ts';
import { product } from '../../../src/training/layers/shapes.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { createEngine } from '../../../src/training/trainer/create-engine.ts';
import { EagerEngine } from '../../../src/training/trainer/eager-engine.ts';
import type { EngineState, TrainingEngine } from '../../../src/training/trainer/engine.ts';
import type { EngineRequest } from '../../../src/training/trainer/update-rule.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import type { ResolvedModel } from '../../../src/training/model/resolve-model.ts';
import { recordingGradients } from './recorded-gradient.ts';

const tf = loadTf();
const ROWS = 8;
const LAST = 5;
const STEPS = 20;
const NUMBER: OutputSpec = { kind: 'number', name: 'y', width: 1 };
const TWO: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b'] };
const THREE: OutputSpec = { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] };

interface Task {
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerConfig[];
  readonly output: OutputSpec;
  readonly loss: Named;
  readonly optimizer?: Named;
  readonly weighted?: boolean;
}

const DENSE: Task = {
  inputs: [{ name: 'x', shape: [5], dtype: 'float32' }],
  layers: [
    { type: 'dense', units: 7, activation: 'tanh' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
  output: THREE,
  loss: 'categoricalCrossentropy',
};

const resolvedOf = ({ inputs, layers: specs, output, loss }: Task): ResolvedModel =>
  resolveModel({ model: { layers: specs }, inputs, output, loss });

function requestOf(task: Task, resolved = resolvedOf(task)): EngineRequest {
  return {
    objective: resolved.objective.create(resolved, {}),
    optimizer: resolveNamed(optimizerRegistry, task.optimizer ?? { sgd: { learningRate: 0.05 } }),
    seed: 3,
  };
}

/** Nineteen whole batches and a smaller one. */
function batchesOf(task: Task): LabelledBatch[] {
  const prng = new Prng('rows');
  const { labels } = resolvedOf(task).loss.definition;
  return Array.from({ length: STEPS }, (_, index) => {
    const rows = index === STEPS - 1 ? LAST : ROWS;
    const tensor = (spec: TensorSpec): Tensor => {
      const length = rows * product(spec.shape);
      const data =
        spec.vocabularySize === undefined
          ? Float32Array.from({ length }, () => prng.normal())
          : Int32Array.from({ length }, () => prng.below(spec.vocabularySize!));
      return { spec, rows, data };
    };
    const classes = task.output.kind === 'classes' ? task.output.classes.length : 0;
    const label = (): number => (task.output.kind === 'number' ? Math.abs(prng.normal()) : prng.below(classes));
    return {
      rows,
      inputs: Object.fromEntries(task.inputs.map((spec) => [spec.name, tensor(spec)])),
      labels: { '@label': labels === 'index' ? Int32Array.from({ length: rows }, label) : Float32Array.from({ length: rows }, label) },
      ...(task.weighted === true ? { rowWeights: Float32Array.from({ length: rows }, () => 0.5 + prng.uniform()) } : {}),
    };
  });
}

const SIZES = { train: [ROWS, LAST], evaluate: 12 };
const graphOf = (task: Task): GraphEngine => new GraphEngine(tf, requestOf(task), { ...SIZES, rowWeights: task.weighted === true });

/** @param group steps per call */
function trained(engine: TrainingEngine, batches: readonly LabelledBatch[], group: number, from = 0): number[] {
  const found: number[] = [];
  for (let at = from; at < batches.length;) {
    const whole = batches.slice(at, at + group).filter((batch) => batch.rows === batches[at]!.rows);
    found.push(
      ...engine
        .train(
          whole,
          at,
          whole.map((_, index) => 0.002 + 0.0001 * (at + index)),
        )
        .map(({ loss }) => loss),
    );
    at += whole.length;
  }
  return found;
}

function largestDifference(a: EngineState, b: EngineState): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  let largest = 0;
  for (const [name, values] of a)
    values.forEach((value, index) => {
      largest = Math.max(largest, Math.abs(value - b.get(name)![index]!));
    });
  return largest;
}

/**
 * Gradients to 1e-5 of the largest, losses of all steps to 1e-4.
 *
 * @param sizes of the batches that occur; a smaller last one has a graph of its own
 * @param steps at most
 */
function expectAgreement(task: Task, sizes: readonly number[] = [ROWS], steps = STEPS): void {
  const given = requestOf(task);
  const request = { ...given, optimizer: recordingGradients(given.optimizer) };
  const batches = batchesOf(task)
    .filter(({ rows }) => sizes.includes(rows))
    .slice(0, steps);
  const eager = new EagerEngine(tf, request);
  const graph = new GraphEngine(tf, request, { train: [...sizes], evaluate: ROWS, rowWeights: task.weighted === true });
  expect(graph.weights()).toEqual(eager.weights());
  const expected = trained(eager, batches.slice(0, 1), 1);
  const actual = trained(graph, batches.slice(0, 1), 1);
  expectSameGradients(eager.state(), graph.state());
  expected.push(...trained(eager, batches, 1, 1));
  actual.push(...trained(graph, batches, 7, 1));
  for (const [index, loss] of expected.entries())
    expect(Math.abs(actual[index]! - loss), `step ${index}`).toBeLessThan(1e-4 * Math.max(1, Math.abs(loss)));
  expect(largestDifference(eager.weights(), graph.weights())).toBeLessThan(1e-4);
  const { rowWeights: _weights, ...last } = batches.at(-1)!;
  const [a, b] = [eager.evaluate(last), graph.evaluate(last)];
  expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-3 * Math.max(1, Math.abs(a.loss)));
  expect(Object.keys(b.metrics)).toEqual(Object.keys(a.metrics));
  eager.dispose();
  graph.dispose();
}

function expectSameGradients(eager: EngineState, graph: EngineState): void {
  const [a, b] = [eager.get('slots/gradient')!, graph.get('slots/gradient')!];
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0);
  a.forEach((value, index) => {
    if (!(Math.abs(value - b[index]!) <= 1e-5 * Math.max(1, largest)))
      expect.fail(`gradient ${index}: ${b[index]} compiled, ${value} eager`);
  });
}

type Example = (typeof layers)[number]['examples'][number];

/** Examples of a layer side by side, each between inputs of its own and the common output: one graph for all. */
function taskOfLayer(type: string, examples: readonly Example[]): Task {
  const inputs: TensorSpec[] = [];
  const specs: LayerConfig[] = [];
  for (const [place, example] of examples.entries()) {
    const own = example.inputs.map((shape, index): TensorSpec =>
      example.integersBelow === undefined
        ? { name: `x${place}_${index}`, shape, dtype: 'float32' }
        : { name: `x${place}_${index}`, shape, dtype: 'int32', vocabularySize: example.integersBelow },
    );
    inputs.push(...own);
    const trainableFirst = example.integersBelow === undefined && own.length === 1 && own[0]!.shape.length === 1;
    if (trainableFirst) specs.push({ type: 'dense', name: `before${place}`, units: own[0]!.shape[0]!, inputs: [own[0]!.name] });
    specs.push({
      ...(example.config as object),
      type,
      name: `tested${place}`,
      inputs: trainableFirst ? [`before${place}`] : own.map(({ name }) => name),
    });
    specs.push({ type: 'flatten', name: `flat${place}`, inputs: [`tested${place}`] });
  }
  specs.push(
    { type: 'concatenate', name: 'all', inputs: examples.map((_, place) => `flat${place}`) },
    { type: 'dense', name: 'out', units: 1 },
  );
  return { inputs, output: NUMBER, loss: 'meanSquaredError', layers: specs };
}

/** Of each layer at most so many examples in one graph. */
const TOGETHER = 8;
const layerTasks = layers.flatMap(({ type, examples }) =>
  Array.from({ length: Math.ceil(examples.length / TOGETHER) }, (_, index) => {
    const some = examples.slice(index * TOGETHER, (index + 1) * TOGETHER);
    return [
      `${type}${examples.length > TOGETHER ? ` ${index * TOGETHER} to ${index * TOGETHER + some.length - 1}` : ''}`,
      type,
      some,
    ] as const;
  }),
);

// One by itself, and a call of seven: what a layer or a loss does wrong shows in the first gradient.
describe('both engines agree over 8 steps', () => {
  test.each(layerTasks)('layer %s', (_title, type, examples) => {
    expectAgreement(taskOfLayer(type, examples), [ROWS], 8);
  });

  test.each(losses.map((loss) => [loss.name, loss] as const))('loss %s', (name, loss) => {
    const output = loss.labels === 'number' ? NUMBER : loss.labels === 'binary' ? TWO : THREE;
    const units = output === THREE ? 3 : 1;
    expectAgreement(
      {
        ...DENSE,
        output,
        loss: name,
        layers: [
          { type: 'dense', units: 6, activation: 'tanh' },
          { type: 'dense', units, activation: loss.activations[0]! },
        ],
      },
      [ROWS],
      8,
    );
  });
});

// What an optimizer keeps between steps adds up.
describe('both engines agree over 20 steps', () => {
  const SETTINGS: Record<string, Record<string, unknown>[]> = {
    sgd: [{}, { momentum: 0.9 }, { momentum: 0.9, nesterov: true, clipNorm: 0.1 }],
    adam: [{}, { amsgrad: true, globalClipNorm: 0.5 }],
    rmsprop: [{}, { momentum: 0.5, centered: true, clipValue: 0.05 }],
  };
  test.each(
    optimizers.flatMap(({ name }) =>
      (SETTINGS[name] ?? [{}]).map((settings) => [`${name} ${JSON.stringify(settings)}`, { [name]: settings }] as const),
    ),
  )('optimizer %s', (_title, optimizer) => {
    expectAgreement({ ...DENSE, optimizer });
  });

  test('row weights, penalties, dropout, several inputs, masks', () => {
    expectAgreement(
      {
        ...DENSE,
        weighted: true,
        optimizer: 'adam',
        inputs: [...DENSE.inputs, { name: 'words', shape: [4], dtype: 'int32', vocabularySize: 9 }],
        layers: [
          { type: 'embedding', name: 'embedded', inputs: ['words'], inputDim: 9, outputDim: 3, maskZero: true },
          { type: 'gru', name: 'read', units: 4, dropout: 0.2, recurrentDropout: 0.2 },
          { type: 'dense', name: 'numbers', inputs: ['x'], units: 4, activation: 'relu', kernelRegularizer: { l1: 0.01, l2: 0.02 } },
          { type: 'concatenate', name: 'all', inputs: ['read', 'numbers'] },
          { type: 'batchNormalization' },
          { type: 'dropout', rate: 0.3 },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      },
      [ROWS, LAST],
    );
  });
});

test.each(['nonNeg', { maxNorm: { maxValue: 0.3 } }, { minMaxNorm: { minValue: 0.2, maxValue: 0.3, rate: 0.5 } }, 'unitNorm'])(
  'weights keep to the constraint %j after every update, others move freely',
  (constraint) => {
    const [first, second] = DENSE.layers as [LayerConfig, LayerConfig];
    const task: Task = {
      ...DENSE,
      optimizer: { sgd: { learningRate: 0.5, momentum: 0.9 } },
      layers: [
        { ...first, name: 'held', kernelConstraint: constraint },
        { ...second, name: 'free' },
      ],
    };
    expectAgreement(task);
    const [held, free] = [
      graphOf(task),
      graphOf({
        ...task,
        layers: [
          { ...first, name: 'held' },
          { ...second, name: 'free' },
        ],
      }),
    ];
    const batch = batchesOf(task).slice(0, 1);
    for (const engine of [held, free]) trained(engine, batch, 1);
    const kernel = (engine: TrainingEngine): import('@tensorflow/tfjs-node').Tensor =>
      tf.tensor2d(engine.weights().get('held/kernel')!, [5, 7]);
    expect(tf.max(tf.abs(tf.sub(kernel(held), constrain(tf, kernel(free), constraint as Constraint)))).dataSync()[0]).toBeLessThan(1e-6);
    expect(held.weights().get('free/kernel')).toEqual(free.weights().get('free/kernel'));
    for (const engine of [held, free]) engine.dispose();
  },
);

const NOISY: Task = {
  ...DENSE,
  optimizer: 'nadam',
  layers: [
    { type: 'dense', units: 9, activation: 'relu' },
    { type: 'batchNormalization' },
    { type: 'dropout', rate: 0.4 },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};

test('results do not depend on how steps are grouped into calls, nor on where training was interrupted', () => {
  const batches = batchesOf(NOISY);
  const whole = graphOf(NOISY);
  const expected = trained(whole, batches, 10);
  for (const group of [1, 3]) {
    const other = graphOf(NOISY);
    expect(trained(other, batches, group)).toEqual(expected);
    expect(other.state()).toEqual(whole.state());
    other.dispose();
  }
  for (const at of [1, 7, 19]) {
    const first = graphOf(NOISY);
    trained(first, batches.slice(0, at), 10);
    const second = graphOf(NOISY);
    second.restore(first.state());
    first.dispose();
    expect(trained(second, batches, 4, at)).toEqual(expected.slice(at));
    expect(second.state()).toEqual(whole.state());
    second.dispose();
  }
  whole.dispose();
});

test('weights can be set in the middle of training, and slots stay', () => {
  const batches = batchesOf(NOISY);
  const engine = graphOf(NOISY);
  const start = engine.weights();
  trained(engine, batches, 10);
  const slots = [...engine.state()].filter(([name]) => name.startsWith('slots/'));
  engine.setWeights(start);
  expect(engine.weights()).toEqual(start);
  expect([...engine.state()].filter(([name]) => name.startsWith('slots/'))).toEqual(slots);
  engine.dispose();
});

test('nothing piles up over many calls', () => {
  const engine = graphOf(NOISY);
  const batches = batchesOf(NOISY).slice(0, 10);
  const evaluated = { ...batches[0]! };
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) {
      engine.train(
        batches,
        0,
        batches.map(() => 0.001),
      );
      engine.evaluate(evaluated);
      if (round % 50 === 0) engine.state();
    }
  };
  rounds(300);
  const tensors = tf.memory().numTensors;
  const resident = process.memoryUsage().rss;
  rounds(1_500);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(process.memoryUsage().rss - resident).toBeLessThan(60e6);
  engine.dispose();
});

test('what cannot be recorded is named', () => {
  const refusal = (body: (x: import('@tensorflow/tfjs-node').Tensor) => import('@tensorflow/tfjs-node').Tensor): string => {
    const tracer = new Tracer(tf, 'x_');
    const x = tf.zeros([100, 100]);
    tracer.placeholder(x, 'x');
    try {
      tracer.trace(() => tracer.symbolOf(body(x)));
      return '';
    } catch (error) {
      expect(error).toBeInstanceOf(TraceError);
      return (error as Error).message;
    } finally {
      x.dispose();
    }
  };
  expect(refusal((x) => tf.add(x, tf.ones([100, 100])))).toBe('');
  expect(refusal((x) => tf.add(x, tf.randomNormal([100, 100], 0, 1, 'float32', 5)))).toContain('constant of shape [100, 100]');
  expect(refusal((x) => tf.add(x, tf.randomUniform([1])))).toContain('random draw without a seed');
  expect(
    refusal((x) => tf.cast(tf.multinomial(tf.reshape(x, [1, -1]) as import('@tensorflow/tfjs-node').Tensor2D, 4, 7), 'float32')),
  ).toContain('Multinomial');
});

test('a graph that would take minutes to load is not made', () => {
  const tracer = new Tracer(tf, 'x_');
  expect(() => {
    for (let count = 0; count <= 40_000; count++) tracer.add('NoOp', [], {});
  }).toThrow(/more than 40000 operations/);
});

test('an engine that was asked for by name refuses what it cannot do; "auto" says why it falls back', () => {
  const request = requestOf(DENSE);
  const resolved = resolvedOf(DENSE);
  const definition = {
    ...resolved.loss.definition,
    fromLogits: undefined,
    value: (_tf: typeof tf, _labels: unknown, predictions: import('@tensorflow/tfjs-node').Tensor) =>
      tf.sum(tf.mul(predictions, tf.randomUniform([ROWS, 3])), -1),
  };
  const broken = requestOf(DENSE, { ...resolved, loss: { ...resolved.loss, definition } } as unknown as ResolvedModel);
  const sizes = { train: [ROWS], evaluate: undefined, rowWeights: false };
  expect(createEngine(tf, request, sizes, 'auto').engine.name).toBe('compiled');
  expect(createEngine(tf, request, sizes, 'eager')).toMatchObject({ engine: { name: 'eager' } });
  const chosen = createEngine(tf, broken, sizes, 'auto');
  expect(chosen.engine.name).toBe('eager');
  expect(chosen.reason).toContain('random draw');
  expect(() => createEngine(tf, broken, sizes, 'compiled')).toThrow(/cannot be compiled.*random draw/);
});

test.each([
  ['a table', DENSE],
  [
    'words',
    {
      ...DENSE,
      inputs: [{ name: 'words', shape: [4], dtype: 'int32', vocabularySize: 9 }],
      layers: [
        { type: 'embedding', inputDim: 9, outputDim: 3, maskZero: true },
        { type: 'gru', units: 4 },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    } satisfies Task,
  ],
  [
    'images',
    {
      ...DENSE,
      inputs: [{ name: 'image', shape: [6, 6, 1], dtype: 'float32' }],
      layers: [
        { type: 'conv2d', filters: 4, kernelSize: 3, activation: 'relu' },
        { type: 'batchNormalization' },
        { type: 'maxPooling2d' },
        { type: 'flatten' },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    } satisfies Task,
  ],
])('a compiled predictor answers %s as the network does, whatever the number of rows', (_title, task: Task) => {
  const network = new Network(resolvedOf(task).topology);
  const weights = network.initialWeights(5);
  const predictor = new GraphPredictor(tf, network, weights);
  const [spec] = task.inputs as [TensorSpec];
  const prng = new Prng('rows');
  for (const rows of [0, 1, 3, 64, 67, 130]) {
    const length = rows * product(spec.shape);
    const data =
      spec.vocabularySize === undefined
        ? Float32Array.from({ length }, () => prng.normal())
        : Int32Array.from({ length }, () => prng.below(9));
    const batch = { [spec.name]: { spec, rows, data } };
    const actual = predictor.predict(batch, rows, 3);
    const expected =
      rows === 0
        ? []
        : tf.tidy(() => {
            const tensors = new Map(
              [...weights].map(([name, values]) => [
                name,
                tf.tensor(values, [...network.weights.find(({ fullName }) => fullName === name)!.shape]),
              ]),
            );
            return network
              .forward(tf, network.inputTensors(tf, batch), tensors, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS })
              .output.dataSync();
          });
    expect(actual.length).toBe(expected.length);
    actual.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-6));
  }
  predictor.dispose();
});
