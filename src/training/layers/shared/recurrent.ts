import type { RecurrentConfig, SimpleConfig, GruConfig } from './recurrent-config.ts';
import type { LstmConfig } from './recurrent-config.ts';
import { activate, requireShapeKept } from '../activations.ts';
import { activityProperties } from './activity.ts';
import { addBias } from './bias.ts';
import type { Activation } from '../activations.ts';
import type { JsonSchema } from '../../../core/json.ts';
import { dropoutMask } from './dropout.ts';
import { canFuseLstm, fusedLstm } from './fused-lstm.ts';
import { canScanGru, canScanLstm, scannedGru, scannedLstm } from './fused-recurrence.ts';
import { initialize } from '../initializers.ts';
import type { Initialization, Initializer } from '../initializers.ts';
import type { CallContext, WeightSpec } from '../layer.ts';
import type { Shape } from '../shapes.ts';
import { activation, bool, rate, units } from '../../model/schema-parts.ts';
import { scanRecurrence, scans } from './recurrent-scan.ts';
import { requireRank } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import { weightOf, weightProperties } from './weight-options.ts';

export const RECURRENT_DEFAULTS = {
  returnSequences: false,
  goBackwards: false,
  activation: 'tanh',
  dropout: 0,
  recurrentDropout: 0,
} as const;

export const recurrentProperties = (): Record<string, JsonSchema> => ({
  units: units('Width of the state.'),
  returnSequences: bool('Give the state after every step instead of the last one.', false),
  goBackwards: bool('Read the steps from last to first.', false),
  activation: activation('tanh'),
  useBias: bool('Add biases.', true),
  dropout: rate('Share of input features dropped, the same ones in every step.', 0),
  recurrentDropout: rate('Share of state values dropped between steps, the same ones in every step.', 0),
  ...weightProperties('kernel', 'recurrent', 'bias'),
  ...activityProperties,
});

/** One kind of recurrent cell. Weights are in Keras's layout, gates side by side. */
export interface Cell<C extends RecurrentConfig> {
  weights(features: number, config: C): readonly WeightSpec[];
  /** Bias that can be added to the projected inputs of all steps at once. */
  inputBias(tf: Tf, weights: Readonly<Record<string, Tensor>>): Tensor | undefined;
  /** Number of state tensors, the first being the output. */
  readonly states: number;
  /** All states [batch, steps, units] at once, where that is possible. */
  fused?(tf: Tf, x: Tensor, mask: Tensor | undefined, weights: Readonly<Record<string, Tensor>>, config: C): Tensor | undefined;
  /** @param projected x · kernel + bias of one step, [batch, gates · units] */
  step(tf: Tf, projected: Tensor, states: readonly Tensor[], weights: Readonly<Record<string, Tensor>>, config: C): Tensor[];
}

export function recurrentShape(inputs: readonly Shape[], config: RecurrentConfig, layer: string): Shape {
  const [steps] = requireRank(inputs, 2, `a ${layer} layer`);
  requireShapeKept(`a ${layer} layer`, config.activation, (config as { recurrentActivation?: Activation }).recurrentActivation);
  return config.returnSequences ? [steps!, config.units] : [config.units];
}

/**
 * Runs a cell over the steps of `x` [batch, steps, features]. A masked step keeps the state, as in Keras.
 *
 * @param zeroMasked give zeros instead of the kept state for masked steps, where all states are returned
 */
export function unroll<C extends RecurrentConfig>(
  tf: Tf,
  cell: Cell<C>,
  x: Tensor,
  weights: Readonly<Record<string, Tensor>>,
  config: C,
  context: CallContext,
  zeroMasked = false,
): Tensor {
  const [batch, steps, features] = x.shape as [number, number, number];
  const [layerSeed, iteration] = context.seed;
  const dropping = context.training && config.dropout > 0;
  const input = dropping ? tf.mul(x, dropoutMask(tf, [batch, 1, features], config.dropout, [layerSeed, iteration])) : x;
  const fused = runFused(tf, cell, input, weights, config, context.masks[0], zeroMasked);
  if (fused !== undefined) return fused;
  const stateMask =
    context.training && config.recurrentDropout > 0
      ? dropoutMask(tf, [batch, config.units], config.recurrentDropout, [layerSeed ^ 0x5bd1e995, iteration])
      : undefined;
  const kernel = weights.kernel!;
  const product = addBias(tf, tf.matMul(tf.reshape(input, [batch * steps, features]), kernel), cell.inputBias(tf, weights));
  const projected = tf.reshape(product, [batch, steps, kernel.shape[1]!]);
  const advance = (
    part: Tensor,
    states: readonly Tensor[],
    own: Weights,
    mask: Tensor | undefined,
    dropped: Tensor | undefined,
  ): Tensor[] => {
    const read = dropped === undefined ? states : [tf.mul(states[0]!, dropped), ...states.slice(1)];
    const next = cell.step(tf, part, read, own, config);
    return mask === undefined ? next : keepMasked(tf, states, next, mask);
  };
  if (scans(tf, steps))
    return scanned(tf, cell.states, advance, { projected, mask: context.masks[0], stateMask, zeroMasked }, weights, config);

  const parts = tf.unstack(projected, 1);
  const masks = context.masks[0] === undefined ? undefined : tf.unstack(tf.expandDims(context.masks[0], 2), 1);
  let states: Tensor[] = Array.from({ length: cell.states }, () => tf.zeros([batch, config.units]));
  const outputs: Tensor[] = [];
  for (let turn = 0; turn < steps; turn++) {
    const at = config.goBackwards ? steps - 1 - turn : turn;
    states = advance(parts[at]!, states, weights, masks?.[at], stateMask);
    if (config.returnSequences) outputs.push(zeroMasked && masks !== undefined ? tf.mul(states[0]!, masks[at]!) : states[0]!);
  }
  return config.returnSequences ? tf.stack(outputs, 1) : states[0]!;
}

type Weights = Readonly<Record<string, Tensor>>;
type Advance = (
  part: Tensor,
  states: readonly Tensor[],
  weights: Weights,
  mask: Tensor | undefined,
  stateMask: Tensor | undefined,
) => Tensor[];

interface Unrolled {
  /** x · kernel + bias of all steps, [batch, steps, gates · units] */
  readonly projected: Tensor;
  readonly mask: Tensor | undefined;
  readonly stateMask: Tensor | undefined;
  readonly zeroMasked: boolean;
}

/** The same as a loop of the graph. */
function scanned(
  tf: Tf,
  states: number,
  advance: Advance,
  { projected, mask, stateMask, zeroMasked }: Unrolled,
  { kernel: _kernel, ...weights }: Weights,
  config: RecurrentConfig,
): Tensor {
  const names = Object.keys(weights);
  const turned = (x: Tensor): Tensor => (config.goBackwards ? tf.reverse(x, 0) : x);
  const seen = mask === undefined ? undefined : turned(tf.expandDims(tf.transpose(mask), 2));
  const hidden = scanRecurrence(tf, {
    inputs: turned(tf.transpose(projected, [1, 0, 2])),
    mask: seen,
    fixed: stateMask,
    weights: Object.values(weights),
    states,
    units: config.units,
    step: (part, before, values, counts, dropped) =>
      advance(part, before, Object.fromEntries(names.map((name, index) => [name, values[index]!])), counts, dropped),
  });
  if (!config.returnSequences) return tf.squeeze(tf.slice(hidden, [hidden.shape[0] - 1, 0, 0], [1, -1, -1]), [0]);
  return tf.transpose(zeroMasked && seen !== undefined ? tf.mul(hidden, seen) : hidden, [1, 0, 2]);
}

function runFused<C extends RecurrentConfig>(
  tf: Tf,
  cell: Cell<C>,
  x: Tensor,
  weights: Readonly<Record<string, Tensor>>,
  config: C,
  mask: Tensor | undefined,
  zeroMasked: boolean,
): Tensor | undefined {
  const turned = <T extends Tensor | undefined>(tensor: T): T =>
    tensor !== undefined && config.goBackwards ? tf.reverse(tensor, 1) : tensor;
  const seen = turned(mask);
  const states = cell.fused?.(tf, turned(x), seen, weights, config);
  if (states === undefined) return undefined;
  if (!config.returnSequences) return tf.squeeze(tf.slice(states, [0, x.shape[1]! - 1, 0], [-1, 1, -1]), [1]);
  return zeroMasked && seen !== undefined ? tf.mul(states, tf.expandDims(seen, 2)) : states;
}

function keepMasked(tf: Tf, old: readonly Tensor[], next: readonly Tensor[], mask: Tensor): Tensor[] {
  return next.map((state, index) => tf.add(old[index]!, tf.mul(mask, tf.sub(state, old[index]!))));
}

function recurrentWeights(features: number, gates: number, config: RecurrentConfig, biasShape: Shape, bias?: Initializer): WeightSpec[] {
  return [
    weightOf('kernel', [features, gates * config.units], config),
    weightOf('recurrent', [config.units, gates * config.units], config, 'recurrentKernel'),
    ...(config.useBias === false ? [] : [weightOf('bias', biasShape, config, 'bias', bias)]),
  ];
}

export const simpleCell: Cell<SimpleConfig> = {
  states: 1,
  weights: (features, config) => recurrentWeights(features, 1, config, [config.units]),
  inputBias: (_tf, weights) => weights.bias,
  step: (tf, projected, [state], weights, config) => [
    activate(tf, tf.add(projected, tf.matMul(state!, weights.recurrentKernel!)), config.activation),
  ],
};

export const lstmCell: Cell<LstmConfig> = {
  states: 2,
  fused(tf, x, mask, weights, config) {
    if (canScanLstm(tf, config)) return scannedLstm(tf, x, mask, weights);
    return canFuseLstm(tf, config) ? fusedLstm(tf, x, mask, weights) : undefined;
  },
  weights: (features, config) =>
    recurrentWeights(features, 4, config, [4 * config.units], config.unitForgetBias ? forgetBias(config.biasInitializer) : undefined),
  inputBias: (_tf, weights) => weights.bias,
  step(tf, projected, [hidden, memory], weights, config) {
    const sums = tf.add(projected, tf.matMul(hidden!, weights.recurrentKernel!));
    const [inAndForget, candidate, out] = tf.split(sums, [2 * config.units, config.units, config.units], 1) as [Tensor, Tensor, Tensor];
    const [inGate, forgetGate] = tf.split(activate(tf, inAndForget, config.recurrentActivation), 2, 1) as [Tensor, Tensor];
    const kept = tf.add(tf.mul(forgetGate, memory!), tf.mul(inGate, activate(tf, candidate, config.activation)));
    return [tf.mul(activate(tf, out, config.recurrentActivation), activate(tf, kept, config.activation)), kept];
  },
};

/** The forget gate starts open (Jozefowicz et al., 2015), the others as declared. */
export function forgetBias(others: Initialization = 'zeros'): Initializer {
  return ([width], prng) => {
    const each = width! / 4;
    return Float32Array.from([
      ...initialize(others, [each], prng),
      ...new Float32Array(each).fill(1),
      ...initialize(others, [2 * each], prng),
    ]);
  };
}

export const gruCell: Cell<GruConfig> = {
  states: 1,
  fused: (tf, x, mask, weights, config) => (canScanGru(tf, config) ? scannedGru(tf, x, mask, weights) : undefined),
  weights: (features, config) => recurrentWeights(features, 3, config, config.resetAfter ? [2, 3 * config.units] : [3 * config.units]),
  inputBias: (tf, { bias }) => (bias?.rank === 2 ? tf.squeeze(tf.slice(bias, [0, 0], [1, -1]), [0]) : bias),
  step(tf, projected, [state], weights, config) {
    const { units: width, resetAfter, recurrentActivation } = config;
    const [gatesIn, candidateIn] = tf.split(projected, [2 * width, width], 1) as [Tensor, Tensor];
    let gatesState: Tensor;
    let candidateState: Tensor | undefined;
    if (resetAfter) {
      const recalled = tf.matMul(state!, weights.recurrentKernel!);
      const sums = weights.bias === undefined ? recalled : tf.add(recalled, tf.slice(weights.bias, [1, 0], [1, -1]));
      [gatesState, candidateState] = tf.split(sums, [2 * width, width], 1) as [Tensor, Tensor];
    } else {
      gatesState = tf.matMul(state!, tf.slice(weights.recurrentKernel!, [0, 0], [-1, 2 * width]));
    }
    const [update, reset] = tf.split(activate(tf, tf.add(gatesIn, gatesState), recurrentActivation), 2, 1) as [Tensor, Tensor];
    const recalled =
      candidateState === undefined
        ? tf.matMul(tf.mul(reset, state!), tf.slice(weights.recurrentKernel!, [0, 2 * width], [-1, width]))
        : tf.mul(reset, candidateState);
    const candidate = activate(tf, tf.add(candidateIn, recalled), config.activation);
    return [tf.add(candidate, tf.mul(update, tf.sub(state!, candidate)))];
  },
};

/** The cells by layer type, for `bidirectional`. */
export const CELLS: Readonly<Record<'lstm' | 'gru' | 'simpleRnn', Cell<any>>> = { lstm: lstmCell, gru: gruCell, simpleRnn: simpleCell };

export const gateProperties = (): Record<string, JsonSchema> => ({ recurrentActivation: activation('sigmoid') });
