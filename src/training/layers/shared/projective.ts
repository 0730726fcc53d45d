import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { RawBackend } from '../../tensorflow/raw-backend.ts';

export const FILL_MODES = ['reflect', 'constant', 'nearest', 'wrap'] as const;
export const INTERPOLATIONS = ['bilinear', 'nearest'] as const;
export type FillMode = (typeof FILL_MODES)[number];
export type Interpolation = (typeof INTERPOLATIONS)[number];

export interface Sampling {
  /** [height, width] of what is given. */
  readonly size: readonly [number, number];
  readonly interpolation: Interpolation;
  /** What stands beyond the borders of the image. */
  readonly fillMode: FillMode;
  readonly fillValue: number;
}

/**
 * Images seen through affine maps, one per image: the pixel (x, y) of the result is read at (a0·x + a1·y + a2, b0·x + b1·y + b2).
 *
 * @param images [rows, height, width, channels]
 * @param maps [rows, 6]: a0, a1, a2, b0, b1, b2
 * @see https://www.tensorflow.org/api_docs/python/tf/raw_ops/ImageProjectiveTransformV3
 */
export function projected(tf: Tf, images: Tensor, maps: Tensor, sampling: Sampling): Tensor {
  const backend = tf.backend() as unknown as RawBackend;
  const { TF_ATTR_TYPE: type, TF_ATTR_STRING: string, TF_FLOAT: float } = backend.binding as Record<string, number>;
  const attributes = [
    { name: 'dtype', type: type!, value: float },
    { name: 'interpolation', type: string!, value: sampling.interpolation.toUpperCase() },
    { name: 'fill_mode', type: string!, value: sampling.fillMode.toUpperCase() },
  ];
  const transforms = tf.concat([maps, tf.zeros([maps.shape[0], 2])], 1);
  const size = tf.tensor1d([...sampling.size], 'int32');
  const fill = tf.scalar(sampling.fillValue);
  const shape = images.shape;
  const transformed = tf.customGrad((x) => ({
    value: backend.executeSingleOutput('ImageProjectiveTransformV3', attributes, [x as Tensor, transforms, size, fill]),
    gradFunc: (dy: Tensor) => scattered(tf, dy, maps, shape, sampling),
  }));
  return transformed(images);
}

/** The gradient of {@link projected}: each pixel's goes to the pixels that it was read from. */
function scattered(
  tf: Tf,
  dy: Tensor,
  maps: Tensor,
  shape: readonly number[],
  { interpolation, fillMode, size: [toHeight, toWidth] }: Sampling,
): Tensor {
  const [rows, height, width, channels] = shape as [number, number, number, number];
  const [a0, a1, a2, b0, b1, b2] = tf.split(maps, 6, 1).map((each) => tf.reshape(each, [rows, 1, 1])) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const x = tf.reshape(tf.range(0, toWidth), [1, 1, toWidth]);
  const y = tf.reshape(tf.range(0, toHeight), [1, toHeight, 1]);
  const readX = inside(tf, tf.add(tf.add(tf.mul(a0, x), tf.mul(a1, y)), a2), width, fillMode);
  const readY = inside(tf, tf.add(tf.add(tf.mul(b0, x), tf.mul(b1, y)), b2), height, fillMode);
  const image = tf.reshape(tf.mul(tf.range(0, rows), height * width), [rows, 1, 1]);
  let sum: Tensor = tf.zeros([rows * height * width, channels]);
  for (const [column, atX] of corners(tf, readX, interpolation)) {
    for (const [line, atY] of corners(tf, readY, interpolation)) {
      const there = tf.logicalAnd(
        tf.logicalAnd(tf.greaterEqual(column, 0), tf.less(column, width)),
        tf.logicalAnd(tf.greaterEqual(line, 0), tf.less(line, height)),
      );
      const share = tf.mul(tf.mul(atX, atY), tf.cast(there, 'float32'));
      const place = tf.add(tf.add(tf.mul(tf.clipByValue(line, 0, height - 1), width), tf.clipByValue(column, 0, width - 1)), image);
      const indices = tf.cast(tf.reshape(place, [-1, 1]), 'int32');
      const parts = tf.reshape(tf.mul(dy, tf.expandDims(share, -1)), [-1, channels]);
      sum = tf.add(sum, tf.scatterND(indices, parts, [rows * height * width, channels]));
    }
  }
  return tf.reshape(sum, [...shape]);
}

/** Whole coordinates with their weights. */
function corners(tf: Tf, at: Tensor, interpolation: Interpolation): (readonly [Tensor, Tensor])[] {
  if (interpolation === 'nearest') return [[tf.mul(tf.sign(at), tf.floor(tf.add(tf.abs(at), 0.5))), tf.onesLike(at)]];
  const low = tf.floor(at);
  const after = tf.sub(at, low);
  return [
    [low, tf.sub(1, after)],
    [tf.add(low, 1), after],
  ];
}

/** Coordinates beyond the borders brought inside, as TensorFlow does. */
function inside(tf: Tf, at: Tensor, length: number, mode: FillMode): Tensor {
  if (mode === 'constant') return at;
  return tf.clipByValue(
    mode === 'nearest' || length === 1 ? at : mode === 'reflect' ? reflected(tf, at, length) : wrapped(tf, at, length),
    0,
    length - 1,
  );
}

function reflected(tf: Tf, at: Tensor, length: number): Tensor {
  const period = 2 * length;
  const before = tf.add(at, tf.mul(period, tf.floor(tf.div(tf.neg(at), period))));
  const behind = tf.sub(at, tf.mul(period, tf.floor(tf.div(at, period))));
  const left = tf.where(tf.less(before, -length), tf.add(before, period), tf.sub(-1, before));
  const right = tf.where(tf.greaterEqual(behind, length), tf.sub(period - 1, behind), behind);
  return tf.where(tf.less(at, 0), left, tf.where(tf.greater(at, length - 1), right, at));
}

function wrapped(tf: Tf, at: Tensor, length: number): Tensor {
  const left = tf.add(at, tf.mul(length, tf.add(tf.floor(tf.div(tf.neg(at), length - 1)), 1)));
  const right = tf.sub(at, tf.mul(length, tf.floor(tf.div(at, length - 1))));
  return tf.where(tf.less(at, 0), left, tf.where(tf.greater(at, length - 1), right, at));
}
