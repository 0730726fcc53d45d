// Named here: what loads the library needs this.
type Tf = typeof import('@tensorflow/tfjs-node');

/** True inside the gradient of a gradient: what has a gradient that cannot be differentiated again must do without it there. */
export function differentiatesTwice(tf: Tf): boolean {
  return (tf.engine() as unknown as { state: { readonly gradientDepth: number } }).state.gradientDepth > 1;
}
