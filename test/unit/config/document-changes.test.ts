import { expect, it } from 'vitest';
import { documentChanges, valueText, valuesOf } from '../../../src/config/document-changes.ts';
import type { JsonObject } from '../../../src/core/json.ts';

const lines = (before: JsonObject, after: JsonObject): string[] => documentChanges(before, after).map(valueText);
const step = (uses: string, config: JsonObject = {}, id?: string): JsonObject => ({
  uses,
  with: config,
  ...(id === undefined ? {} : { id }),
});

it('names each value that differs by its path, steps by their ids', () => {
  const before = {
    apiVersion: 'perennial/v1',
    name: 'a',
    steps: [step('ingest'), step('train', { epochs: 60, model: { units: [32, 16] } })],
    on: { schedule: { cron: '0 3 * * *', overlap: 'skip' } },
  };
  const after = {
    apiVersion: 'perennial/v1',
    name: 'b',
    $schema: 'x',
    steps: [step('ingest'), step('validate', { expect: [] }), step('train', { epochs: 5, model: { units: [64] } })],
    on: { schedule: { cron: '0 4 * * *' }, drift: { every: '1h' } },
  };
  expect(lines(before, after)).toEqual([
    'steps.validate: {"uses":"validate","with":{"expect":[]}}',
    'steps.train.with.epochs: 60 → 5',
    'steps.train.with.model.units: [32,16] → [64]',
    'on.schedule.cron: "0 3 * * *" → "0 4 * * *"',
    'on.schedule.overlap: "skip" → (none)',
    'on.drift.every: "1h"',
  ]);
});

it('says nothing of documents that mean the same', () => {
  expect(lines({ name: 'a', on: { a: 1, b: [1] } }, { name: 'b', on: { b: [1], a: 1 }, apiVersion: 'perennial/v1' })).toEqual([]);
});

it('names places in lists, the order of steps, keys that are no words, and shortens what is long', () => {
  const notify = (channel: string): JsonObject => ({ to: { slack: { channel } } });
  expect(lines({ on: { notify: [notify('a'), notify('b')] } }, { on: { notify: [notify('a'), notify('c')] } })).toEqual([
    'on.notify[1].to.slack.channel: "b" → "c"',
  ]);
  expect(lines({ steps: [step('ingest'), step('preprocess')] }, { steps: [step('preprocess'), step('ingest')] })).toEqual([
    'order of steps: ["ingest","preprocess"] → ["preprocess","ingest"]',
  ]);
  expect(lines({ parameters: { 'a b': 1 } }, { parameters: { 'a b': 2 } })).toEqual(['parameters["a b"]: 1 → 2']);
  expect(lines({ description: 'x' }, { description: 'y'.repeat(500) })[0]).toHaveLength(`description: "x" → `.length + 101);
  // Two steps of one id are a mistake of a document, and no reason to fail here.
  expect(lines({ steps: [step('ingest'), step('ingest')] }, { steps: [step('ingest')] })).toHaveLength(1);
});

it('lists the values of a part; a secret is a value', () => {
  expect(valuesOf({ schedule: { cron: '* * * * *' }, event: {}, notify: [{ url: { $secret: 'A' } }] }, 'on').map(valueText)).toEqual([
    'on.schedule.cron: "* * * * *"',
    'on.event: {}',
    'on.notify: [{"url":{"$secret":"A"}}]',
  ]);
});
