import { PerennialError } from '../../core/errors.ts';
import { describeTopology, endsWithActivation, outputActivation } from '../model/describe.ts';
import { joined } from '../layers/reconstructionError.layer.ts';
import type { LossDefinition } from '../losses/loss.ts';
import { resolveNamed } from '../model/named.ts';
import type { Named, Resolved } from '../model/named.ts';
import { NO_LOGITS, Network } from '../model/network.ts';
import { defineObjective, withAdded, withPenalty } from './objective.ts';
import type { Objective, ObjectiveOptions, ObjectiveRequest } from './objective.ts';
import type { LabelledTensors } from './labelled.ts';
import {
  anomalyOutput,
  rebuiltShape,
  reconstructionProperties,
  requireNumericInputs,
  requireReachable,
  withScore,
  withoutScore,
} from './shared/reconstruction.ts';
import type { ReconstructionConfig } from './shared/reconstruction.ts';
import { lossRegistry } from '../losses/index.generated.ts';
import { showShape } from '../layers/shapes.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** Reported beside the loss where layers add to it. */
const REBUILT = 'reconstructionLoss';

/** Losses that are smallest where the reconstruction is the original. */
const LOSSES = ['meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh', 'binaryCrossentropy'];

export default defineObjective({
  name: 'reconstruction',
  summary: 'Learning to rebuild the inputs, without labels. The model answers how far off it is, as the score of an anomaly.',
  reports: ['loss', REBUILT, 'reconstructionError'],
  properties: reconstructionProperties,
  resolveLoss,
  complete: (topology, settings) => withScore(topology, settings as unknown as ReconstructionConfig),
  check({ topology, loss }) {
    requireNumericInputs(topology.inputs);
    const body = withoutScore(topology)!;
    const { name, outputShape } = describeTopology(body).layers.at(-1)!;
    const wanted = rebuiltShape(topology.inputs);
    if (showShape(outputShape) !== showShape(wanted)) {
      const [first] = topology.inputs;
      throw new PerennialError(
        'SHAPE_MISMATCH',
        `The last layer "${name}" gives ${showShape(outputShape)}, but what it has to rebuild is ${topology.inputs.length === 1 ? `the input "${first!.name}" ${showShape(wanted)}` : `the values of all inputs in a row, ${showShape(wanted)}`}.`,
        {
          hint:
            wanted.length === 1
              ? `End with { "type": "dense", "units": ${wanted[0]} }.`
              : `Bring it to this shape, e.g. with { "type": "reshape", "shape": ${JSON.stringify(wanted)} } at the end.`,
        },
      );
    }
    const activation = outputActivation(body);
    if (!loss.definition.activations.includes(activation)) {
      throw new PerennialError(
        'MODEL_INVALID',
        `The loss ${loss.name} reads the output of ${loss.definition.activations.join(' or ')}, but the last layer "${name}" ends with ${activation}.`,
        {
          hint: `Give the last layer "activation": "${loss.definition.activations[0]}", or choose a loss that fits ${activation}.`,
        },
      );
    }
  },
  async modelOutput({ settings }, trained) {
    const { values, split } = await trained.answers();
    return anomalyOutput(settings as unknown as ReconstructionConfig, values, split);
  },
  create,
});

function resolveLoss(named: Named | undefined): Resolved<LossDefinition> {
  const loss = resolveNamed(lossRegistry, named ?? 'meanSquaredError');
  if (LOSSES.includes(loss.name)) return loss;
  throw new PerennialError('MODEL_INVALID', `The loss ${loss.name} does not fit a model that rebuilds its inputs.`, {
    hint: `Use one of ${LOSSES.map((name) => `"${name}"`).join(', ')}; or train towards labels with "objective": "supervised".`,
  });
}

function create({ topology, loss: { definition, config } }: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  if (classWeights !== undefined)
    throw new PerennialError('CONFIG_INVALID', '"classWeights" needs labels, but a model that rebuilds its inputs does not read any.', {
      hint: 'Leave "classWeights" out.',
    });
  const network = new Network(topology);
  const body = withoutScore(topology)!;
  const bodyNetwork = new Network(body);
  const { fromLogits } = definition;
  const readsLogits = fromLogits !== undefined && endsWithActivation(body) && outputActivation(body) === fromLogits.activation;
  const logits: ReadonlySet<string> = new Set(readsLogits ? [body.output] : []);
  const originals = (tf: Tf, { inputs }: LabelledTensors): Tensor =>
    joined(
      tf,
      topology.inputs.map((input) => inputs[input.name]!),
    );
  const samples = topology.layers.some(({ type }) => type === 'gaussianSampling');
  return {
    topologies: [topology],
    weights: network.weights,
    inputs: topology.inputs,
    labels: [],
    numbers: samples ? ['loss', REBUILT] : ['loss'],
    metrics: ['reconstructionError'],
    parts: [
      {
        owns: () => true,
        loss(tf, weights, batch, context) {
          const result = bodyNetwork.forward(tf, batch.inputs, weights, { training: true, ...context, logits });
          const rebuilt = joined(tf, [result.output]);
          const own = (readsLogits ? fromLogits.value : definition.value)(tf, originals(tf, batch), rebuilt, config);
          const { losses, scalar } = withAdded(tf, own, result.losses);
          const mean = tf.mean(losses);
          const total = withPenalty(tf, scalar === undefined ? mean : tf.add(mean, scalar), network.weights, weights);
          return { loss: total, reported: { loss: total, ...(samples ? { [REBUILT]: tf.mean(own) } : {}) }, updates: result.updates };
        },
      },
    ],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch: (tensors) => ({ inputs: tensors, labels: {}, rows: tensors[topology.inputs[0]!.name]!.rows }),
    inspect: (rows) => requireReachable(outputActivation(body), topology.inputs, rows),
    evaluate(tf, weights, batch) {
      const result = network.forward(tf, batch.inputs, weights, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS });
      const own = definition.value(tf, originals(tf, batch), joined(tf, [result.values.get(body.output)!]), config);
      const { losses, scalar } = withAdded(tf, own, result.losses);
      return { losses, penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights), output: result.output };
    },
    metricSums: (scores, { rows }) => ({ reconstructionError: scores.subarray(0, rows).reduce((sum, score) => sum + score, 0) }),
  };
}
