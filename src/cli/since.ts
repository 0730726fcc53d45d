import { durationMs, isDuration } from '../core/duration.ts';
import { PerennialError } from '../core/errors.ts';

/**
 * When a stretch of time begins, milliseconds since 1970.
 *
 * @param text "24h" before now, or a date
 * @param option for the message
 * @throws USAGE
 */
export async function sinceOf(text: string, now: () => Promise<number>, option = '--since'): Promise<number> {
  if (isDuration(text)) return (await now()) - durationMs(text);
  const at = Date.parse(text);
  if (Number.isNaN(at))
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
