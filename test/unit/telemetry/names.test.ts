import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { ATTRIBUTES, METRICS, SPANS, isAllowed, spanEntryOf } from '../../../src/telemetry/names.ts';

const root = packageRoot();
const sources = ['src', 'activities', 'workflows'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);
const text = sources
  .filter((path) => path !== 'src/telemetry/names.ts')
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

describe('the tables of names', () => {
  it('are documented', () => {
    const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8');
    for (const name of [...Object.keys(ATTRIBUTES), ...Object.keys(SPANS), ...Object.keys(METRICS)])
      expect(page).toContain(`| \`${name}\` |`);
    for (const entry of [...Object.values(ATTRIBUTES), ...Object.values(SPANS), ...Object.values(METRICS)])
      expect(entry.description).toMatch(/\S.*[.:]$/);
  });

  it('hold nothing that is never told', () => {
    const told = (name: string): boolean => text.includes(`'${name}'`) || text.includes(`${name}:`);
    expect(Object.keys(METRICS).filter((name) => !told(name))).toEqual([]);
    // What Temporal's own interceptors add is not in our sources.
    expect(
      Object.entries(ATTRIBUTES)
        .filter(([name, { of }]) => of !== 'temporal' && name !== 'exception.type' && !told(name))
        .map(([name]) => name),
    ).toEqual([]);
  });

  it('give every metric a unit of UCUM and attributes of the table', () => {
    for (const [name, { unit, attributes }] of Object.entries(METRICS)) {
      expect(unit, name).toMatch(/^(s|By|\{[a-z]+\}(\/s)?)$/);
      expect(Object.keys(ATTRIBUTES)).toEqual(expect.arrayContaining([...attributes]));
    }
  });

  it('know the spans by their forms', () => {
    expect(
      [
        'perennial models list',
        'RunActivity:train@1',
        'store putFile',
        'predict penguins',
        'POST /models/:model/predict',
        'GET',
        'CancelWorkflow',
      ].map(spanEntryOf),
    ).toEqual([
      'perennial {command}',
      'RunActivity:{type}',
      'store {operation}',
      'predict {model}',
      '{method} {route}',
      '{method}',
      'CancelWorkflow',
    ]);
    expect(['HandleQuery:status', 'a row: Torgersen,39.1', 'predict Torgersen,39.1'].map(spanEntryOf)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('refuse what may hold free text', () => {
    expect(isAllowed('error.type', 'DATA_INVALID')).toBe(true);
    expect(isAllowed('error.type', 'Column "island": "Torgersen" is no number')).toBe(false);
    expect(isAllowed('perennial.command', 'run --param token=abc')).toBe(false);
    expect(isAllowed('perennial.model.version', 1.5)).toBe(false);
    expect(isAllowed('perennial.anything', 'x')).toBe(false);
    expect(isAllowed('url.path', 'x'.repeat(2_000))).toBe(false);
  });
});
