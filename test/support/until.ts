/**
 * Waits for what others bring about: until a look finds anything but undefined, false or an empty list. Between two looks lies at least
 * twice the time that one takes: a look that starts a command would otherwise keep busy what it waits for.
 *
 * @throws Error with `what` when the time is up
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { what = 'waited in vain', timeoutMs = 120_000, everyMs = 50 } = {},
): Promise<Exclude<T, undefined | false>> {
  for (const end = Date.now() + timeoutMs; ;) {
    const from = performance.now();
    const found = await look();
    if (found !== undefined && found !== false && !(Array.isArray(found) && found.length === 0))
      return found as Exclude<T, undefined | false>;
    if (Date.now() > end) throw new Error(`${what} for ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(everyMs, 2 * (performance.now() - from))));
  }
}
