const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** What {@link durationMs} reads, for schemas. */
export const DURATION_PATTERN = '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$';
const DURATION = new RegExp(DURATION_PATTERN);

/** Whether {@link durationMs} reads it. */
export function isDuration(value: unknown): value is string {
  return typeof value === 'string' && DURATION.test(value);
}

/** "30s", "15m", "1h", "7d", "2w" → milliseconds. The schema has checked the form. */
export function durationMs(text: string): number {
  if (!isDuration(text)) throw new RangeError(`${JSON.stringify(text)} is not a duration such as "30s", "15m", "1h", "7d" or "2w".`);
  const [, number, unit] = /^([0-9.]+)([a-z]+)$/.exec(text)!;
  return Math.round(Number(number) * UNITS[unit!]!);
}

/** Milliseconds as "90s", "5m", "1h", "2d". */
export function spellDuration(ms: number): string {
  if (ms === 0) return '0s';
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
