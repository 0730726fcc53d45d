const FORM = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * A point in time that somebody wrote: "2026-01-31" (midnight), "2026-01-31T03:00", "2026-01-31T03:00:00+01:00"; by UTC, unless it says
 * another zone. Milliseconds since 1970; NaN for what is none, also where JavaScript would find a date in it ("last 3", 30 February).
 */
export function momentOf(text: string): number {
  const [, day, time = '00:00', zone = 'Z'] = FORM.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  const midnight = Date.parse(`${day}T00:00Z`);
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return Number.NaN;
  return Date.parse(`${day}T${time}${zone}`);
}
