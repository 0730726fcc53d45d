/**
 * A number that was kept in 32 bits, as the shortest decimal of them: what people wrote and clients send. 0.7 in 32 bits is
 * 0.699999988079071 in 64, which lies on the other side of every bound at 0.7.
 */
export function shortestOfFloat32(value: number): number {
  const kept = Math.fround(value);
  // Beyond the range of 32 bits it never was in them.
  if (!Number.isFinite(kept) || kept === 0) return Number.isFinite(value) && kept !== 0 ? value : kept;
  for (let digits = 1; digits < 9; digits += 1) {
    const decimal = Number(kept.toPrecision(digits));
    if (Math.fround(decimal) === kept) return decimal;
  }
  return Number(kept.toPrecision(9));
}

/** SQL of the same. */
export function shortestOfFloat32Sql(value: string): string {
  return `CASE WHEN isfinite(TRY_CAST(${value} AS FLOAT)) THEN CAST(CAST(CAST(${value} AS FLOAT) AS VARCHAR) AS DOUBLE) ELSE ${value} END`;
}
