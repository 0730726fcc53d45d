/** Digits behind the point that are tried. Nine digits in all tell any two numbers of 32 bits apart. */
const PLACES = Array.from({ length: 16 }, (_, places) => 10 ** places);

/**
 * A number that was kept in 32 bits, as the decimal of the fewest places that stands for the same 32 bits: what people wrote and
 * clients send. 0.7 in 32 bits is 0.699999988079071 in 64, which lies on the other side of every bound at 0.7.
 */
export function shortestOfFloat32(value: number): number {
  const kept = Math.fround(Math.abs(value));
  // Beyond the range of 32 bits it never was in them.
  if (!Number.isFinite(kept)) return value;
  const scale = PLACES.find((each) => Math.fround(Math.floor(kept * each + 0.5) / each) === kept);
  const decimal = scale === undefined ? kept : Math.floor(kept * scale + 0.5) / scale;
  return value < 0 ? -decimal : decimal;
}

/** Name of the SQL function that is this code. */
export const SHORTEST = 'shortest_of_float32';

/** SQL of the same. The function is not asked for a missing value. */
export function shortestOfFloat32Sql(value: string): string {
  return `CASE WHEN ${value} IS NOT NULL THEN ${SHORTEST}(${value}) END`;
}
