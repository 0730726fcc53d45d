/**
 * Waits for what others bring about: until a look finds anything but undefined, false or an empty list.
 *
 * @throws Error with `what` when the time is up
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { what = 'waited in vain', timeoutMs = 120_000, everyMs = 50 } = {},
): Promise<Exclude<T, undefined | false>> {
  for (const end = Date.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, everyMs))) {
    const found = await look();
    if (found !== undefined && found !== false && !(Array.isArray(found) && found.length === 0))
      return found as Exclude<T, undefined | false>;
    if (Date.now() > end) throw new Error(`${what} for ${timeoutMs} ms`);
  }
}
