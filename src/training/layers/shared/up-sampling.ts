import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Every entry along an axis `times` in a row. */
export function repeatAlong(tf: Tf, x: Tensor, axis: number, times: number): Tensor {
  if (times === 1) return x;
  const { shape } = x;
  const before = shape.slice(0, axis + 1).reduce((size, length) => size * length, 1);
  const apart = tf.mul(tf.reshape(x, [before, 1, -1]), tf.ones([1, times, 1]));
  return tf.reshape(
    apart,
    shape.map((length, at) => (at === axis ? length * times : length)),
  );
}

/** Like {@link repeatAlong}, with linear interpolation between the centers of neighbours; the outermost entries go on to the edge. */
export function stretchAlong(tf: Tf, x: Tensor, axis: number, times: number): Tensor {
  if (times === 1) return x;
  const { shape } = x;
  const length = shape[axis]!;
  const rows = tf.reshape(x, [shape.slice(0, axis).reduce((size, each) => size * each, 1), length, -1]);
  const [outer, , inner] = rows.shape as [number, number, number];
  const part = (from: number, count: number): Tensor => tf.slice(rows, [0, from, 0], [outer, count, inner]);
  const before = length === 1 ? rows : tf.concat([part(0, 1), part(0, length - 1)], 1);
  const after = length === 1 ? rows : tf.concat([part(1, length - 1), part(length - 1, 1)], 1);
  const phases = Array.from({ length: times }, (_, phase) => {
    const offset = (phase + 0.5) / times - 0.5;
    if (offset === 0) return rows;
    return tf.add(tf.mul(rows, 1 - Math.abs(offset)), tf.mul(offset < 0 ? before : after, Math.abs(offset)));
  });
  return tf.reshape(
    tf.stack(phases, 2),
    shape.map((each, at) => (at === axis ? each * times : each)),
  );
}
