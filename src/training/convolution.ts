import type { ActivationName } from './activations.ts';
import type { InitializerName } from './initializers.ts';
import type { JsonSchema } from '../core/json.ts';
import type { Regularizer, Shape, WeightSpec } from './layer.ts';
import { activation, bool, initializer, integer, padding, regularizer } from './schema-parts.ts';

export interface ConvolutionConfig {
  readonly filters: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly kernelInitializer: InitializerName;
  readonly kernelRegularizer?: Regularizer;
}

/** What the convolution layers share. */
export const convolution = {
  defaults: { activation: 'linear', useBias: true, kernelInitializer: 'glorotUniform' } as const,

  properties: (causal: boolean): Record<string, JsonSchema> => ({
    filters: integer('Number of channels of the output.', undefined, 32),
    padding: padding(causal),
    activation: activation(),
    useBias: bool('Add a bias to each channel.', true),
    kernelInitializer: initializer('glorotUniform'),
    kernelRegularizer: regularizer,
  }),

  weights(kernelShape: Shape, config: ConvolutionConfig): WeightSpec[] {
    const kernel = { name: 'kernel', shape: kernelShape, initializer: config.kernelInitializer, trainable: true };
    return [
      config.kernelRegularizer === undefined ? kernel : { ...kernel, regularizer: config.kernelRegularizer },
      ...(config.useBias ? [{ name: 'bias', shape: [config.filters], initializer: 'zeros' as const, trainable: true }] : []),
    ];
  },
};
