import { PerennialError } from '../core/errors.ts';
import { labelName } from '../data/examples.ts';
import { endsWithActivation, outputActivation, shapesOf } from './describe.ts';
import { headWidth } from './heads.ts';
import { Network } from './network.ts';
import { defineObjective, withAdded, withPenalty } from './objective.ts';
import type { HeadLoss, Objective, ObjectiveOptions, ObjectiveRequest } from './objective.ts';
import { checkHead } from './output-head.ts';
import { resolveLoss } from './registries.ts';
import { adaptLabels } from './trainer/labels.ts';
import { metricNames, metricSums } from './trainer/light-metrics.ts';
import type { Tensor, Tf } from './tf.ts';

/** What learning from labels becomes where there are several. */
export const severalOutputs = defineObjective({
  name: 'severalOutputs',
  summary: 'Learning from several labels at once: the weighted sum of the mean losses of the outputs.',
  resolveLoss(named, output) {
    if (named !== undefined) throw new PerennialError('MODEL_INVALID', `"loss" does not say which of the labels ${output.name} it is for.`, { hint: 'Give "losses" with a loss by the name of each label, or leave it out.' });
    return resolveLoss(undefined, output.kind === 'several' ? output.outputs[0]! : output);
  },
  check({ topology, heads }) {
    const shapes = shapesOf(topology);
    heads!.forEach(({ output, loss }, index) => {
      const name = topology.heads![index]!;
      checkHead({ name, activation: outputActivation({ ...topology, output: name }), shape: shapes.get(name)! }, output, loss);
    });
  },
  modelOutput: ({ output }) => output,
  create,
});

/** One output as the loss and the metrics read it. */
interface Head extends HeadLoss {
  /** Of the layer that gives it. */
  readonly layer: string;
  readonly label: string;
  readonly readsLogits: boolean;
  /** Values per row in the joined output, and where they begin. */
  readonly width: number;
  readonly offset: number;
}

function headsOf({ topology, output, heads }: ObjectiveRequest): Head[] {
  let offset = 0;
  return heads!.map((head, index): Head => {
    const layer = topology.heads![index]!;
    const ending = { ...topology, output: layer };
    const { fromLogits } = head.loss.definition;
    const width = headWidth(head.output, head.loss.definition);
    offset += width;
    return {
      ...head, layer, width, offset: offset - width, label: labelName(output, head.output.name),
      readsLogits: fromLogits !== undefined && endsWithActivation(ending) && outputActivation(ending) === fromLogits.activation,
    };
  });
}

function create(request: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  if (classWeights !== undefined) throw new PerennialError('CONFIG_INVALID', `"classWeights" does not say which of the labels ${request.output.name} it is for.`, { hint: 'Leave it out for a model with several outputs; "lossWeights" weighs the outputs.' });
  const network = new Network(request.topology);
  const heads = headsOf(request);
  const total = heads.reduce((sum, { width }) => sum + width, 0);
  const logits: ReadonlySet<string> = new Set(heads.filter(({ readsLogits }) => readsLogits).map(({ layer }) => layer));
  const lossOf = (tf: Tf, { loss: { definition, config }, readsLogits }: Head, labels: Tensor, predicted: Tensor): Tensor =>
    (readsLogits ? definition.fromLogits!.value(tf, labels, predicted, config) : definition.value(tf, labels, predicted, config));
  return {
    topologies: [request.topology],
    weights: network.weights,
    inputs: request.topology.inputs,
    labels: heads.map(({ label, loss, output }) => (loss.definition.labels === 'index' ? { name: label, shape: [], dtype: 'int32' as const } : { name: label, shape: [output.kind === 'number' ? output.width : 1], dtype: 'float32' as const })),
    numbers: ['loss', ...heads.map(({ output }) => `${output.name}.loss`)],
    metrics: heads.flatMap(({ output }) => metricNames(output).map((name) => `${output.name}.${name}`)),
    parts: [{
      owns: () => true,
      loss(tf, weights, { inputs, labels, rowWeights }, { seed, iteration }) {
        const result = network.forward(tf, inputs, weights, { training: true, seed, iteration, logits });
        const means = heads.map((head) => {
          const losses = lossOf(tf, head, labels[head.label]!, result.values.get(head.layer)!);
          return tf.mean(rowWeights === undefined ? losses : tf.mul(losses, rowWeights));
        });
        const weighted = means.map((mean, index) => tf.mul(mean, heads[index]!.weight)).reduce((sum, each) => tf.add(sum, each));
        const added = withAdded(tf, tf.zerosLike(lossOf(tf, heads[0]!, labels[heads[0]!.label]!, result.values.get(heads[0]!.layer)!)), result.losses);
        const sum = result.losses.length === 0 ? weighted : tf.add(weighted, added.scalar === undefined ? tf.mean(added.losses) : tf.add(tf.mean(added.losses), added.scalar));
        const loss = withPenalty(tf, sum, network.weights, weights);
        return { loss, reported: { loss, ...Object.fromEntries(heads.map(({ output }, index) => [`${output.name}.loss`, means[index]!])) }, updates: result.updates };
      },
    }],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch(tensors) {
      const labels = Object.fromEntries(heads.map(({ label, output, loss }) => [label, adaptLabels(tensors[label]!, output, loss.definition)]));
      return { inputs: tensors, labels, rows: tensors[heads[0]!.label]!.rows };
    },
    evaluate(tf, weights, { inputs, labels }) {
      const result = network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits });
      const each = heads.map((head) => tf.mul(lossOf(tf, head, labels[head.label]!, result.values.get(head.layer)!), head.weight));
      const { losses, scalar } = withAdded(tf, each.reduce((sum, one) => tf.add(sum, one) as typeof one), result.losses);
      return { losses, penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights), output: result.output };
    },
    metricSums(values, { labels, rows }) {
      return Object.fromEntries(heads.flatMap(({ output, loss, label, readsLogits, width, offset }) => {
        const own = new Float32Array(rows * width);
        for (let row = 0; row < rows; row++) own.set(values.subarray(row * total + offset, row * total + offset + width), row * width);
        const threshold = readsLogits || loss.definition.score !== undefined ? 0 : 0.5;
        return Object.entries(metricSums(output, own, labels[label]!, rows, threshold)).map(([name, sum]) => [`${output.name}.${name}`, sum]);
      }));
    },
  };
}
