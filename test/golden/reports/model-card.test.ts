import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import type { DatasetMeta } from '../../../src/data/stored/dataset.ts';
import type { EvaluationReport } from '../../../src/evaluation/step/report.ts';
import type { VersionManifest } from '../../../src/registry/types.ts';
import { cardHtml, cardMarkdown } from '../../../src/reports/model-card-text.ts';
import { modelCard } from '../../../src/reports/model-card.ts';
import type { CardParts } from '../../../src/reports/model-card.ts';
import type { ModelMeta } from '../../../src/training/model/model-meta.ts';

/** The schema as the Model Card Toolkit 2.0.0 publishes it (Apache License 2.0); one reference to a definition lacks a slash. */
const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, 'model_card.schema.json'), 'utf8').replaceAll('"#definitions/', '"#/definitions/'),
) as object;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
const valid = ajv.compile(schema);

const parts: CardParts = {
  version: {
    name: 'penguins',
    version: 3,
    createdAt: '2026-01-31T17:45:01Z',
    description: '',
    parent: 2,
    model: { kind: 'model', digest: 'd'.repeat(64), summary: '' },
    metrics: { accuracy: 0.9 },
    signature: { inputs: [{ name: 'mass', type: 'double', required: false }], outputs: [], windowSize: 1 },
  } as unknown as VersionManifest,
  model: {
    output: { kind: 'classes', name: 'species', classes: ['A', 'B'] },
    training: { model: { architecture: 'mlp' } },
    parameters: 1234,
    loss: 'categoricalCrossentropy',
    optimizer: 'adam',
    epochsRun: 9,
    bestEpoch: 7,
  } as unknown as ModelMeta,
  dataset: {
    rows: { train: 70, validation: 15, test: 15 },
    columns: [{ name: 'mass' }, { name: 'species' }],
    label: 'species',
    quarantined: 2,
    source: { format: 'csv', path: 'birds.csv' },
  } as unknown as DatasetMeta,
  evaluation: {
    metrics: [
      {
        key: 'accuracy',
        value: 0.9,
        interval: { low: 0.8, high: 0.95 },
        champion: { value: 0.85, challenger: 0.9, difference: 0.05, low: 0, high: 0.1 },
      },
    ],
    champion: { version: 2, rows: 15 },
    slices: [{ column: 'island', values: [{ value: 'Dream | Biscoe', rows: 9, metrics: { accuracy: 0.75 } }], left: 0 }],
    insights: {
      slices: {
        looked: 9,
        columns: ['island'],
        measure: 'share of wrong rows',
        found: [{ columns: [{ name: 'island', value: 'Dream' }], rows: 9, value: 0.25, others: 0, p: 0.01 }],
      },
    },
  } as unknown as EvaluationReport,
  sections: {
    overview: 'Tells <penguins> apart.',
    owners: [{ name: 'Ada', contact: 'ada@example.org' }],
    license: 'CC0-1.0',
    references: ['https://example.org/penguins'],
    users: ['Field biologists'],
    useCases: ['Telling species apart.'],
    limitations: ['Adult birds only.'],
    tradeoffs: ['Small, at a percent of accuracy.'],
    ethicalConsiderations: [{ name: 'Disturbing a colony', mitigation: 'From a distance.' }],
    sensitiveData: ['Places of nests'],
  },
};

describe('a model card', () => {
  test('is one of the published schema', () => {
    const card = modelCard(parts);
    expect(valid(card), JSON.stringify(valid.errors)).toBe(true);
    expect(card.model_details.version).toEqual({
      name: '3',
      date: '2026-01-31',
      diff: 'Compared with version 2 on the same 15 rows: accuracy +0.05.',
    });
    expect(card.quantitative_analysis.performance_metrics).toEqual([
      { type: 'accuracy', value: '0.9', confidence_interval: { lower_bound: '0.8', upper_bound: '0.95' } },
      { type: 'accuracy', value: '0.75', slice: 'island=Dream | Biscoe' },
    ]);
    expect(card.considerations.limitations.map(({ description }) => description)).toEqual([
      'Adult birds only.',
      'Found by the evaluation: where island is Dream, the share of wrong rows is 0.25, elsewhere 0 (9 test rows).',
    ]);
  });

  test('of a version of which nobody said anything, and whose data are gone, is one too', () => {
    const { dataset: _dataset, evaluation: _evaluation, ...rest } = parts;
    const card = modelCard({ ...rest, sections: { license: 'Ask Ada first.' } });
    expect(valid(card), JSON.stringify(valid.errors)).toBe(true);
    expect(card.model_details).toMatchObject({
      overview: 'Predicts "species", one of 2 classes.',
      licenses: [{ custom_text: 'Ask Ada first.' }],
    });
    expect(cardMarkdown(card)).toContain('## Uses\n\nNot declared.');
  });

  test('reads as Markdown and as a page that loads nothing', () => {
    const card = modelCard(parts);
    expect(cardMarkdown(card)).toMatchSnapshot();
    const page = cardHtml(card);
    expect(page).toContain('<title>Model card of penguins, version 3</title>');
    expect(page).toContain('Tells &#60;penguins&#62; apart.');
    expect(page).not.toMatch(/<script|src="http|href="http|<penguins>/);
  });

  test('keeps names of columns and classes text', () => {
    const name = '<img src=x onerror=alert(1)> | [a](javascript:b)';
    const card = modelCard({
      ...parts,
      version: {
        ...parts.version,
        signature: { inputs: [{ name, type: 'double', required: false }], outputs: [], windowSize: 1 },
      } as never,
      model: { ...parts.model, output: { kind: 'classes', name, classes: ['A', name] } } as never,
    });
    expect(cardMarkdown(card)).not.toMatch(/(?<!\\)<img|(?<!\\)\[a/u);
  });
});
