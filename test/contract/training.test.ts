import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { activate } from '../../src/training/layers/activations.ts';
import { callbackRegistry } from '../../src/training/callbacks/index.generated.ts';
import type { CallbackDefinition, TrainingFacts } from '../../src/training/callbacks/callback.ts';
import { exportRegistry } from '../../src/training/exports/index.generated.ts';
import type { ExportDefinition } from '../../src/training/exports/export.ts';
import { exportNetwork } from '../../src/training/bundle/create-export.ts';
import { lossRegistry } from '../../src/training/losses/index.generated.ts';
import type { LossDefinition } from '../../src/training/losses/loss.ts';
import { withDefaults } from '../../src/training/model/named.ts';
import { architectureRegistry } from '../../src/training/architectures/index.generated.ts';
import type { ArchitectureDefinition } from '../../src/training/architectures/architecture.ts';
import { objectiveRegistry } from '../../src/training/objectives/index.generated.ts';
import type { ObjectiveDefinition } from '../../src/training/objectives/objective.ts';
import { optimizerRegistry } from '../../src/training/optimizers/index.generated.ts';
import type { OptimizerDefinition } from '../../src/training/optimizers/optimizer.ts';
import { loadTf } from '../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../src/training/tensorflow/tf.ts';
import { EXPORT_CASES, exportRows, exportSource } from '../golden/training/export-cases.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

const tf = loadTf();
const golden = (name: string): string => readFileSync(new URL(`../golden/training/${name}`, import.meta.url), 'utf8');
const casesOf = <T>(name: string): T[] => (JSON.parse(golden(`${name}.json`)) as { cases: T[] }).cases;

interface Described {
  readonly configSchema: object;
}

const hasSchema = ({ configSchema }: Described): void => {
  expect(looseParts(configSchema)).toEqual([]);
  expect(validator(configSchema as never)({ misspelt: 1 })).toBe(false);
};

describe('losses', () => {
  /** Rows of labels with predictions that are better and worse. */
  const examples: Readonly<Record<LossDefinition['labels'], (loss: LossDefinition) => { labels: Tensor; better: Tensor; worse: Tensor }>> =
    {
      index: () => ({
        labels: tf.tensor1d([0, 1, 2], 'int32'),
        better: tf.tensor2d([0.8, 0.1, 0.1, 0.1, 0.7, 0.2, 0.1, 0.1, 0.8], [3, 3]),
        worse: tf.tensor2d([0.1, 0.8, 0.1, 0.4, 0.1, 0.5, 0.6, 0.3, 0.1], [3, 3]),
      }),
      binary: () => ({
        labels: tf.tensor2d([0, 1, 1], [3, 1]),
        better: tf.tensor2d([0.1, 0.9, 0.8], [3, 1]),
        worse: tf.tensor2d([0.7, 0.2, 0.1], [3, 1]),
      }),
      number: () => ({
        labels: tf.tensor2d([0.5, 0.25, 1, 2, 0.25, 0.5], [3, 2]),
        better: tf.tensor2d([0.5, 0.3, 1.1, 2, 0.25, 0.6], [3, 2]),
        worse: tf.tensor2d([0.1, 2.25, 3, 1, 1.25, 0.1], [3, 2]),
      }),
    };
  const configOf = (loss: LossDefinition): object => withDefaults(loss.configSchema, {});
  const laws = {
    'has a closed, described schema': hasSchema,
    'is smaller for what is better, in every row': (loss: LossDefinition) => {
      tf.tidy(() => {
        const { labels, better, worse } = examples[loss.labels](loss);
        const [low, high] = [better, worse].map((predictions) => [...loss.value(tf, labels, predictions, configOf(loss)).dataSync()]);
        expect(low).toHaveLength(3);
        low!.forEach((value, row) => expect(value).toBeLessThan(high![row]!));
      });
    },
    'is of each row for itself': (loss: LossDefinition) => {
      tf.tidy(() => {
        const { labels, worse } = examples[loss.labels](loss);
        const all = [...loss.value(tf, labels, worse, configOf(loss)).dataSync()];
        for (const row of [0, 1, 2]) {
          const place = tf.tensor1d([row], 'int32');
          const [value] = loss.value(tf, tf.gather(labels, place), tf.gather(worse, place), configOf(loss)).dataSync();
          expect(value).toBeCloseTo(all[row]!, 5);
        }
      });
    },
    'is the same from the values before the activation': (loss: LossDefinition) => {
      const { fromLogits } = loss;
      if (fromLogits === undefined || loss.endsLinear === true) return;
      tf.tidy(() => {
        const { labels } = examples[loss.labels](loss);
        const width = loss.labels === 'index' ? 3 : loss.labels === 'binary' ? 1 : 2;
        const logits = tf.tensor2d([0.5, -1, 2, 0.25, -0.5, 1, 1.5, -2, 0.75].slice(0, 3 * width), [3, width]);
        const through = loss.value(tf, labels, activate(tf, logits, fromLogits.activation as never), configOf(loss));
        const direct = fromLogits.value(tf, labels, logits, configOf(loss));
        [...direct.dataSync()].forEach((value, row) => expect(value).toBeCloseTo(through.dataSync()[row]!, 4));
      });
    },
    'has a golden value, or a reason for none': goldenLaw<LossDefinition>('loss', ({ name }) => name, {
      names: new Set(['losses', 'more_losses'].flatMap((name) => casesOf<{ name: string }>(name).map((each) => each.name))),
      add: 'Let test/golden/training/make_losses.py work one out with Keras.',
      file: 'test/contract/training.test.ts',
    }),
  };
  const squares = lossRegistry.get('meanSquaredError');
  const entropy = lossRegistry.get('binaryCrossentropy');
  describeLaws<LossDefinition>({
    kind: 'loss',
    definitions: lossRegistry.all(),
    nameOf: ({ name }) => name,
    laws,
    mutants: {
      'has a closed, described schema': [{ ...squares, configSchema: { type: 'object' } }],
      'is smaller for what is better, in every row': [{ ...squares, value: (lib, ...given) => lib.neg(squares.value(lib, ...given)) }],
      'is of each row for itself': [
        {
          ...squares,
          value: (lib, ...given) => {
            const values = squares.value(lib, ...given);
            return lib.add(values, lib.mean(values));
          },
        },
      ],
      'is the same from the values before the activation': [
        {
          ...entropy,
          fromLogits: {
            activation: 'sigmoid',
            value: (lib, labels, logits, config) => entropy.value(lib, labels, lib.sigmoid(lib.mul(logits, 2)), config),
          },
        },
      ],
      'has a golden value, or a reason for none': [{ ...squares, name: 'new' }],
    },
  });
});

describe('optimizers', () => {
  const configOf = (optimizer: OptimizerDefinition): any => withDefaults(optimizer.configSchema, {});
  /** Updates of weights along gradients that stay the same. */
  const after = (optimizer: OptimizerDefinition, start: readonly number[], gradient: readonly number[], steps: number): number[] =>
    tf.tidy(() => {
      const config = configOf(optimizer);
      let weights: Tensor = tf.tensor1d([...start]);
      let slots: Record<string, Tensor> = Object.fromEntries(
        Object.entries(optimizer.slots(config)).map(([name, initial]) => [name, tf.fill([start.length], initial) as Tensor]),
      );
      for (let step = 1; step <= steps; step += 1) {
        const scalars = Object.fromEntries(
          Object.entries(optimizer.scalars(step, config.learningRate, config)).map(([name, value]) => [name, tf.scalar(value) as Tensor]),
        );
        const result = optimizer.update(tf, { weights, gradient: tf.tensor1d([...gradient]), slots, scalars }, config);
        expect(Object.keys(result.slots).sort()).toEqual(Object.keys(slots).sort());
        ({ weights } = result);
        slots = { ...result.slots };
      }
      return [...weights.dataSync()];
    });
  const laws = {
    'has a closed, described schema': hasSchema,
    'goes against the gradient, and nowhere without one': (optimizer: OptimizerDefinition) => {
      const [down, up] = after(optimizer, [1, -1], [2, -2], 3);
      expect(down).toBeLessThan(1);
      expect(up).toBeGreaterThan(-1);
      const config = configOf(optimizer);
      if (config.weightDecay === undefined || config.weightDecay === 0) expect(after(optimizer, [1], [0], 3)).toEqual([1]);
    },
    'moves each weight for itself: many as one vector are many alone': (optimizer: OptimizerDefinition) => {
      const together = after(optimizer, [1, -2, 0.5], [0.3, -1, 2], 3);
      const alone = [after(optimizer, [1], [0.3], 3), after(optimizer, [-2], [-1], 3), after(optimizer, [0.5], [2], 3)].flat();
      together.forEach((value, at) => expect(value).toBeCloseTo(alone[at]!, 6));
    },
    'has a golden value, or a reason for none': goldenLaw<OptimizerDefinition>('optimizer', ({ name }) => name, {
      names: new Set(
        optimizerRegistry
          .names()
          .filter((name) => golden('optimizers.json').includes(`"${name}"`) || golden('more_optimizers.json').includes(`"${name}"`)),
      ),
      add: 'Let test/golden/training/make_keras.py work out its path with Keras.',
      file: 'test/contract/training.test.ts',
    }),
  };
  const sgd = optimizerRegistry.get('sgd');
  describeLaws<OptimizerDefinition>({
    kind: 'optimizer',
    definitions: optimizerRegistry.all(),
    nameOf: ({ name }) => name,
    laws,
    mutants: {
      'has a closed, described schema': [{ ...sgd, configSchema: { type: 'object' } }],
      'goes against the gradient, and nowhere without one': [
        { ...sgd, update: (lib, step, config) => sgd.update(lib, { ...step, gradient: lib.neg(step.gradient) }, config) },
        { ...sgd, update: (lib, step, config) => sgd.update(lib, { ...step, gradient: lib.add(step.gradient, 0.1) }, config) },
        { ...sgd, update: (lib, step, config) => ({ ...sgd.update(lib, step, config), slots: { another: step.weights } }) },
      ],
      'moves each weight for itself: many as one vector are many alone': [
        {
          ...sgd,
          update: (lib, step, config) => sgd.update(lib, { ...step, gradient: lib.div(step.gradient, lib.norm(step.gradient)) }, config),
        },
      ],
      'has a golden value, or a reason for none': [{ ...sgd, name: 'new' }],
    },
  });
});

describe('callbacks', () => {
  const FACTS: TrainingFacts = { epochs: 12, stepsPerEpoch: 4, steps: 48, numbers: ['loss', 'validationLoss'] };
  /** Falls, rises, and stays. */
  const LOSSES = [5, 4, 3, 3.5, 3.2, 3.1, 3.05, 3.04, 3.03, 3.02, 3.01, 3.005];
  const EXAMPLES: Readonly<Record<string, object>> = {
    earlyStopping: { patience: 4 },
    reduceOnPlateau: { patience: 2, factor: 0.5, monitor: 'validationLoss' },
    learningRateSchedule: { schedule: 'cosine' },
  };
  const configOf = (definition: CallbackDefinition): object =>
    withDefaults(definition.configSchema, (EXAMPLES[definition.name] ?? {}) as Record<string, unknown>);
  /** What it says of every epoch; its state passes through JSON at those that are given. */
  const told = (definition: CallbackDefinition, interruptedAt: readonly number[]): unknown[] => {
    let callback = definition.create(configOf(definition), FACTS);
    return LOSSES.map((loss, index) => {
      if (interruptedAt.includes(index)) {
        const state = JSON.parse(JSON.stringify(callback.state())) as never;
        callback = definition.create(configOf(definition), FACTS);
        callback.restore(state);
      }
      return [
        callback.learningRateFactor?.(4 * index, index),
        callback.momentum?.(4 * index),
        callback.epochEnd?.(index + 1, { loss, validationLoss: loss }, 0.1),
      ];
    });
  };
  /** By hand: what it says of {@link LOSSES}, as [factor of the rate, momentum, verdict] per epoch. */
  const WORKED: Readonly<Record<string, (told: readonly (readonly [number?, number?, { stop?: string }?])[]) => void>> = {
    // The best is the third epoch; the four after it are not better.
    earlyStopping: (epochs) => expect(epochs.findIndex(([, , verdict]) => verdict?.stop !== undefined)).toBe(6),
    // Two epochs that are not better, and so on: the fifth and the seventh end with a smaller rate for the next.
    reduceOnPlateau: (epochs) =>
      expect(epochs.map(([factor]) => factor)).toEqual([1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]),
  };
  const laws = {
    'has a closed, described schema': hasSchema,
    'gives the values that were worked out by hand': (definition: CallbackDefinition) =>
      WORKED[definition.name]?.(told(definition, []) as [number?, number?, { stop?: string }?][]),
    'goes on from any checkpoint as if nothing had been': (definition: CallbackDefinition) => {
      const whole = told(definition, []);
      for (let epoch = 1; epoch < LOSSES.length; epoch += 1) expect(told(definition, [epoch])).toEqual(whole);
      expect(told(definition, [2, 5, 8])).toEqual(whole);
    },
    'does something in a training that falls, rises and stays': (definition: CallbackDefinition) => {
      expect(new Set(told(definition, []).map((each) => JSON.stringify(each))).size).toBeGreaterThan(1);
    },
    'has a golden value, or a reason for none': goldenLaw<CallbackDefinition>('callback', ({ name }) => name, {
      names: new Set(['learningRateSchedule', ...Object.keys(WORKED)]),
      add: 'Let a script in test/golden/training work one out and name it here, or put one that can be checked by hand into WORKED.',
      file: 'test/contract/training.test.ts',
    }),
  };
  const stopping = callbackRegistry.get('earlyStopping');
  describeLaws<CallbackDefinition>({
    kind: 'callback',
    definitions: callbackRegistry.all(),
    nameOf: ({ name }) => name,
    laws,
    mutants: {
      'has a closed, described schema': [{ ...stopping, configSchema: { type: 'object' } }],
      'gives the values that were worked out by hand': [{ ...stopping, create: () => ({ state: () => ({}), restore() {} }) }],
      'goes on from any checkpoint as if nothing had been': [
        {
          ...stopping,
          create: (config, facts) => ({
            ...stopping.create(config, facts),
            state: () => ({}),
            restore() {},
            epochEnd: stopping.create(config, facts).epochEnd!.bind(stopping.create(config, facts)),
          }),
        },
      ],
      'does something in a training that falls, rises and stays': [
        { ...stopping, create: () => ({ state: () => ({}), restore() {}, epochEnd: () => ({}) }) },
      ],
      'has a golden value, or a reason for none': [{ ...stopping, name: 'new' }],
    },
  });
});

describe('architectures and objectives', () => {
  describeLaws<ArchitectureDefinition>({
    kind: 'architecture',
    definitions: architectureRegistry.all(),
    nameOf: ({ name }) => name,
    laws: {
      'has a closed, described schema': hasSchema,
      'has a golden value, or a reason for none': goldenLaw<ArchitectureDefinition>('architecture', ({ name }) => name, {
        names: new Set(architectureRegistry.names().filter((name) => golden('export-cases.ts').includes(`architecture: '${name}'`))),
        add: 'Put a case into test/golden/training/export-cases.ts, and let make_exports.py run it in Keras.',
        file: 'test/contract/training.test.ts',
        reasons: {
          autoencoder:
            'test/golden/training/vae.json holds the losses of the variational one; the others are dense, cnn and rnn, turned around.',
          gan: 'test/golden/training/gradient-penalty.json holds the gradients of both of its networks.',
          mixed:
            'Made of the encoders of the other architectures, which have theirs: test/unit/training/mixed.test.ts looks at how they join.',
        },
      }),
    },
    mutants: {
      'has a closed, described schema': [{ ...architectureRegistry.get('mlp'), configSchema: { type: 'object' } }],
      'has a golden value, or a reason for none': [{ ...architectureRegistry.get('mlp'), name: 'new' }],
    },
  });
  describeLaws<ObjectiveDefinition>({
    kind: 'objective',
    definitions: objectiveRegistry.all(),
    nameOf: ({ name }) => name,
    laws: {
      'has a golden value, or a reason for none': goldenLaw<ObjectiveDefinition>('objective', ({ name }) => name, {
        names: new Set(['nextToken', 'reconstruction', 'adversarial', 'supervised']),
        add: 'Let a script in test/golden/training train a few updates elsewhere (as make_next_token.py, make_vae.py, make_gradient_penalty.py and make_fit.py do), and name it here.',
        file: 'test/contract/training.test.ts',
      }),
    },
    mutants: { 'has a golden value, or a reason for none': [{ ...objectiveRegistry.get('supervised'), name: 'new' }] },
  });
});

describe('exports', () => {
  const mlp = EXPORT_CASES.find(({ name }) => name === 'mlp')!;
  const written = async (definition: ExportDefinition): Promise<void> => {
    const config = withDefaults(definition.configSchema, (definition.examples[0] ?? {}) as Record<string, unknown>);
    const { check } = await exportNetwork(
      exportSource(mlp),
      Buffer.from('{}'),
      { [definition.name]: config },
      { batch: exportRows(mlp), rows: 7, source: 'test' },
    );
    expect(check.rows).toBe(7);
    expect(check.largestDifference).toBeLessThanOrEqual(definition.bound(config));
  };
  describeLaws<ExportDefinition>({
    kind: 'export',
    definitions: exportRegistry.all(),
    nameOf: ({ name }) => name,
    laws: {
      'has a closed, described schema': hasSchema,
      'says where its format is described': ({ reference }) => expect(reference).toMatch(/^https:\/\//),
      'reads back what it writes, and answers as the model does': written,
    },
    mutants: {
      'has a closed, described schema': [{ ...exportRegistry.get('tfjs'), configSchema: { type: 'object' } }],
      'says where its format is described': [{ ...exportRegistry.get('tfjs'), reference: 'a book' }],
      // A format of this name is not registered: what cannot be read back by its name is noticed.
      'reads back what it writes, and answers as the model does': [
        { ...exportRegistry.get('tfjs'), name: 'new' },
        { ...exportRegistry.get('tfjs'), bound: () => -1 },
      ],
    },
  });
});
