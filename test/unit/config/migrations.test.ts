import { describe, expect, it } from 'vitest';
import { CURRENT_VERSION, MIGRATIONS, migrate } from '../../../src/config/migrations.ts';
import type { Migration } from '../../../src/config/migrations.ts';

const TABLE: readonly Migration[] = [
  { from: 'p/v1', to: 'p/v2', summary: 'stages are called steps', upgrade: ({ stages, ...rest }) => ({ ...rest, steps: stages ?? [] }) },
  { from: 'p/v2', to: 'p/v3', summary: 'a name is needed', upgrade: (document) => ({ name: 'unnamed', ...document }) },
];

describe('migrations', () => {
  it('are applied one after the other, up to the current version', () => {
    const { document, applied, findings } = migrate({ apiVersion: 'p/v1', stages: [1] }, TABLE, 'p/v3');
    expect(document).toEqual({ apiVersion: 'p/v3', name: 'unnamed', steps: [1] });
    expect(applied).toEqual(TABLE);
    expect(findings).toEqual([]);
  });

  it('leave a current document and one without a version as they are', () => {
    const current = { apiVersion: 'p/v3', stages: [] };
    expect(migrate(current, TABLE, 'p/v3').document).toBe(current);
    expect(migrate({ name: 'x' }, TABLE, 'p/v3')).toEqual({ document: { name: 'x' }, applied: [], findings: [] });
  });

  it('say which versions there are', () => {
    expect(migrate({ apiVersion: 'perennial/v2' }).findings[0]).toMatchObject({
      message: 'The document is of format "perennial/v2", which is newer than this Perennial knows.',
      fix: 'Install a newer Perennial.',
    });
    expect(migrate({ apiVersion: 'perenial/v1' }).findings[0]).toMatchObject({
      message: 'There is no document format "perenial/v1".',
      suggestion: 'perennial/v1',
    });
  });

  it('form a chain without gaps that ends at the current version', () => {
    for (const [index, { to }] of MIGRATIONS.entries()) expect(to).toBe(MIGRATIONS[index + 1]?.from ?? CURRENT_VERSION);
  });
});
