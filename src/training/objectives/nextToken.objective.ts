import { PerennialError } from '../../core/errors.ts';
import { Prng } from '../../core/prng.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import { GENERATION_COLUMNS } from '../../data/answers/prompts.ts';
import { describeTopology, outputActivation } from '../model/describe.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { Topology } from '../model/model-config.ts';
import { resolveNamed } from '../model/named.ts';
import type { Named, Resolved } from '../model/named.ts';
import { NO_LOGITS, Network } from '../model/network.ts';
import { outputLoss } from './shared/output-loss.ts';
import {
  countNext,
  everyStep,
  nextTokens,
  requirePaddedBehind,
  sparseCrossentropy,
  tokenInput,
  withLastToken,
} from './shared/next-token.ts';
import { defineObjective, withAdded, withPenalty } from './objective.ts';
import type { LabelledBatch, Objective, ObjectiveOptions, ObjectiveRequest } from './objective.ts';
import type { LabelledTensors } from './labelled.ts';
import { lossRegistry } from '../losses/index.generated.ts';
import { showShape } from '../layers/shapes.ts';
import { loadTf } from '../tensorflow/tf.ts';
import { EVALUATED_ROWS } from '../trainer/evaluate-set.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

const LOSSES = ['categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'categoricalFocalCrossentropy'];
/** Values of all steps of a batch that an evaluation may hold: 64 MB. */
const EVALUATED_VALUES = 2 ** 24;

export default defineObjective({
  name: 'nextToken',
  summary: 'Learning to tell the next token of a text at every place, without labels: a language model, which goes on with a text.',
  reports: ['loss', 'nextTokenAccuracy'],
  target(inputs) {
    const { name, shape, vocabularySize } = tokenInput(inputs);
    return { kind: 'text', name, length: shape[0]!, vocabularySize };
  },
  resolveLoss,
  complete: (topology) => withLastToken(topology),
  check({ topology, inputs, loss }) {
    const { name, shape, vocabularySize } = tokenInput(inputs);
    if (GENERATION_COLUMNS.includes(name))
      throw new PerennialError(
        'MODEL_INVALID',
        `The text column has the name "${name}", by which a request says how a text is gone on with.`,
        { hint: 'Rename the column in the source.' },
      );
    const body = everyStep(topology);
    const { outputShape, layers } = describeTopology(body);
    const wanted = [shape[0]!, vocabularySize];
    if (showShape(outputShape) !== showShape(wanted)) {
      throw new PerennialError(
        'SHAPE_MISMATCH',
        `The last layer "${layers.at(-1)!.name}" gives ${showShape(outputShape)}, but the next token of every step needs ${showShape(wanted)}: the shares of ${vocabularySize} token ids at ${shape[0]} steps.`,
        {
          hint: `Keep every step ("returnSequences": true, no pooling), and end with { "type": "dense", "units": ${vocabularySize}, "activation": "softmax" }.`,
        },
      );
    }
    const activation = outputActivation(body);
    if (!loss.definition.activations.includes(activation)) {
      throw new PerennialError(
        'MODEL_INVALID',
        `The loss ${loss.name} reads the output of ${loss.definition.activations.join(' or ')}, but the last layer "${layers.at(-1)!.name}" ends with ${activation}.`,
        { hint: `Give the last layer "activation": "${loss.definition.activations[0]}".` },
      );
    }
  },
  modelOutput({ inputs }) {
    const { name, shape, vocabularySize } = tokenInput(inputs);
    return { kind: 'text', name, length: shape[0]!, vocabularySize };
  },
  create,
});

function resolveLoss(named: Named | undefined): Resolved<LossDefinition> {
  const loss = resolveNamed(lossRegistry, named ?? 'categoricalCrossentropy');
  if (LOSSES.includes(loss.name) && loss.config.fromLogits !== true) return loss;
  throw new PerennialError(
    'MODEL_INVALID',
    `The loss ${loss.name}${loss.config.fromLogits === true ? ' with "fromLogits"' : ''} does not fit a model that tells the next token.`,
    { hint: `Use one of ${LOSSES.map((name) => `"${name}"`).join(', ')}; the last layer ends with "softmax".` },
  );
}

function create({ topology, loss }: ObjectiveRequest, { classWeights }: ObjectiveOptions): Objective {
  if (classWeights !== undefined)
    throw new PerennialError('CONFIG_INVALID', '"classWeights" needs labels, but a language model does not read any.', {
      hint: 'Leave "classWeights" out.',
    });
  const ids = tokenInput(topology.inputs);
  const body = everyStep(topology);
  const network = new Network(body);
  const read = outputLoss(body, body.output, ids.name, { kind: 'none', name: '' }, loss);
  const { readsLogits } = read;
  const logits: ReadonlySet<string> = new Set(readsLogits ? [body.output] : []);
  const { definition, config } = loss;
  const plain = readsLogits && (config.labelSmoothing ?? 0) === 0 && definition.name !== 'categoricalFocalCrossentropy';
  const scored = (tf: Tf, { inputs }: LabelledTensors, output: Tensor): { losses: Tensor; counted: Tensor; targets: Tensor } => {
    const { targets, counted } = nextTokens(tf, inputs[ids.name]!);
    const [rows, steps, tokens] = output.shape as [number, number, number];
    const labels = tf.reshape(targets, [rows * steps]);
    const flat = tf.reshape(output, [rows * steps, tokens]);
    const each = plain ? sparseCrossentropy(tf, labels, flat) : read.losses(tf, labels, flat);
    return { losses: tf.mul(tf.reshape(each, [rows, steps]), counted), counted, targets };
  };
  const countOf = ({ inputs, rows }: LabelledBatch): number => countNext(inputs[ids.name]!.data, rows).reduce((sum, each) => sum + each, 0);
  return {
    topologies: [topology],
    weights: network.weights,
    inputs: topology.inputs,
    labels: [],
    numbers: ['loss'],
    metrics: ['nextTokenAccuracy'],
    evaluatedRows: Math.max(1, Math.min(EVALUATED_ROWS, Math.floor(EVALUATED_VALUES / (ids.shape[0]! * ids.vocabularySize)))),
    count: countOf,
    // After the last token comes the end.
    readsBehind: 1,
    parts: [
      {
        owns: () => true,
        loss(tf, weights, batch, { seed, iteration }) {
          const result = network.forward(tf, batch.inputs, weights, { training: true, seed, iteration, logits });
          const { losses, counted } = scored(tf, batch, result.output);
          const mean = tf.div(tf.sum(losses), tf.maximum(tf.sum(counted), 1));
          const { scalar } = withAdded(
            tf,
            mean,
            result.losses.map((each) => (each.rank > 0 ? tf.mean(each) : each)),
          );
          const total = withPenalty(tf, scalar === undefined ? mean : tf.add(mean, scalar), network.weights, weights);
          return { loss: total, reported: { loss: total }, updates: result.updates };
        },
      },
    ],
    initialWeights: (seed) => network.initialWeights(seed),
    inputTensors: (tf, batch) => network.inputTensors(tf, batch),
    batch: (tensors) => ({ inputs: tensors, labels: {}, rows: tensors[ids.name]!.rows }),
    inspect(tensors) {
      const { data, rows } = tensors[ids.name]!;
      requirePaddedBehind(data, rows, ids.name);
      if (countNext(data, rows).every((each) => each === 0))
        throw new PerennialError('DATA_INVALID', `The first ${rows} texts of "${ids.name}" hold no token, so there is nothing to learn.`, {
          hint: 'Leave out rows without a text.',
        });
      requireBlind(body, network);
    },
    evaluate(tf, weights, batch) {
      const result = network.forward(tf, batch.inputs, weights, { training: false, seed: 0, iteration: 0, logits });
      const { losses, counted, targets } = scored(tf, batch, result.output);
      const { scalar } = withAdded(
        tf,
        losses,
        result.losses.map((each) => (each.rank > 0 ? tf.mean(each) : each)),
      );
      const hits = tf.mul(tf.cast(tf.equal(tf.argMax(result.output, 2), targets), 'float32'), counted);
      return {
        losses: tf.sum(losses, 1),
        penalty: withPenalty(tf, scalar ?? tf.scalar(0), network.weights, weights),
        output: tf.sum(hits, 1),
      };
    },
    metricSums: (hits, { rows }) => ({ nextTokenAccuracy: hits.subarray(0, rows).reduce((sum, each) => sum + each, 0) }),
  };
}

/** What a token changes may only come after it. @throws MODEL_INVALID where a step sees the token that it is to tell */
function requireBlind(body: Topology, network: Network): void {
  const tf = loadTf();
  const { name, shape, vocabularySize } = tokenInput(body.inputs);
  const steps = shape[0]!;
  const at = Math.floor(steps / 2);
  const random = new Prng('blind');
  const first = Int32Array.from({ length: steps }, () => 1 + random.below(vocabularySize - 1));
  const second = first.map((id, step) => (step < at ? id : 1 + (id % (vocabularySize - 1))));
  const values = network.initialWeights(1);
  const seen = tf.tidy(() => {
    const weights = new Map(
      network.weights.map(({ fullName, shape: own }) => [fullName, tf.tensor(values.get(fullName)!, [...own], 'float32') as Tensor]),
    );
    const given: TensorBatch = { [name]: { spec: body.inputs[0]!, rows: 2, data: Int32Array.from([...first, ...second]) } };
    const { output } = network.forward(tf, network.inputTensors(tf, given), weights, {
      training: false,
      seed: 0,
      iteration: 0,
      logits: NO_LOGITS,
    });
    const [one, other] = tf.unstack(tf.slice(output, [0, 0, 0], [2, at, vocabularySize])) as [Tensor, Tensor];
    return tf.max(tf.abs(tf.sub(one, other))).dataSync()[0]!;
  });
  if (seen <= 1e-6) return;
  throw new PerennialError(
    'MODEL_INVALID',
    'The model sees the tokens that it is to tell: what it gives for a step changes with tokens that come after it.',
    {
      hint: 'Use layers that look back only: "causal": true of multiHeadAttention, "padding": "causal" of conv1d, recurrent layers that are not bidirectional, no pooling and no batchNormalization over steps.',
    },
  );
}
