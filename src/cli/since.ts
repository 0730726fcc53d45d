import { durationMs, isDuration } from '../core/duration.ts';
import { PerennialError } from '../core/errors.ts';
import { momentOf } from '../core/moment.ts';

const YEAR_0 = Date.parse('0000-01-01T00:00Z');

/**
 * When a stretch of time begins, milliseconds since 1970.
 *
 * @param text "24h" before now, or a date, see {@link momentOf}
 * @param option for the message
 * @throws USAGE
 */
export async function sinceOf(text: string, now: () => Promise<number>, option = '--since'): Promise<number> {
  const at = isDuration(text) ? (await now()) - durationMs(text) : momentOf(text);
  // What was before the year 0 sorts as no key of the store does.
  if (!(at >= YEAR_0))
    throw new PerennialError(
      'USAGE',
      `${option} is ${JSON.stringify(text)}; expected a duration such as "24h" or "7d", or a date such as 2026-01-31.`,
      { hint: '' },
    );
  return at;
}

/**
 * A stretch of time that ends now, or at `until`.
 *
 * @throws USAGE where it is empty
 */
export async function spanOf(
  { since, until }: { readonly since: string; readonly until?: string },
  now: () => Promise<number>,
): Promise<{ readonly from: Date; readonly to: Date }> {
  const from = await sinceOf(since, now);
  const to = until === undefined ? await now() : await sinceOf(until, now, '--until');
  if (!(from < to))
    throw new PerennialError('USAGE', `The time from ${new Date(from).toISOString()} to ${new Date(to).toISOString()} is empty.`, {
      hint: `Give a --since that lies before ${until === undefined ? 'now' : '--until'}.`,
    });
  return { from: new Date(from), to: new Date(to) };
}
