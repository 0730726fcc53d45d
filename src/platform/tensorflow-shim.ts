import util from 'node:util';

/**
 * Gives back the members of `node:util` that `@tensorflow/tfjs-node` calls and Node 23 removed, and keeps TensorFlow's start-up
 * notes off stderr. Call it before tfjs-node is loaded; calling it again changes nothing.
 */
export function prepareForTensorflow(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const members: Record<string, (value: unknown) => boolean> = {
    isArray: Array.isArray,
    isNullOrUndefined: (value) => value === null || value === undefined,
  };
  const target = util as unknown as Record<string, unknown>;
  for (const [name, member] of Object.entries(members)) target[name] ??= member;
}
