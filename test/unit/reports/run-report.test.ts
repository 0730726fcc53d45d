import { expect, test } from 'vitest';
import { renderMarkdown } from '../../../src/reports/markdown.ts';
import { renderRunReport } from '../../../src/reports/run-report.ts';

test('Markdown of steps becomes markup, and what is none stays text', () => {
  const { markup } = renderMarkdown(
    '**3 rows**, `a < b`\n\n| column | mean |\n| --- | --- |\n| x \\| y | 1.5 |\n\n- one\n- <two>\n\n# Head\n| no table |',
  );
  expect(markup).toContain('<strong>3 rows</strong>, <code>a &#60; b</code>');
  expect(markup).toMatch(/<td>x \| y<\/td><td class="number">1.5<\/td>/);
  expect(markup).toContain('<li>one</li><li>&#60;two&#62;</li>');
  expect(markup).toContain('<h3>Head</h3><p>| no table |</p>');
});

test('the page of a run that failed names it, shows its curves, and loads nothing', async () => {
  const html = await renderRunReport({
    subject: 'Run 20260131-174501-x7k2',
    pipeline: 'penguins',
    run: '20260131-174501-x7k2',
    date: '2026-01-31T17:45:01Z',
    facts: { Status: 'failed' },
    failure: 'train: TRAINING_DIVERGED: The loss became NaN.',
    steps: [
      {
        id: 'ingest',
        type: 'ingest',
        status: 'completed',
        durationMs: 1_200,
        cached: true,
        reason: 'same',
        details: '| a |\n| --- |\n| <b> |',
      },
      { id: 'train', type: 'train', status: 'failed', durationMs: 20, failure: 'The loss became NaN.' },
    ],
    parameters: { epochs: 3, title: '</script>' },
    document: { train: { epochs: 3, note: '<img src=x>' } },
    trainings: [
      {
        step: 'train',
        state: 'failed',
        why: 'The loss became NaN.',
        epochs: 3,
        bestEpoch: null,
        trained: ['loss'],
        points: [1, 2].map((epoch) => ({ epoch, at: epoch, numbers: { loss: 1 / epoch, validationLoss: 2 / epoch, accuracy: 0.5 } })),
      },
      { step: 'again', state: 'cancelled', epochs: 3, bestEpoch: null, points: [] },
    ],
    profile: {
      formatVersion: 1,
      rows: 10,
      columns: [
        {
          name: 'mass',
          type: 'number',
          count: 9,
          missing: 1,
          distinct: 9,
          number: { min: 0, max: 4, mean: 2, std: 1, quantiles: {}, edges: [0, 1, 4], counts: [5, 4], sample: [] },
        },
        { name: 'kind', type: 'string', count: 10, missing: 0, distinct: 2, categories: { counts: { '<a>': 7, b: 3 }, other: 0 } },
      ],
    },
    tags: { best: '' },
    notes: [{ at: '2026-02-01T00:00:00Z', by: 'ada', text: 'look' }],
  });
  expect(html).toContain('<title>Run 20260131-174501-x7k2 · pipeline penguins · 2026-01-31</title>');
  expect(html).toContain('2 of 3 epochs. It is failed: The loss became NaN.');
  expect(html).toContain('No epoch came to its end. It is cancelled.');
  expect(html).toContain('&#60;a&#62; 70 %, b 30 %');
  expect(html).toContain('aria-label="loss by epoch"');
  expect(html).not.toMatch(/<script|<img src=x|src="http|url\(http|<b>/);
});
