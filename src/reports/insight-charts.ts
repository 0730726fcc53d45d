import type { Insights } from '../evaluation/findings/insights/insight-types.ts';
import { COLOURS, chart, figure } from './chart.ts';
import type { Markup } from './html.ts';

const SIZE = 300;
const COLUMNS_SHOWN = 20;

type Thresholds = NonNullable<Insights['thresholds']>;

/** Cost of a row by threshold, with the cheapest and the one that is used. */
export async function costChart({ points, best, used }: Thresholds): Promise<Markup> {
  const picture = await chart('cost', 'Cost by threshold', {
    width: SIZE,
    height: 220,
    layer: [
      {
        data: { values: points.map(({ threshold, cost }) => ({ threshold, cost })) },
        mark: { type: 'line', interpolate: 'step', color: COLOURS.ours, strokeWidth: 1.8 },
        encoding: {
          x: { field: 'threshold', type: 'quantitative', title: 'threshold', scale: { domain: [0, 1] } },
          y: { field: 'cost', type: 'quantitative', title: 'cost of a row' },
        },
      },
      rule(used.threshold, COLOURS.quiet),
      rule(best.threshold, COLOURS.good),
    ],
  } as never);
  return figure('Cost by threshold', picture, 'Green: the cheapest threshold. Grey: the one that is used.');
}

function rule(threshold: number, color: string): object {
  return {
    data: { values: [{ threshold }] },
    mark: { type: 'rule', color, strokeDash: [4, 4], strokeWidth: 1.6 },
    encoding: { x: { field: 'threshold', type: 'quantitative' } },
  };
}

export async function precisionRecallChart({ points, best, used }: Thresholds): Promise<Markup> {
  const place = (point: Thresholds['best'], which: string): object[] =>
    point.precision === null || point.recall === null ? [] : [{ recall: point.recall, precision: point.precision, which }];
  const encoding = {
    x: { field: 'recall', type: 'quantitative', title: 'recall', scale: { domain: [0, 1] } },
    y: { field: 'precision', type: 'quantitative', title: 'precision', scale: { domain: [0, 1] } },
  };
  const picture = await chart('precisionRecall', 'Precision against recall', {
    width: 220,
    height: 220,
    layer: [
      {
        data: {
          values: points.flatMap(({ precision, recall }, order) =>
            precision === null || recall === null ? [] : [{ recall, precision, order }],
          ),
        },
        mark: { type: 'line', color: COLOURS.ours, strokeWidth: 1.8 },
        encoding: { ...encoding, order: { field: 'order', type: 'quantitative' } },
      },
      {
        data: { values: [...place(used, 'used'), ...place(best, 'cheapest')] },
        mark: { type: 'circle', size: 90, opacity: 1 },
        encoding: {
          ...encoding,
          color: {
            field: 'which',
            type: 'nominal',
            title: null,
            scale: { domain: ['used', 'cheapest'], range: [COLOURS.quiet, COLOURS.good] },
            legend: { orient: 'bottom' },
          },
        },
      },
    ],
  } as never);
  return figure('Precision and recall', picture, 'Each point is a threshold: the lower it is, the further to the right.');
}

/** A bar per column; the line reaches from the least to the largest loss of the shuffles. */
export async function importanceChart({ columns, metric }: NonNullable<Insights['importance']>): Promise<Markup> {
  const shown = columns.slice(0, COLUMNS_SHOWN);
  const order = shown.map(({ column }) => column);
  const picture = await chart('importance', `Loss of ${metric} by column`, {
    width: 460,
    height: { step: 20 },
    data: { values: shown },
    encoding: { y: { field: 'column', type: 'nominal', title: null, sort: order, axis: { labelLimit: 220 } } },
    layer: [
      {
        mark: { type: 'bar', color: COLOURS.ours, opacity: 0.75 },
        encoding: { x: { field: 'loss', type: 'quantitative', title: `loss of ${metric}` } },
      },
      { mark: { type: 'rule', color: COLOURS.quiet }, encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } } },
    ],
  } as never);
  return figure('Columns', picture, columns.length > shown.length ? `${columns.length - shown.length} that matter less are left out.` : '');
}
