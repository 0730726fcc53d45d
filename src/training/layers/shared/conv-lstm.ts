import { activate, requireShapeKept } from '../activations.ts';
import type { Activation } from '../activations.ts';
import { activityProperties, penalized } from './activity.ts';
import type { ActivityOptions } from './activity.ts';
import { addBias } from './bias.ts';
import { convolve, filterProperties, windowOf, windowProperties, windowedShape } from './convolution.ts';
import type { Rank, WindowConfig } from './convolution.ts';
import { dropoutMask } from './dropout.ts';
import { defineLayer } from '../layer.ts';
import type { CallContext, LayerDefinition, LayerExample } from '../layer.ts';
import { forgetBias } from './recurrent.ts';
import { activation, asSizes, bool, rate } from '../../model/schema-parts.ts';
import { AXES, shapeError, showShape } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import { weightOf, weightProperties } from './weight-options.ts';
import type { WeightOptions } from './weight-options.ts';

type Weights = WeightOptions<'kernel'> & WeightOptions<'recurrent'> & WeightOptions<'bias'>;

interface Config extends WindowConfig, Weights, ActivityOptions {
  readonly filters: number;
  readonly activation: Activation;
  readonly recurrentActivation: Activation;
  readonly useBias: boolean;
  readonly unitForgetBias: boolean;
  readonly returnSequences: boolean;
  readonly goBackwards: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
}

/** convLstm1d, convLstm2d and convLstm3d: an lstm whose products are convolutions. */
export function convLstmLayer(rank: Rank, summary: string, examples: readonly LayerExample<Config>[]): LayerDefinition<Config> {
  const type = `convLstm${rank}d`;
  return defineLayer<Config>({
    type,
    summary,
    examples,
    keras: { className: `ConvLSTM${rank}D` },
    properties: {
      ...filterProperties('Number of channels of the state.'),
      ...windowProperties(rank, false),
      activation: activation('tanh'),
      recurrentActivation: activation('sigmoid', 'Activation function of the gates.'),
      unitForgetBias: bool('The bias of the forget gate starts at 1.', true),
      returnSequences: bool('Give the state after every step instead of the last one.', false),
      goBackwards: bool('Read the steps from last to first.', false),
      dropout: rate('Share of input values dropped, the same ones in every step.', 0),
      recurrentDropout: rate('Share of state values dropped between steps, the same ones in every step.', 0),
      ...weightProperties('kernel', 'recurrent', 'bias'),
      ...activityProperties,
    },
    required: ['filters', 'kernelSize'],
    outputShape([input], config) {
      if (input!.length !== rank + 2)
        throw shapeError(
          `a ${type} layer reads sequences [steps, ${AXES[rank].join(', ')}, channels], but its input has the shape ${showShape(input!)}`,
          'Bring it to this shape with a reshape layer.',
        );
      requireShapeKept(`a ${type} layer`, config.activation, config.recurrentActivation);
      const state = [...windowedShape(input!.slice(1, -1), windowOf(config, rank)), config.filters];
      return config.returnSequences ? [input![0]!, ...state] : state;
    },
    weights([input], config) {
      const size = asSizes(config.kernelSize, rank);
      return [
        weightOf('kernel', [...size, input!.at(-1)!, 4 * config.filters], config),
        weightOf('recurrent', [...size, config.filters, 4 * config.filters], config, 'recurrentKernel'),
        ...(config.useBias
          ? [weightOf('bias', [4 * config.filters], config, 'bias', config.unitForgetBias ? forgetBias(config.biasInitializer) : undefined)]
          : []),
      ];
    },
    call: (tf, [x], weights, config, context) =>
      penalized(tf, run(tf, x!, weights, config, context, rank), config.activityRegularizer, context),
    mask: (_tf, _inputs, config, [mask]) => (config.returnSequences ? mask : undefined),
  });
}

function run(tf: Tf, x: Tensor, weights: Readonly<Record<string, Tensor>>, config: Config, context: CallContext, rank: Rank): Tensor {
  const [batch, steps, ...frame] = x.shape as [number, number, ...number[]];
  const [layerSeed, iteration] = context.seed;
  const dropping = context.training && config.dropout > 0;
  const input = dropping ? tf.mul(x, dropoutMask(tf, [batch, 1, ...frame], config.dropout, [layerSeed, iteration])) : x;
  // All frames at once: only the state has to wait for the step before.
  const sums = addBias(
    tf,
    convolve(tf, tf.reshape(input, [batch * steps, ...frame]), weights.kernel!, windowOf(config, rank)),
    weights.bias,
  );
  const projected = tf.unstack(tf.reshape(sums, [batch, steps, ...sums.shape.slice(1)]), 1);
  const stateShape = [batch, ...sums.shape.slice(1, -1), config.filters];
  const stateMask =
    context.training && config.recurrentDropout > 0
      ? dropoutMask(tf, stateShape, config.recurrentDropout, [layerSeed ^ 0x5bd1e995, iteration])
      : undefined;
  const masks =
    context.masks[0] === undefined
      ? undefined
      : tf.unstack(tf.reshape(context.masks[0], [batch, steps, ...stateShape.slice(1).map(() => 1)]), 1);
  const recurrent = windowOf({ kernelSize: config.kernelSize, padding: 'same' }, rank);

  let hidden = tf.zeros(stateShape);
  let memory = tf.zeros(stateShape);
  const outputs: Tensor[] = [];
  for (let turn = 0; turn < steps; turn++) {
    const at = config.goBackwards ? steps - 1 - turn : turn;
    const read = stateMask === undefined ? hidden : tf.mul(hidden, stateMask);
    const [next, kept] = step(tf, tf.add(projected[at]!, convolve(tf, read, weights.recurrentKernel!, recurrent)), memory, config);
    const mask = masks?.[at];
    hidden = mask === undefined ? next : tf.add(hidden, tf.mul(mask, tf.sub(next, hidden)));
    memory = mask === undefined ? kept : tf.add(memory, tf.mul(mask, tf.sub(kept, memory)));
    outputs.push(hidden);
  }
  return config.returnSequences ? tf.stack(outputs, 1) : hidden;
}

/** Gates side by side: input, forget, candidate, output. */
function step(tf: Tf, sums: Tensor, memory: Tensor, config: Config): [hidden: Tensor, memory: Tensor] {
  const [inGate, forgetGate, candidate, outGate] = tf.split(sums, 4, sums.rank - 1) as [Tensor, Tensor, Tensor, Tensor];
  const gate = (values: Tensor): Tensor => activate(tf, values, config.recurrentActivation);
  const kept = tf.add(tf.mul(gate(forgetGate), memory), tf.mul(gate(inGate), activate(tf, candidate, config.activation)));
  return [tf.mul(gate(outGate), activate(tf, kept, config.activation)), kept];
}
