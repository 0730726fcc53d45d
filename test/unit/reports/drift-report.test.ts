import { describe, expect, it } from 'vitest';
import { renderDriftReport, shownBins } from '../../../src/reports/drift-report.ts';
import type { DriftResult } from '../../../src/monitoring/detect.ts';

const labels = Array.from({ length: 46 }, (_, at) => `word ${at}`);
const bins = { labels, reference: labels.map((_, at) => (at + 1) / 1081), current: labels.map((_, at) => (46 - at) / 1081) };
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('the chart of a drift report', () => {
  it('names as many categories as have room, and folds the rest into one', () => {
    const shown = shownBins(bins);
    expect(shown.labels).toHaveLength(16);
    expect(shown.labels.at(-1)).toBe('31 others');
    expect(shown.labels).toContain('word 0');
    expect(shown.labels).toContain('word 45');
    expect(shown.labels).not.toContain('word 22');
    for (const set of ['reference', 'current'] as const) expect(sum(shown[set])).toBeCloseTo(1, 12);
    const few = { labels: labels.slice(0, 16), reference: bins.reference.slice(0, 16), current: bins.current.slice(0, 16) };
    expect(shownBins(few)).toEqual(few);
  });

  it('leaves room between the names', async () => {
    const column = {
      name: 'text',
      type: 'string',
      status: 'compared',
      drifted: false,
      score: 0.1,
      reason: '',
      tests: [],
      unseen: [],
      missingReference: 0,
      missingCurrent: 0,
      invalidCurrent: 0,
      bins,
    };
    const options = { tests: [{ test: 'psi', threshold: 0.2 }], agree: 'all', columns: {}, missing: 0.1, columnsMin: 1, rowsMin: 100 };
    const result = {
      drifted: false,
      enoughRows: true,
      rows: 500,
      rowsReference: 500,
      columns: [column],
      newColumns: [],
      summary: '',
      options,
    } as unknown as DriftResult;
    const html = await renderDriftReport(result, { model: 'm', version: 1, source: 'x' });
    const places = [
      ...html.matchAll(/<text text-anchor="(?:end|right)" transform="translate\(([\d.]+),[\d.]+\) rotate\([^)]*\)[^>]*>([^<]+)</g),
    ].map(([, x, name]) => ({ x: Number(x), name }));
    expect(places.map(({ name }) => name)).toContain('31 others');
    const gaps = places.slice(1).map(({ x }, at) => x - places[at]!.x);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(16);
  });
});
