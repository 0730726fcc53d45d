import { hash32 } from '../../core/prng.ts';
import { PerennialError } from '../../core/errors.ts';
import { adversarialLosses, gradientPenalty } from './shared/adversarial-losses.ts';
import type { GanConfig } from '../architectures/gan.architecture.ts';
import { describeTopology } from '../model/describe.ts';
import { LATENT, LATENT_LABEL, latentBatch } from '../../data/answers/latent.ts';
import { imageGrid } from '../../data/images/sample-images.ts';
import type { LossDefinition } from '../losses/loss.ts';
import { NO_LOGITS, Network, inputTensors } from '../model/network.ts';
import type { ForwardResult, NamedWeight } from '../model/network.ts';
import { defineObjective, withAdded, withPenalty } from './objective.ts';
import type { Objective, ObjectiveContext, ObjectiveOptions, ObjectiveRequest } from './objective.ts';
import type { LabelledTensors } from './labelled.ts';
import { showShape } from '../layers/shapes.ts';
import { loadTf, statelessNormal, statelessUniform } from '../tensorflow/tf.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

const LABEL = '@label';
/** Before the names of the weights of the discriminator. */
const OTHER = 'discriminator/';
const PENALTY = 10;
const CRITIC_STEPS = 5;
/** Samples of a snapshot. */
const SHOWN = 20;
const SHOWN_COLUMNS = 10;

/** What stands for the loss of a gan, which is one of two networks. */
const adversarial: LossDefinition = {
  name: 'adversarial',
  summary: 'A generator against a discriminator.',
  configSchema: { type: 'object' },
  labels: 'number',
  activations: [],
  value() {
    throw new PerennialError('INTERNAL', 'The adversarial loss is one of two networks.');
  },
  reference: 'https://arxiv.org/abs/1406.2661',
};

export default defineObjective({
  name: 'adversarial',
  summary: 'Two networks against each other: one makes examples of noise, the other tells them from real ones.',
  reports: [
    'loss',
    'generatorLoss',
    'discriminatorLoss',
    'gradientPenalty',
    'validationGeneratorLoss',
    'wassersteinDistance',
    'discriminatorAccuracy',
  ],
  resolveLoss(named, _output, model) {
    if (named !== undefined) {
      throw new PerennialError('CONFIG_INVALID', 'The train step names a loss, but the losses of a gan are those of its two networks.', {
        hint: 'Leave "loss" of the train step out, and give "loss" of the model: "binaryCrossentropy", "leastSquares", "hinge" or "wasserstein".',
      });
    }
    return { name: 'adversarial', definition: adversarial, config: { loss: (model as unknown as GanConfig).loss } };
  },
  check({ topology, inputs }) {
    const { outputShape } = describeTopology(topology);
    if (showShape(outputShape) !== showShape(inputs[0]!.shape))
      throw new PerennialError(
        'SHAPE_MISMATCH',
        `The generator gives ${showShape(outputShape)}, but the examples are ${showShape(inputs[0]!.shape)}.`,
      );
  },
  modelOutput({ model, inputs, output }) {
    const { latentSize, conditional } = model as unknown as GanConfig;
    const { name, shape, range } = inputs[0]!;
    return {
      kind: 'samples',
      name,
      shape,
      latentSize,
      ...(shape.length === 3 ? { range: range ?? [0, 1] } : {}),
      ...(conditional && output.kind === 'classes' ? { label: { name: output.name, classes: output.classes } } : {}),
    };
  },
  create,
});

function create({ model, topology, companions, inputs, output }: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  if (classWeights !== undefined)
    throw new PerennialError('CONFIG_INVALID', 'The train step gives "classWeights", but a gan learns to make rows as they come.', {
      hint: 'Leave "classWeights" out, or balance the rows with "balance" in the preprocess step.',
    });
  const config = model as unknown as GanConfig;
  const loss = adversarialLosses[config.loss];
  const wasserstein = config.loss === 'wasserstein';
  const penaltyWeight = wasserstein ? (config.gradientPenalty ?? PENALTY) : 0;
  const [sample] = inputs;
  const generator = new Network(topology);
  const discriminator = new Network(companions.discriminator!);
  const isOther = ({ fullName }: NamedWeight): boolean => fullName.startsWith(OTHER);
  const others = discriminator.weights.map((spec): NamedWeight => ({ ...spec, fullName: OTHER + spec.fullName }));

  const generated = (
    tf: Tf,
    weights: ReadonlyMap<string, Tensor>,
    latent: Tensor,
    labels: Tensor | undefined,
    context: ObjectiveContext,
    training: boolean,
  ): ForwardResult =>
    generator.forward(tf, { [LATENT]: latent, ...(labels === undefined ? {} : { [LATENT_LABEL]: labels }) }, weights, {
      training,
      ...context,
      logits: NO_LOGITS,
    });
  /** @param draw makes the random numbers of its layers others than those of the other calls */
  const judged = (
    tf: Tf,
    weights: ReadonlyMap<string, Tensor>,
    x: Tensor,
    labels: Tensor | undefined,
    context: ObjectiveContext,
    draw: string,
    training: boolean,
  ): ForwardResult & { readonly verdict: Tensor } => {
    const own = new Map(discriminator.weights.map(({ fullName }) => [fullName, weights.get(OTHER + fullName)!]));
    const result = discriminator.forward(tf, { [sample!.name]: x, ...(labels === undefined ? {} : { [LATENT_LABEL]: labels }) }, own, {
      training,
      iteration: context.iteration,
      seed: hash32(context.seed, draw),
      logits: NO_LOGITS,
    });
    return {
      ...result,
      verdict: tf.reshape(result.output, [x.shape[0]]),
      updates: new Map([...result.updates].map(([name, value]) => [OTHER + name, value])),
    };
  };
  const noise = (tf: Tf, rows: number, { seed, iteration }: ObjectiveContext): Tensor =>
    statelessNormal(tf, [rows, config.latentSize], [hash32(seed, 'latent') | 0, iteration]);
  const read = ({ inputs: tensors, labels }: LabelledTensors): { real: Tensor; rows: number; labels: Tensor | undefined } => {
    const real = tensors[sample!.name]!;
    return { real, rows: real.shape[0], labels: labels[LABEL] };
  };
  const mean = (
    tf: Tf,
    losses: Tensor,
    added: readonly Tensor[],
    specs: readonly NamedWeight[],
    weights: ReadonlyMap<string, Tensor>,
  ): Tensor => {
    const all = withAdded(tf, losses, added);
    return withPenalty(tf, all.scalar === undefined ? tf.mean(all.losses) : tf.add(tf.mean(all.losses), all.scalar), specs, weights);
  };

  return {
    topologies: [topology, companions.discriminator!],
    weights: [...generator.weights, ...others],
    inputs: [sample!],
    labels: config.conditional ? [{ name: LABEL, shape: [1], dtype: 'int32' }] : [],
    numbers: ['loss', 'generatorLoss', 'discriminatorLoss', ...(wasserstein ? ['gradientPenalty'] : [])],
    metrics: ['validationGeneratorLoss', loss.threshold === undefined ? 'wassersteinDistance' : 'discriminatorAccuracy'],
    groups: [
      {
        includes: (weight) => !isOther(weight),
        learningRateFactor: config.generator.learningRateFactor,
        from: 0,
        every: config.criticSteps ?? (wasserstein ? CRITIC_STEPS : 1),
      },
      { includes: isOther, learningRateFactor: config.discriminator.learningRateFactor, from: 0, every: 1 },
    ],
    parts: [
      {
        owns: isOther,
        loss(tf, weights, batch, context) {
          const { real, rows, labels } = read(batch);
          const fake = generated(tf, weights, noise(tf, rows, context), labels, context, true).output;
          const first = judged(tf, weights, real, labels, context, 'real', true);
          // Statistics of the batch of real rows come first, those of generated ones are added to them.
          const second = judged(tf, new Map([...weights, ...first.updates]), fake, labels, context, 'generated', true);
          let losses = loss.discriminator(tf, first.verdict, second.verdict, config.labelSmoothing);
          const reported: Record<string, Tensor> = {};
          if (wasserstein) {
            const share = statelessUniform(tf, [rows, 1], [hash32(context.seed, 'between') | 0, context.iteration]);
            const penalties = gradientPenalty(
              tf,
              (x) => judged(tf, weights, x, labels, context, 'between', true).verdict,
              real,
              fake,
              share,
            );
            losses = tf.add(losses, tf.mul(penalties, penaltyWeight));
            reported.gradientPenalty = tf.mean(penalties);
          }
          if (batch.rowWeights !== undefined) losses = tf.mul(losses, batch.rowWeights);
          const total = mean(tf, losses, [...first.losses, ...second.losses], others, weights);
          return { loss: total, reported: { ...reported, discriminatorLoss: total }, updates: second.updates };
        },
      },
      {
        owns: (weight) => !isOther(weight),
        loss(tf, weights, batch, context) {
          const { rows, labels } = read(batch);
          const made = generated(tf, weights, noise(tf, rows, context), labels, context, true);
          const { verdict } = judged(tf, weights, made.output, labels, context, 'generator', true);
          const total = mean(tf, loss.generator(tf, verdict), made.losses, generator.weights, weights);
          return { loss: total, reported: { generatorLoss: total }, updates: made.updates };
        },
      },
    ],
    initialWeights: (seed) =>
      new Map([
        ...generator.initialWeights(seed),
        ...[...discriminator.initialWeights(hash32(seed, OTHER))].map(([name, values]) => [OTHER + name, values] as const),
      ]),
    inputTensors: (tf, batch) => inputTensors(tf, [sample!], batch),
    batch(tensors) {
      const { rows } = tensors[sample!.name]!;
      const labels: Record<string, Int32Array> = config.conditional
        ? { [LABEL]: classIndices(tensors[LABEL]!.data, output.kind === 'classes' ? output.classes.length : 0) }
        : {};
      return { inputs: tensors, labels, rows };
    },
    evaluate(tf, weights, batch) {
      const { real, rows, labels } = read(batch);
      // The same noise in every look, so that looks can be compared.
      const context = { seed: 0, iteration: 0 };
      const fake = generated(tf, weights, noise(tf, rows, context), labels, context, false);
      const first = judged(tf, weights, real, labels, context, 'real', false);
      const second = judged(tf, weights, fake.output, labels, context, 'generated', false);
      const { losses, scalar } = withAdded(tf, loss.discriminator(tf, first.verdict, second.verdict, 0), [
        ...first.losses,
        ...second.losses,
      ]);
      return {
        losses,
        penalty: withPenalty(tf, scalar ?? tf.scalar(0), others, weights),
        output: tf.stack([loss.generator(tf, second.verdict), first.verdict, second.verdict], 1),
      };
    },
    snapshot(weights) {
      const { shape, range } = sample!;
      if (shape.length !== 3) return undefined;
      const tf = loadTf();
      const classes = output.kind === 'classes' && config.conditional ? output.classes.length : undefined;
      const { latent, label } = latentBatch(
        {
          latentSize: config.latentSize,
          ...(classes === undefined ? {} : { label: output as { name: string; classes: readonly string[] } }),
        },
        Array.from({ length: SHOWN }, (_, seed) => ({ seed, ...(classes === undefined ? {} : { label: seed % classes }) })),
      );
      return tf.tidy(() => {
        const own = new Map(
          generator.weights.map(({ fullName, shape: size }) => [fullName, tf.tensor(weights.get(fullName)!, [...size], 'float32')]),
        );
        const tensors = generator.inputTensors(tf, { latent: latent!, ...(label === undefined ? {} : { label }) });
        const made = generated(tf, own, tensors[LATENT]!, tensors[LATENT_LABEL], { seed: 0, iteration: 0 }, false).output;
        return imageGrid(made.dataSync() as Float32Array, { shape, range: range ?? [0, 1] }, SHOWN_COLUMNS).toString('base64');
      });
    },
    metricSums(values, { rows }) {
      const sums = { generator: 0, right: 0, distance: 0 };
      for (let row = 0; row < rows; row++) {
        const [own, real, fake] = values.subarray(3 * row, 3 * row + 3) as unknown as [number, number, number];
        sums.generator += own;
        sums.distance += real - fake;
        if (loss.threshold !== undefined) sums.right += ((real > loss.threshold ? 1 : 0) + (fake > loss.threshold ? 0 : 1)) / 2;
      }
      return {
        validationGeneratorLoss: sums.generator,
        ...(loss.threshold === undefined ? { wassersteinDistance: sums.distance } : { discriminatorAccuracy: sums.right }),
      };
    },
  };
}

/** @throws DATA_INVALID for a label that is none of the classes */
function classIndices(data: ArrayLike<number>, classes: number): Int32Array {
  return Int32Array.from(data, (index) => {
    if (Number.isInteger(index) && index >= 0 && index < classes) return index;
    throw new PerennialError('DATA_INVALID', `A row has the label ${index}; ${classes} classes were learned of.`, {
      hint: 'Drop rows without a label.',
    });
  });
}
