/**
 * Whether a time has passed since a moment, by a clock that may be set meanwhile: one that was set back says nothing, and then it has.
 * Who waits by it waits too short at worst, and never until the clock has caught up.
 *
 * @param since milliseconds since 1970
 * @param ms how long
 */
export function hasPassed(since: number, ms: number): boolean {
  const passed = Date.now() - since;
  return passed < 0 || passed >= ms;
}
