import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { PerennialError } from '../../core/errors.ts';

const SIGNS = [
  /resource ?exhausted/i,
  /OOM when allocating/i,
  /std::bad_alloc/,
  /JavaScript heap out of memory/,
  /Array buffer allocation failed/,
  /Invalid typed array length/,
];

/** The error for a text that speaks of exhausted memory, or undefined. */
export function outOfMemory(text: string, batchSize: number): PerennialError | undefined {
  const sign = SIGNS.find((pattern) => pattern.test(text));
  return sign === undefined ? undefined : memoryError(`it said "${sign.exec(text)![0]}"`, batchSize);
}

export function memoryError(how: string, batchSize: number): PerennialError {
  const hint =
    batchSize > 1
      ? `Run again with "batchSize": ${Math.max(1, Math.floor(batchSize / 4))} instead of ${batchSize}, or with a smaller model.`
      : 'Run again with a smaller model.';
  return new PerennialError('OUT_OF_MEMORY', `The trainer ran out of memory: ${how}.`, { hint });
}

/**
 * Before anything is computed: weights, their gradients and what the optimizer keeps of each must fit into memory.
 *
 * @param values that are trained @param slots values that the optimizer keeps per weight @param memory bytes
 * @throws OUT_OF_MEMORY
 */
export function requireMemory(values: number, slots: number, largest: string, memory: number = availableMemory()): void {
  const bytes = 4 * values * (2 + slots);
  if (bytes <= memory) return;
  throw new PerennialError(
    'OUT_OF_MEMORY',
    `The model has ${values.toLocaleString('en')} values to train: with their gradients and ${slots} value${slots === 1 ? '' : 's'} of the optimizer for each they take ${gibibytes(bytes)}, and there are ${gibibytes(memory)} of memory. The largest weight is "${largest}".`,
    {
      hint: 'Make the largest layer smaller, for example by fewer units or a pooling layer before it, or train on a machine with more memory. A smaller "batchSize" does not change this.',
    },
  );
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;

/** Of the machine, or of the control group where that allows less. */
function availableMemory(): number {
  const constrained = (process as { constrainedMemory?: () => number | undefined }).constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** How often the kernel has killed processes for lack of memory, here and in this control group; 0 where it does not say. */
export function kernelKills(): number {
  return ['/proc/vmstat', '/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control'].reduce(
    (sum, path) => sum + counter(path),
    0,
  );
}

function counter(path: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    // Not Linux, or no control group: the counter is not there.
    return 0;
  }
}
