import type { WeightSpec } from '../layer.ts';
import type { Tensor } from '../../tensorflow/tf.ts';

/** "kernel" → "forwardKernel". */
export function withPrefix(specs: readonly WeightSpec[], prefix: string): WeightSpec[] {
  return specs.map((spec) => ({ ...spec, name: prefix + spec.name[0]!.toUpperCase() + spec.name.slice(1) }));
}

/** The weights of one prefix under their plain names. */
export function withoutPrefix(weights: Readonly<Record<string, Tensor>>, prefix: string): Record<string, Tensor> {
  const plain: Record<string, Tensor> = {};
  for (const [name, weight] of Object.entries(weights)) {
    if (name.startsWith(prefix)) plain[name[prefix.length]!.toLowerCase() + name.slice(prefix.length + 1)] = weight;
  }
  return plain;
}
