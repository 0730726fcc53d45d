import type { Rank } from './convolution.ts';
import { defineLayer } from '../layer.ts';
import type { LayerDefinition, LayerExample } from '../layer.ts';
import { asSizes, sizes } from '../../model/schema-parts.ts';
import type { Sizes } from '../../model/schema-parts.ts';
import { requireRank } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

interface Config {
  readonly outputSize: Sizes;
}

/** adaptiveAveragePooling1d to 3d and adaptiveMaxPooling1d to 3d. Windows may overlap where the lengths do not divide. */
export function adaptivePoolingLayer(
  kind: 'Average' | 'Max',
  rank: Rank,
  summary: string,
  examples: readonly LayerExample<Config>[],
): LayerDefinition<Config> {
  const type = `adaptive${kind}Pooling${rank}d`;
  return defineLayer<Config>({
    type,
    summary,
    examples,
    keras: { className: `Adaptive${kind}Pooling${rank}D`, keras3Only: true },
    properties: { outputSize: sizes(rank, 'Number of windows along each axis.', undefined, 4) },
    required: ['outputSize'],
    outputShape: (inputs, config) => [...asSizes(config.outputSize, rank), requireRank(inputs, rank + 1, `a ${type} layer`).at(-1)!],
    // The windows are products of stretches of the axes: one axis after the other gives the same.
    call: (tf, [x], _weights, config) =>
      asSizes(config.outputSize, rank).reduce((pooled, windows, index) => poolAxis(tf, pooled, index + 1, windows, kind), x!),
    mask: 'drop',
  });
}

function poolAxis(tf: Tf, x: Tensor, axis: number, windows: number, kind: 'Average' | 'Max'): Tensor {
  const length = x.shape[axis]!;
  if (windows === length) return x;
  const pooled = Array.from({ length: windows }, (_, index) => {
    const from = Math.floor((index * length) / windows);
    const to = Math.ceil(((index + 1) * length) / windows);
    const window = tf.slice(
      x,
      x.shape.map((_each, at) => (at === axis ? from : 0)),
      x.shape.map((each, at) => (at === axis ? to - from : each)),
    );
    return kind === 'Max' ? tf.max(window, axis, true) : tf.mean(window, axis, true);
  });
  return windows === 1 ? pooled[0]! : tf.concat(pooled, axis);
}
