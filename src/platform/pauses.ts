import { setImmediate as turn } from 'node:timers/promises';

/** Of computing without a pause: short beside the seconds between heartbeats. */
const PAUSE_AFTER_MS = 50;

/**
 * For long work on the event loop that consists of short parts: called between them, it lets heartbeats, cancellation and other steps
 * have their turn, and costs next to nothing where there was one just before. Work whose parts are long belongs into a thread
 * (`workInThreads`).
 *
 * @param signal whose reason is thrown
 * @param afterMs of computing without a pause, where others cannot wait as long
 */
export function pauses(signal?: AbortSignal, afterMs: number = PAUSE_AFTER_MS): () => Promise<void> {
  let last = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - last < afterMs) return;
    await turn();
    last = performance.now();
    signal?.throwIfAborted();
  };
}
