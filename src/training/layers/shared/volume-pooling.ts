import { windowedShape } from './convolution.ts';
import { asSizes, padding, sizes } from '../../model/schema-parts.ts';
import type { Sizes } from '../../model/schema-parts.ts';
import { requireRank } from '../shapes.ts';
import type { Shape } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

interface Config {
  readonly poolSize: Sizes;
  readonly strides?: Sizes;
  readonly padding: 'valid' | 'same';
}

type Triple = [number, number, number];

/** What layers that pool windows of a volume share. @param pool does one window after the other */
export function volumePooling(type: string, pool: (tf: Tf) => Tf['maxPool3d']) {
  return {
    properties: {
      poolSize: sizes(3, 'Size of the window in voxels.', 2, 2),
      strides: sizes(3, 'Steps between windows in voxels. Default: the size of the window.', undefined, 2),
      padding: padding(),
    },
    outputShape(inputs: readonly Shape[], config: Config): Shape {
      const shape = requireRank(inputs, 4, `a ${type} layer`);
      const window = {
        size: asSizes(config.poolSize, 3),
        strides: asSizes(config.strides ?? config.poolSize, 3),
        dilation: [1, 1, 1],
        padding: config.padding,
      };
      return [...windowedShape(shape.slice(0, -1), window), shape.at(-1)!];
    },
    call: (tf: Tf, [x]: readonly Tensor[], _weights: unknown, config: Config): Tensor =>
      pool(tf)(
        x as import('@tensorflow/tfjs-node').Tensor5D,
        asSizes(config.poolSize, 3) as Triple,
        asSizes(config.strides ?? config.poolSize, 3) as Triple,
        config.padding,
      ),
    mask: 'drop' as const,
    examples: [
      { inputs: [[4, 5, 4, 2]], config: {} },
      { inputs: [[4, 5, 4, 2]], config: { poolSize: [1, 3, 2], strides: 2, padding: 'same' as const } },
    ],
  };
}
