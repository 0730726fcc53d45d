import { describe, expect, it } from 'vitest';
import {
  judgeLive,
  liveTable,
  shareInterval,
  shownValue,
  stretchOf,
  widened,
  windowMistakes,
} from '../../../src/monitoring/policy/live-windows.ts';
import type { LiveWindow } from '../../../src/monitoring/policy/live-windows.ts';

const window = (rows: number, low: number | null, high: number | null, value: number | null = 0.5): LiveWindow => ({
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-01-02T00:00:00.000Z',
  rows,
  value,
  low,
  high,
});
const below = ({ high }: { readonly high: number }): boolean => high < 0.9;

describe('the interval of a share', () => {
  // The two shares x with (count / rows - x)² = z² x (1 - x) / rows.
  it.each([
    [10, 100, 0.95, 0.05522914, 0.17436566],
    [10, 100, 0.99, 0.04602581, 0.20375074],
    [1, 20, 0.9, 0.01123482, 0.19600724],
    [399, 400, 0.999, 0.9689724, 0.99980388],
  ])('of %i in %i at %f is that of Wilson', (count, rows, confidence, low, high) => {
    const found = shareInterval(count, rows, confidence);
    expect(found.low).toBeCloseTo(low, 5);
    expect(found.high).toBeCloseTo(high, 5);
  });

  it('begins at 0 where nothing was counted, ends at 1 where all was, and reaches no further', () => {
    const [none, all] = [shareInterval(0, 50, 0.99), shareInterval(50, 50, 0.99)];
    expect(none.low).toBeCloseTo(0, 12);
    expect(all.high).toBeCloseTo(1, 12);
    expect(none.high).toBeCloseTo(1 - all.low, 12);
    expect(none.high).toBeGreaterThan(0.05);
    for (let rows = 1; rows < 200; rows += 1) {
      expect(shareInterval(0, rows, 0.9).low).toBeGreaterThanOrEqual(0);
      expect(shareInterval(rows, rows, 0.9).high).toBeLessThanOrEqual(1);
    }
  });
});

it('an interval of another confidence is wider by the ratio of the normal quantiles, on each side by itself', () => {
  // 1.959964 → 2.575829: a factor of 1.314223; 1.644854: 0.839226
  const wide = widened(10, { low: 8, high: 11 }, 0.99);
  expect(wide.low).toBeCloseTo(10 - 2 * 1.314223, 5);
  expect(wide.high).toBeCloseTo(10 + 1.314223, 5);
  expect(widened(10, { low: 8, high: 11 }, 0.95)).toEqual({ low: 8, high: 11 });
  expect(widened(10, { low: 8, high: 11 }, 0.9).low).toBeCloseTo(10 - 2 * 0.839226, 5);
});

it('the stretch of several windows ends the delay before the check', () => {
  const hour = 3_600_000;
  expect(stretchOf('2026-01-10T00:00:00Z', 24 * hour, 6 * hour, 3)).toEqual({
    from: new Date('2026-01-06T18:00:00Z'),
    to: new Date('2026-01-09T18:00:00Z'),
  });
});

describe('the verdict on live windows', () => {
  const rules = { rowsMin: 100, windowsMin: 2, windowsOf: 3 };

  it('asks for so many windows beyond the bound, and no more', () => {
    const [bad, good] = [window(100, 0.5, 0.8), window(100, 0.85, 0.95)];
    expect(judgeLive([bad, good, good], rules, below)).toEqual({ alarm: false, judged: [bad, good, good], breached: [bad] });
    expect(judgeLive([bad, good, bad], rules, below)).toMatchObject({ alarm: true, breached: [bad, bad] });
    expect(judgeLive([bad, bad, bad], rules, below).alarm).toBe(true);
  });

  it('hears windows with rows enough and a known interval only', () => {
    const enough = window(100, 0.1, 0.2);
    const unheard = [window(99, 0.1, 0.2), window(500, null, 0.2), window(500, 0.1, null), window(500, null, null)];
    expect(judgeLive([...unheard, enough], rules, () => true)).toEqual({ alarm: false, judged: [enough], breached: [enough] });
  });

  it('asks about both ends of the interval', () => {
    const seen: unknown[] = [];
    judgeLive([window(100, 0.1, 0.2)], rules, (interval) => (seen.push(interval), true));
    expect(seen).toEqual([{ low: 0.1, high: 0.2 }]);
  });
});

it('more windows than are looked at can never be beyond the bound, which is a mistake', () => {
  expect(windowMistakes({ windowsMin: 3, windowsOf: 2 })).toEqual([
    {
      pointer: '/windowsMin',
      message: '"windowsMin" asks for 3 windows, and "windowsOf" looks at 2: it would never alarm.',
      fix: 'Set "windowsOf" to 3 or more, or lower "windowsMin".',
    },
  ]);
  // The schema tells of what is no number.
  for (const given of [
    { windowsMin: 2, windowsOf: 2 },
    { windowsMin: 1, windowsOf: 2 },
    { windowsMin: '3', windowsOf: 2 },
    { windowsMin: 3, windowsOf: '2' },
  ])
    expect(windowMistakes(given)).toEqual([]);
});

it('a value is shown with what is known of it', () => {
  expect(shownValue(window(5, 0.881234, 0.94, 0.912345))).toBe('0.9123 (0.8812 to 0.94)');
  expect(shownValue(window(5, null, 0.94, 0.9))).toBe('0.9');
  expect(shownValue(window(5, 0.8, null, 0.9))).toBe('0.9');
  expect(shownValue(window(5, 0.8, 0.94, null))).toBe('not known');
  const [good, bad] = [window(7, null, null), window(8, 0.1, 0.2, 0.15)];
  expect(liveTable([good, bad], 'accuracy', [bad])).toBe(
    [
      '| From | To | Rows | accuracy | |',
      '| --- | --- | ---: | ---: | --- |',
      '| 2026-01-01T00:00:00.000Z | 2026-01-02T00:00:00.000Z | 7 | 0.5 |  |',
      '| 2026-01-01T00:00:00.000Z | 2026-01-02T00:00:00.000Z | 8 | 0.15 (0.1 to 0.2) | **beyond the bound** |',
    ].join('\n'),
  );
});
