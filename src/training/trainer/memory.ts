import { readFileSync } from 'node:fs';
import { PerennialError } from '../../core/errors.ts';

const SIGNS = [/resource ?exhausted/i, /OOM when allocating/i, /std::bad_alloc/, /JavaScript heap out of memory/, /Array buffer allocation failed/, /Invalid typed array length/];

/** The error for a text that speaks of exhausted memory, or undefined. */
export function outOfMemory(text: string, batchSize: number): PerennialError | undefined {
  const sign = SIGNS.find((pattern) => pattern.test(text));
  return sign === undefined ? undefined : memoryError(`it said "${sign.exec(text)![0]}"`, batchSize);
}

export function memoryError(how: string, batchSize: number): PerennialError {
  const hint = batchSize > 1
    ? `Run again with "batchSize": ${Math.max(1, Math.floor(batchSize / 4))} instead of ${batchSize}, or with a smaller model.`
    : 'Run again with a smaller model.';
  return new PerennialError('OUT_OF_MEMORY', `The trainer ran out of memory: ${how}.`, { hint });
}

/** How often the kernel has killed processes for lack of memory, here and in this control group; 0 where it does not say. */
export function kernelKills(): number {
  return counter('/proc/vmstat') + counter('/sys/fs/cgroup/memory.events');
}

function counter(path: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    // Not Linux, or no control group: the counter is not there.
    return 0;
  }
}
