import type { ColumnProfile, DatasetProfile } from '../data/stored/dataset.ts';
import { formatNumber } from '../evaluation/step/gate-words.ts';
import { html, raw, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';

/** Categories that are named. */
const CATEGORIES_SHOWN = 5;
const COLUMNS_MAX = 200;

/** What the training rows hold, column by column. */
export function profileSection({ rows, columns }: DatasetProfile): Markup {
  const more = columns.length > COLUMNS_MAX ? ` The first ${COLUMNS_MAX} of ${columns.length} columns.` : '';
  return section(
    'Data',
    `${rows.toLocaleString('en')} rows of the training split: what the model learnt from, and what drift is measured against.${more}`,
    tableOf(
      ['column', 'type', 'missing', 'distinct', 'least', 'mean', 'largest', 'distribution'],
      columns.slice(0, COLUMNS_MAX).map((column) => [
        { text: column.name },
        { text: column.type },
        {
          text: column.count + column.missing === 0 ? '–' : `${formatNumber((100 * column.missing) / (column.count + column.missing))} %`,
          number: true,
          ...(column.missing > 0 ? {} : { tone: 'quiet' as const }),
        },
        { text: column.distinct.toLocaleString('en'), number: true },
        ...(['min', 'mean', 'max'] as const).map((key): Cell => ({
          text: column.number === undefined ? '–' : formatNumber(column.number[key]),
          number: true,
        })),
        { text: distribution(column), tone: 'quiet' },
      ]),
    ),
  );
}

function distribution({ number, categories }: ColumnProfile): Markup | string {
  if (number !== undefined && number.counts.length > 1) return histogram(number.edges, number.counts);
  if (categories === undefined) return '';
  const sorted = Object.entries(categories.counts).sort((a, b) => b[1] - a[1]);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0) + categories.other;
  const named = sorted
    .slice(0, CATEGORIES_SHOWN)
    .map(([name, count]) => `${name === '' ? '(empty)' : name.slice(0, 40)} ${Math.round((100 * count) / total)} %`);
  return [...named, ...(sorted.length > CATEGORIES_SHOWN || categories.other > 0 ? ['…'] : [])].join(', ');
}

/** Deciles have the same number of rows each: the height is the density. */
function histogram(edges: readonly number[], counts: readonly number[]): Markup {
  const width = edges.at(-1)! - edges[0]!;
  if (!(width > 0)) return html``;
  const density = counts.map((count, bin) => count / Math.max(edges[bin + 1]! - edges[bin]!, width / 1_000));
  const highest = Math.max(...density);
  const bars = counts.map((_, bin) => {
    const x = (100 * (edges[bin]! - edges[0]!)) / width;
    const own = Math.max(0.8, (100 * (edges[bin + 1]! - edges[bin]!)) / width);
    const height = (18 * density[bin]!) / highest;
    return `<rect x="${x.toFixed(1)}" y="${(18 - height).toFixed(1)}" width="${own.toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  return raw(
    `<svg width="100" height="18" viewBox="0 0 100 18" fill="currentColor" role="img" aria-label="histogram">${bars.join('')}</svg>`,
  );
}
