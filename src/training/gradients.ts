import type { RawBackend, Tensor, Tf } from './tf.ts';

/**
 * Gradients of ReLU, sigmoid and tanh by TensorFlow's own operations, in place of several of tfjs's each. They hold for every engine,
 * and cannot be differentiated again.
 */
export function installGradients(tf: Tf): void {
  const backend = tf.backend() as unknown as RawBackend;
  const attributes = [{ name: 'T', type: backend.binding.TF_ATTR_TYPE!, value: backend.binding.TF_FLOAT }];
  const install = (kernelName: string, operation: string, outputFirst: boolean): void => {
    tf.unregisterGradient(kernelName);
    tf.registerGradient({
      kernelName,
      outputsToSave: [true],
      gradFunc: (dy, [y]) => ({ x: () => backend.executeSingleOutput(operation, attributes, outputFirst ? [y!, dy as Tensor] : [dy as Tensor, y!]) }),
    });
  };
  install('Relu', 'ReluGrad', false);
  install('Sigmoid', 'SigmoidGrad', true);
  install('Tanh', 'TanhGrad', true);
}
