import { plural } from '../core/plural.ts';
import { formatNumber } from '../evaluation/step/gate-words.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { html, section, tableOf } from './html.ts';
import type { Markup } from './html.ts';

/** What a generator makes: a grid of samples beside one of test examples, its way there, or statistics of its numbers. */
export function generatedSection({ generated }: EvaluationReport): Markup | null {
  if (generated === undefined) return null;
  const { features, images, numbers } = generated;
  const note = `The Fréchet distance compares ${features}.`;
  if (images === undefined) {
    const cell = (value: number): { text: string; number: boolean } => ({ text: formatNumber(value), number: true });
    return section(
      'Samples and examples',
      `${note} Numbers are as the network reads them, after preprocessing.`,
      tableOf(
        ['', 'mean of examples', 'of samples', 'deviation of examples', 'of samples'],
        (numbers ?? []).map(({ name, real, generated: made }) => [name, cell(real.mean), cell(made.mean), cell(real.std), cell(made.std)]),
      ),
    );
  }
  const classes = images.classes === undefined ? '' : ` Rows: ${images.classes.join(', ')}.`;
  return section(
    'Samples',
    `${note}${classes}`,
    html`<div class="charts">${picture('Samples', images.samples, 360)}${picture('Test examples', images.examples, 360)}</div>`,
    images.progress.length === 0
      ? null
      : html`<h3>While it was trained</h3>${images.progress.map(({ epoch, image }) => picture(epoch === 0 ? 'Before training' : `After ${plural(epoch, 'epoch')}`, image, 480))}`,
  );
}

function picture(title: string, png: string, width: number): Markup {
  return html`<figure><h3>${title}</h3><img class="grid" width="${width}" alt="${title}" src="data:image/png;base64,${png}"></figure>`;
}
