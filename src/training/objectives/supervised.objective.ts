import { checkHead } from '../model/output-head.ts';
import { describeTopology, outputActivation } from '../model/describe.ts';
import { Network } from '../model/network.ts';
import { defineObjective, withAdded, withPenalty } from './objective.ts';
import type { Objective, ObjectiveOptions, ObjectiveRequest } from './objective.ts';
import { meanLoss } from './shared/mixing.ts';
import { outputLoss } from './shared/output-loss.ts';
import { resolveLoss } from '../losses/resolve-loss.ts';
import { adaptLabels } from '../trainer/labels.ts';
import type { Tensor } from '../tensorflow/tf.ts';
import { METRICS, metricNames, metricSums } from '../trainer/light-metrics.ts';

const LABEL = '@label';

export default defineObjective({
  name: 'supervised',
  summary: 'Learning from labels: the mean loss of one output.',
  reports: ['loss', ...METRICS],
  resolveLoss,
  check({ topology, output, loss }) {
    const { name, outputShape } = describeTopology(topology).layers.at(-1)!;
    checkHead({ name, activation: outputActivation(topology), shape: outputShape }, output, loss);
  },
  modelOutput: ({ output }) => output,
  create,
});

function create({ topology, output, loss }: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  const network = new Network(topology);
  const read = outputLoss(topology, topology.output, LABEL, output, loss);
  const logits: ReadonlySet<string> = new Set(read.readsLogits ? [topology.output] : []);
  return {
    topologies: [topology],
    weights: network.weights,
    inputs: topology.inputs,
    labels: [read.label],
    numbers: ['loss'],
    metrics: metricNames(output),
    parts: [
      {
        owns: () => true,
        loss(tf, weights, batch, context) {
          const result = network.forward(tf, batch.inputs, weights, { training: true, ...context, logits });
          let scalar: Tensor | undefined;
          const mean = meanLoss(tf, batch, (labels) => {
            const each = withAdded(tf, read.losses(tf, labels[LABEL]!, result.output), result.losses);
            scalar = each.scalar;
            return each.losses;
          });
          const total = withPenalty(tf, scalar === undefined ? mean : tf.add(mean, scalar), network.weights, weights);
          return { loss: total, reported: { loss: total }, updates: result.updates };
        },
      },
    ],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch(tensors) {
      const label = tensors[LABEL]!;
      const labels = adaptLabels(label, output, loss.definition);
      return {
        inputs: tensors,
        labels: { [LABEL]: labels },
        rows: label.rows,
        ...(classWeights === undefined ? {} : { rowWeights: Float32Array.from(labels, (index) => classWeights[index]!) }),
      };
    },
    evaluate(tf, weights, { inputs, labels }) {
      const result = network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits });
      const { losses, scalar } = withAdded(tf, read.losses(tf, labels[LABEL]!, result.output), result.losses);
      return { losses, penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights), output: result.output };
    },
    metricSums: (values, { labels, rows }) => metricSums(output, values, labels[LABEL]!, rows, read.threshold),
  };
}
