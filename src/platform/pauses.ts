import { setImmediate as turn } from 'node:timers/promises';

/** Of computing without a pause: short beside the seconds between heartbeats. */
const PAUSE_AFTER_MS = 50;

/**
 * For long work on the event loop that consists of short parts: called between them, it lets heartbeats, cancellation and other steps
 * have their turn, and costs next to nothing where there was one just before. Work whose parts are long belongs into a thread
 * (`workInThreads`).
 *
 * @param signal whose reason is thrown
 */
export function pauses(signal?: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - last < PAUSE_AFTER_MS) return;
    await turn();
    last = performance.now();
    signal?.throwIfAborted();
  };
}
