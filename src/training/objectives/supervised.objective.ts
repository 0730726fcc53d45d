import { checkHead } from '../output-head.ts';
import { describeTopology, endsWithActivation, outputActivation } from '../describe.ts';
import { Network } from '../network.ts';
import { defineObjective, withAdded, withPenalty } from '../objective.ts';
import type { Objective, ObjectiveOptions, ObjectiveRequest } from '../objective.ts';
import { resolveLoss } from '../registries.ts';
import { adaptLabels } from '../trainer/labels.ts';
import { metricNames, metricSums } from '../trainer/light-metrics.ts';
import type { Tensor, Tf } from '../tf.ts';

const LABEL = '@label';

export default defineObjective({
  name: 'supervised',
  summary: 'Learning from labels: the mean loss of one output.',
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
  const { definition, config } = loss;
  const { fromLogits, score } = definition;
  const readsLogits = fromLogits !== undefined && endsWithActivation(topology) && outputActivation(topology) === fromLogits.activation;
  const logits: ReadonlySet<string> = new Set(readsLogits ? [topology.output] : []);
  /** Above it, a single output means the second class. */
  const threshold = readsLogits || score !== undefined ? 0 : 0.5;
  const rowLosses = (tf: Tf, labels: Tensor, predicted: Tensor): Tensor => (readsLogits ? fromLogits!.value(tf, labels, predicted, config) : definition.value(tf, labels, predicted, config));
  const width = output.kind === 'number' ? output.width : 1;
  return {
    topologies: [topology],
    weights: network.weights,
    inputs: topology.inputs,
    labels: [definition.labels === 'index' ? { name: LABEL, shape: [], dtype: 'int32' } : { name: LABEL, shape: [width], dtype: 'float32' }],
    numbers: ['loss'],
    metrics: metricNames(output),
    parts: [{
      owns: () => true,
      loss(tf, weights, { inputs, labels, rowWeights }, { seed, iteration }) {
        const result = network.forward(tf, inputs, weights, { training: true, seed, iteration, logits });
        const { losses, scalar } = withAdded(tf, rowLosses(tf, labels[LABEL]!, result.output), result.losses);
        const mean = tf.mean(rowWeights === undefined ? losses : tf.mul(losses, rowWeights));
        const total = withPenalty(tf, scalar === undefined ? mean : tf.add(mean, scalar), network.weights, weights);
        return { loss: total, reported: { loss: total }, updates: result.updates };
      },
    }],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch(tensors) {
      const label = tensors[LABEL]!;
      const labels = adaptLabels(label, output, definition);
      return {
        inputs: tensors, labels: { [LABEL]: labels }, rows: label.rows,
        ...(classWeights === undefined ? {} : { rowWeights: Float32Array.from(labels, (index) => classWeights[index]!) }),
      };
    },
    evaluate(tf, weights, { inputs, labels }) {
      const result = network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits });
      const { losses, scalar } = withAdded(tf, rowLosses(tf, labels[LABEL]!, result.output), result.losses);
      return { losses, penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights), output: result.output };
    },
    metricSums: (values, { labels, rows }) => metricSums(output, values, labels[LABEL]!, rows, threshold),
  };
}
