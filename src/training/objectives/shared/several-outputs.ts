import { PerennialError } from '../../../core/errors.ts';
import { columnsOf } from '../../../data/answers/decode.ts';
import { labelName } from '../../../data/stored/examples.ts';
import { outputActivation, shapesOf } from '../../model/describe.ts';
import { headWidth } from '../../model/heads.ts';
import { meanLoss } from './mixing.ts';
import { Network } from '../../model/network.ts';
import type { ForwardResult } from '../../model/network.ts';
import { defineObjective, withAdded, withPenalty } from '../objective.ts';
import type { HeadLoss, Objective, ObjectiveOptions, ObjectiveRequest } from '../objective.ts';
import type { LabelledTensors } from '../labelled.ts';
import { checkHead } from '../../model/output-head.ts';
import { outputLoss } from './output-loss.ts';
import type { OutputLoss } from './output-loss.ts';
import { resolveLoss } from '../../losses/resolve-loss.ts';
import { adaptLabels } from '../../trainer/labels.ts';
import { METRICS, metricNames, metricSums } from '../../trainer/light-metrics.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** What learning from labels becomes where there are several. */
export const severalOutputs = defineObjective({
  name: 'severalOutputs',
  summary: 'Learning from several labels at once: the weighted sum of the mean losses of the outputs.',
  reports: ['loss', ...METRICS],
  resolveLoss(named, output) {
    if (named !== undefined)
      throw new PerennialError('MODEL_INVALID', `"loss" does not say which of the labels ${output.name} it is for.`, {
        hint: 'Give "losses" with a loss by the name of each label, or leave it out.',
      });
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
  readonly read: OutputLoss;
  /** Values per row in the joined output, and where they begin. */
  readonly width: number;
  readonly offset: number;
}

function headsOf({ topology, output, heads }: ObjectiveRequest): Head[] {
  let offset = 0;
  return heads!.map((head, index): Head => {
    const layer = topology.heads![index]!;
    const width = headWidth(head.output, head.loss.definition);
    offset += width;
    return {
      ...head,
      layer,
      width,
      offset: offset - width,
      read: outputLoss(topology, layer, labelName(output, head.output.name), head.output, head.loss),
    };
  });
}

function create(request: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  if (classWeights !== undefined)
    throw new PerennialError('CONFIG_INVALID', `"classWeights" does not say which of the labels ${request.output.name} it is for.`, {
      hint: 'Leave it out for a model with several outputs; "lossWeights" weighs the outputs.',
    });
  const network = new Network(request.topology);
  const heads = headsOf(request);
  const logits: ReadonlySet<string> = new Set(heads.filter(({ read }) => read.readsLogits).map(({ layer }) => layer));
  const lossOf = (tf: Tf, { read, layer }: Head, labels: LabelledTensors['labels'], { values }: ForwardResult): Tensor =>
    read.losses(tf, labels[read.label.name]!, values.get(layer)!);
  return {
    topologies: [request.topology],
    weights: network.weights,
    inputs: request.topology.inputs,
    labels: heads.map(({ read }) => read.label),
    numbers: ['loss', ...heads.map(({ output }) => `${output.name}.loss`)],
    metrics: heads.flatMap(({ output }) => metricNames(output).map((name) => `${output.name}.${name}`)),
    parts: [
      {
        owns: () => true,
        loss(tf, weights, batch, context) {
          const result = network.forward(tf, batch.inputs, weights, { training: true, ...context, logits });
          const means = heads.map((head) => meanLoss(tf, batch, (labels) => lossOf(tf, head, labels, result)));
          const weighted = means.map((mean, index) => tf.mul(mean, heads[index]!.weight)).reduce((sum, each) => tf.add(sum, each));
          const added = withAdded(tf, tf.scalar(0), result.losses);
          const sum =
            result.losses.length === 0
              ? weighted
              : tf.add(weighted, added.scalar === undefined ? tf.mean(added.losses) : tf.add(tf.mean(added.losses), added.scalar));
          const loss = withPenalty(tf, sum, network.weights, weights);
          return {
            loss,
            reported: { loss, ...Object.fromEntries(heads.map(({ output }, index) => [`${output.name}.loss`, means[index]!])) },
            updates: result.updates,
          };
        },
      },
    ],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch(tensors) {
      const labels = Object.fromEntries(
        heads.map(({ read: { label }, output, loss }) => [label.name, adaptLabels(tensors[label.name]!, output, loss.definition)]),
      );
      return { inputs: tensors, labels, rows: tensors[heads[0]!.read.label.name]!.rows };
    },
    evaluate(tf, weights, { inputs, labels }) {
      const result = network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits });
      const each = heads.map((head) => tf.mul(lossOf(tf, head, labels, result), head.weight));
      const { losses, scalar } = withAdded(
        tf,
        each.reduce((sum, one) => tf.add(sum, one) as typeof one),
        result.losses,
      );
      return { losses, penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights), output: result.output };
    },
    metricSums(values, { labels, rows }) {
      return Object.fromEntries(
        heads.flatMap(({ output, read, width, offset }) =>
          Object.entries(metricSums(output, columnsOf(values, rows, offset, width), labels[read.label.name]!, rows, read.threshold)).map(
            ([name, sum]) => [`${output.name}.${name}`, sum],
          ),
        ),
      );
    },
  };
}
