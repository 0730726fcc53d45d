const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What {@link durationMs} reads, for schemas. */
export const DURATION_PATTERN = '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$';

/** "30s", "15m", "1h", "7d" → milliseconds. The schema has checked the form. */
export function durationMs(text: string): number {
  const [, number, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined)
    throw new RangeError(`${JSON.stringify(text)} is not a duration such as "30s", "15m", "1h" or "7d".`);
  return Math.round(Number(number) * UNITS[unit]!);
}
