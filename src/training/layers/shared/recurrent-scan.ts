import { recorder } from '../../tensorflow/recorder.ts';
import { differentiatesTwice } from '../../tensorflow/gradient-depth.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** From here on a graph holds one step and a loop: an unrolled sequence takes longer to load than a loop to run. */
const STEPS_MIN = 64;

/** True where a recurrence over so many steps is recorded as a loop. */
export function scans(tf: Tf, steps: number): boolean {
  const by = recorder();
  return by !== undefined && !by.portable && steps >= STEPS_MIN && !differentiatesTwice(tf);
}

export interface Recurrence {
  /** [steps, batch, …] */
  readonly inputs: Tensor;
  /** [steps, batch, 1] */
  readonly mask: Tensor | undefined;
  /** What every step reads and no gradient goes to. */
  readonly fixed: Tensor | undefined;
  readonly weights: readonly Tensor[];
  readonly states: number;
  readonly units: number;
  step(
    input: Tensor,
    states: readonly Tensor[],
    weights: readonly Tensor[],
    mask: Tensor | undefined,
    fixed: Tensor | undefined,
  ): readonly Tensor[];
}

/** The first state after every step, [steps, batch, units]. Its gradient is a loop too, which computes each step once more. */
export function scanRecurrence(tf: Tf, { inputs, mask, fixed, weights, states: count, units, step }: Recurrence): Tensor {
  const [steps, batch] = inputs.shape as [number, number];
  const start = (): Tensor[] => Array.from({ length: count }, () => tf.zeros([batch, units]));
  const run = tf.customGrad((...args: unknown[]) => {
    const [input, ...more] = args.slice(0, -1) as [Tensor, ...Tensor[]];
    const save = args.at(-1) as (tensors: Tensor[]) => void;
    const {
      outputs: [hidden, ...before],
    } = recorder()!.scan({
      steps,
      reverse: false,
      states: start(),
      sequences: [input, ...(mask === undefined ? [] : [mask])],
      step([part, seen], states) {
        const next = step(part!, states, more, seen, fixed);
        return { states: next, outputs: [next[0]!, ...states] };
      },
    });
    save([input, ...more, ...before, ...(mask === undefined ? [] : [mask]), ...(fixed === undefined ? [] : [fixed])]);
    return { value: hidden!, gradFunc: (dy: Tensor, saved: Tensor[]) => gradients(dy, saved) };
  });

  const gradients = (dy: Tensor, saved: readonly Tensor[]): Tensor[] => {
    const own = saved.slice(1, 1 + weights.length);
    const before = saved.slice(1 + weights.length, 1 + weights.length + count);
    const savedMask = mask === undefined ? [] : [saved[1 + weights.length + count]!];
    const savedFixed = fixed === undefined ? undefined : saved.at(-1);
    const { outputs, states } = recorder()!.scan({
      steps,
      reverse: true,
      sequences: [saved[0]!, dy, ...before, ...savedMask],
      states: [...start(), ...own.map((weight) => tf.zeros(weight.shape))],
      step([part, slope, ...rest], sums) {
        const old = rest.slice(0, count);
        const slopes = sums.slice(0, count).map((each, index) => (index === 0 ? tf.add(each, slope!) : each));
        const read = [part!, ...old, ...own];
        const found = gradientsWithin(tf, () => joined(tf, step(part!, old, own, rest[count], savedFixed)), read, joined(tf, slopes));
        const [ofPart, ...others] = found.map((gradient, index) => gradient ?? tf.zerosLike(read[index]!)) as [Tensor, ...Tensor[]];
        return { states: others.map((gradient, index) => (index < count ? gradient : tf.add(sums[index]!, gradient))), outputs: [ofPart] };
      },
    });
    return [outputs[0]!, ...states.slice(count)];
  };
  return run(inputs, ...weights);
}

/** Gradients while others are being computed: tfjs would forget the tape of those. */
function gradientsWithin(tf: Tf, of: () => Tensor, by: readonly Tensor[], dy: Tensor): (Tensor | null)[] {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } };
  const tape = state.activeTape;
  try {
    return tf.engine().gradients(of, [...by], dy, true).grads;
  } finally {
    state.activeTape = tape;
  }
}

function joined(tf: Tf, states: readonly Tensor[]): Tensor {
  return states.length === 1 ? states[0]! : tf.concat([...states], 1);
}
