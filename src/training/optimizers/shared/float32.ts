/** Numbers of an optimizer in the precision, and in the order, in which Keras computes them. */
export const float32 = Math.fround;

/** `base ^ exponent` */
export function power(base: number, exponent: number): number {
  return float32(float32(base) ** exponent);
}

/** `1 - base ^ exponent`: the correction of a moving mean that began at zero. */
export function correction(base: number, exponent: number): number {
  return float32(1 - power(base, exponent));
}
