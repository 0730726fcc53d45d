/**
 * Gives work a signal that aborts with another one, or after a time, with a `TimeoutError`.
 *
 * `AbortSignal.any([…, AbortSignal.timeout(ms)])` is no such thing: nothing holds the timeout but the weak references of the joined signal,
 * so that the collector takes it, and what hangs then hangs for ever.
 *
 * @param ms how long the work may take
 */
export async function withTimeLimit<T>(ms: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const end = (): void => limit.abort(outer.reason);
  const timer = setTimeout(() => limit.abort(new DOMException(`It took longer than ${ms} ms.`, 'TimeoutError')), ms);
  if (outer.aborted) end();
  else outer.addEventListener('abort', end, { once: true });
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', end);
  }
}
