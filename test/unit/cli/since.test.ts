import { describe, expect, it } from 'vitest';
import { sinceOf, spanOf } from '../../../src/cli/since.ts';
import { momentOf } from '../../../src/core/moment.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const now = (): Promise<number> => Promise.resolve(NOW);
const shown = async (text: string): Promise<string> => new Date(await sinceOf(text, now)).toISOString();

describe('when a stretch of time begins', () => {
  it('is a duration before now, or a date: by UTC, unless it says another zone', async () => {
    expect(await shown('36h')).toBe('2026-11-29T00:00:00.000Z');
    expect(await shown('2026-01-31')).toBe('2026-01-31T00:00:00.000Z');
    expect(await shown('2026-01-31T10:20')).toBe('2026-01-31T10:20:00.000Z');
    expect(await shown('2026-01-31 10:20:30')).toBe('2026-01-31T10:20:30.000Z');
    expect(await shown('2026-01-31T10:20:30.5Z')).toBe('2026-01-31T10:20:30.500Z');
    expect(await shown('2026-01-31T10:20+02:00')).toBe('2026-01-31T08:20:00.000Z');
    expect(await shown('2026-01-31T10:20-0130')).toBe('2026-01-31T11:50:00.000Z');
    expect(await shown('2024-02-29')).toBe('2024-02-29T00:00:00.000Z');
  });

  it.each(['', 'yesterday', 'last 3', 'foo 5', '1', '2026', '2026-2-3', '2026-02-30', '2026-02-29', '2026-01-01T24:30', '01/02/2026'])(
    'is nothing that only looks like one: %j',
    async (text) => {
      await expect(sinceOf(text, now)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(JSON.stringify(text)) });
      expect(momentOf(text)).toBeNaN();
    },
  );

  it.each(['99999999d', '999999999999w', `${'9'.repeat(400)}d`])('lies in a year that there is: %s', async (text) => {
    await expect(spanOf({ since: text }, now)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('--since') });
  });

  it('lies before its end', async () => {
    expect(await spanOf({ since: '2d', until: '1d' }, now)).toEqual({ from: new Date(NOW - 172_800_000), to: new Date(NOW - 86_400_000) });
    for (const given of [{ since: '1d', until: '2d' }, { since: '0d' }, { since: '2027-01-01' }, { since: '1d', until: '1d' }])
      await expect(spanOf(given, now)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('is empty') });
    await expect(spanOf({ since: '1d', until: 'May 3' }, now)).rejects.toMatchObject({ message: expect.stringContaining('--until') });
  });
});
