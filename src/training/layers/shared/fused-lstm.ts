import { reordered } from './masked-steps.ts';
import { recorder } from '../../tensorflow/recorder.ts';
import type { LstmConfig } from './recurrent-config.ts';
import { differentiatesTwice } from '../../tensorflow/gradient-depth.ts';
import { int64Scalar } from '../../tensorflow/tf.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { RawBackend } from '../../tensorflow/raw-backend.ts';

/**
 * TensorFlow's own LSTM knows one pair of activations, and no dropout of the state; other readers of graphs do not know it. Its gradient
 * cannot be differentiated again.
 */
export function canFuseLstm(tf: Tf, config: LstmConfig): boolean {
  return (
    config.activation === 'tanh' &&
    config.recurrentActivation === 'sigmoid' &&
    config.recurrentDropout === 0 &&
    recorder()?.portable !== true &&
    !differentiatesTwice(tf)
  );
}

type Weights = Readonly<Record<string, Tensor>>;

/**
 * The states of an LSTM over all steps, [batch, steps, units], by one operation for the sequence and one for its gradient: a graph
 * stays small however long the sequence is. A masked step keeps the state.
 *
 * @param x [batch, steps, features]
 * @see TensorFlow's BlockLSTMV2 (tensorflow/core/ops/rnn_ops.cc), whose gates lie in the order of Keras: input, forget, candidate, output
 */
export function fusedLstm(tf: Tf, x: Tensor, mask: Tensor | undefined, { kernel, recurrentKernel, bias }: Weights): Tensor {
  const weights = tf.concat([kernel!, recurrentKernel!], 0);
  const offsets = bias ?? tf.zeros([weights.shape[1]!]);
  const run = (steps: Tensor): Tensor => tf.transpose(blockLstm(tf, tf.transpose(steps, [1, 0, 2]), weights, offsets), [1, 0, 2]);
  return mask === undefined ? run(x) : reordered(tf, x, mask, run);
}

/** @param x [steps, batch, features] @returns the output of every step */
function blockLstm(tf: Tf, x: Tensor, weights: Tensor, bias: Tensor): Tensor {
  const backend = tf.backend() as unknown as RawBackend;
  const { TF_ATTR_TYPE: type, TF_ATTR_BOOL: bool, TF_ATTR_FLOAT: float, TF_FLOAT: float32 } = backend.binding;
  const attributes = [
    { name: 'T', type: type!, value: float32 },
    { name: 'use_peephole', type: bool!, value: false },
  ];
  const [steps, batch] = x.shape as [number, number, number];
  const units = bias.size / 4;
  const length = int64Scalar(steps);
  const start = (): Tensor => tf.zeros([batch, units]);
  const peephole = (): Tensor => tf.zeros([units]);
  const run = tf.customGrad((...args: unknown[]) => {
    const [input, w, b, save] = args as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const [inGate, memory, forget, out, candidate, squashed, hidden] = backend.executeMultipleOutputs(
      'BlockLSTMV2',
      [...attributes, { name: 'cell_clip', type: float!, value: 0 }],
      [length, input, start(), start(), w, peephole(), peephole(), peephole(), b],
      7,
    ) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    save([input, w, b, inGate, memory, forget, out, candidate, squashed, hidden]);
    return {
      value: hidden,
      gradFunc(dy: Tensor, saved: Tensor[]) {
        const [savedInput, savedWeights, savedBias, ...results] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
        const inputs = [
          length,
          savedInput,
          start(),
          start(),
          savedWeights,
          peephole(),
          peephole(),
          peephole(),
          savedBias,
          ...results,
          tf.zeros(dy.shape),
          dy,
        ];
        const gradients = backend.executeMultipleOutputs('BlockLSTMGradV2', attributes, inputs, 8);
        return [gradients[0]!, gradients[3]!, gradients[7]!];
      },
    };
  });
  return run(x, weights, bias);
}
