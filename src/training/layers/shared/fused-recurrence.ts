import type { GruConfig, LstmConfig } from './recurrent-config.ts';
import { reordered } from './masked-steps.ts';
import { mayUseOwnOperations, runOwn } from '../../tensorflow/own-operations.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

type Weights = Readonly<Record<string, Tensor>>;
type Save = (tensors: Tensor[]) => void;

/** Our own operations know one pair of activations, and no dropout of the state. */
function areKnown(tf: Tf, config: GruConfig | LstmConfig): boolean {
  return (
    config.activation === 'tanh' && config.recurrentActivation === 'sigmoid' && config.recurrentDropout === 0 && mayUseOwnOperations(tf)
  );
}

/** The reset gate before the product with the state needs a product more per step. */
export const canScanGru = (tf: Tf, config: GruConfig): boolean => config.resetAfter && areKnown(tf, config);

export const canScanLstm = (tf: Tf, config: LstmConfig): boolean => areKnown(tf, config);

/**
 * The states of a GRU over all steps, [batch, steps, units], by one operation for the sequence and one for its gradient. A masked step
 * keeps the state.
 *
 * @param x [batch, steps, features]
 */
export function scannedGru(tf: Tf, x: Tensor, mask: Tensor | undefined, { kernel, recurrentKernel, bias }: Weights): Tensor {
  const offsets = bias ?? tf.zeros([2, kernel!.shape[1]!]);
  return scanned(tf, 'PerennialGru', x, mask, [kernel!, recurrentKernel!, tf.reshape(offsets, [-1])]);
}

/** The same of an LSTM. */
export function scannedLstm(tf: Tf, x: Tensor, mask: Tensor | undefined, { kernel, recurrentKernel, bias }: Weights): Tensor {
  return scanned(tf, 'PerennialLstm', x, mask, [kernel!, recurrentKernel!, bias ?? tf.zeros([kernel!.shape[1]!])]);
}

/** @param weights kernel, recurrent kernel and bias */
function scanned(
  tf: Tf,
  operation: 'PerennialGru' | 'PerennialLstm',
  x: Tensor,
  mask: Tensor | undefined,
  weights: readonly [Tensor, Tensor, Tensor],
): Tensor {
  const run = tf.customGrad((...args: unknown[]) => {
    const [input, kernel, recurrent, bias, save] = args as [Tensor, Tensor, Tensor, Tensor, Save];
    const [hidden, gates, more] = runOwn(tf, operation, [input, kernel, recurrent, bias]) as [Tensor, Tensor, Tensor];
    save([input, kernel, recurrent, hidden, gates, more]);
    return {
      value: hidden,
      gradFunc(dy: Tensor, saved: Tensor[]) {
        const [own, w, r, ...kept] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
        const [ofProjected, ...ofWeights] = runOwn(tf, `${operation}Gradient`, [own, w, r, dy, ...kept]) as [Tensor, ...Tensor[]];
        const [ofInput] = runOwn(tf, `${operation}InputGradient`, [own, w, r, ofProjected]) as [Tensor];
        return [ofInput, ...ofWeights];
      },
    };
  });
  const over = (steps: Tensor): Tensor => run(steps, ...weights);
  return mask === undefined ? over(x) : reordered(tf, x, mask, over);
}
