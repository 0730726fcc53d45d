// Named here: what loads the library needs this.
type Tensor = import('@tensorflow/tfjs-node').Tensor;

/** A pass over the steps of sequences, with values that go from step to step. */
export interface Scan {
  readonly steps: number;
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** Each [steps, …]. */
  readonly sequences: readonly Tensor[];
  /** Before the first step. */
  readonly states: readonly Tensor[];
  /** What one step makes of its parts of the sequences and of the states. It may read any other tensor. */
  step(parts: readonly Tensor[], states: readonly Tensor[]): { readonly states: readonly Tensor[]; readonly outputs: readonly Tensor[] };
}

export interface Scanned {
  /** After the last step. */
  readonly states: readonly Tensor[];
  /** Of all steps, each [steps, …], in the order of the sequences. */
  readonly outputs: readonly Tensor[];
}

/** What turns the operations that run into a graph. */
export interface Recorder {
  /** Whether the graph is for other readers: it then holds no operation that only TensorFlow's own library has. */
  readonly portable: boolean;
  /** Records one step as the body of a loop. */
  scan(scan: Scan): Scanned;
}

let active: Recorder | undefined;

/** What records now; undefined where operations are only run. */
export function recorder(): Recorder | undefined {
  return active;
}

export function recording<T>(by: Recorder, body: () => T): T {
  const before = active;
  active = by;
  try {
    return body();
  } finally {
    active = before;
  }
}
