import { describe, expect, it } from 'vitest';
import { chart } from '../../../src/reports/chart.ts';
import { importanceChart } from '../../../src/reports/insight-charts.ts';

const OBJECT_NAMES = Object.getOwnPropertyNames(Object.prototype);

describe('a chart', () => {
  it('draws names that objects have of their own, wherever they stand', async () => {
    const { markup } = await importanceChart({
      metric: 'accuracy',
      rows: 10,
      repeats: 2,
      columns: [...OBJECT_NAMES, 'plain'].map((column) => ({ column, loss: 0.5, low: 0.4, high: 0.6 })),
    } as never);
    for (const name of ['constructor', '__proto__', 'toString', 'plain']) expect(markup).toContain(name);
  });

  it('draws them as colours too', async () => {
    const values = OBJECT_NAMES.flatMap((name, at) => [0, 1].map((x) => ({ x, y: at, name })));
    const { markup } = await chart('colours', 'colours', {
      data: { values },
      mark: 'line',
      encoding: {
        x: { field: 'x', type: 'quantitative' },
        y: { field: 'y', type: 'quantitative' },
        color: { field: 'name', type: 'nominal', sort: OBJECT_NAMES },
      },
    } as never);
    expect(markup.match(/mark-line/gu)!.length).toBeGreaterThan(0);
    for (const name of OBJECT_NAMES) expect(markup).toContain(name);
  });

  it('writes names that look like markup as text', async () => {
    const name = '</svg><script>alert(1)</script>';
    const { markup } = await chart('hostile', name, {
      data: { values: [{ name, y: 1 }] },
      mark: 'bar',
      encoding: { x: { field: 'name', type: 'nominal', title: name }, y: { field: 'y', type: 'quantitative' } },
    } as never);
    expect(markup).not.toContain('<script>');
  });
});
