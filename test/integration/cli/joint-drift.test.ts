import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { runSteps } from '../../support/run-steps.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('joint-drift-cli');
const perennial = new Perennial({ PERENNIAL_STORE: `file:${join(folder, 'store')}` });
const random = new Prng('joint-drift-cli');
const drift = (...args: string[]) => perennial.here(['drift', 'scales', ...args]);
const JOINT = ['--joint', 'mmd', '--joint', 'classifier'];

interface Kind {
  /** Correlation of height and weight: each by itself stays as it is. */
  readonly agreement?: number;
  readonly weight?: () => string;
  readonly columns?: readonly string[];
}

const COLUMNS = ['height', 'weight', 'flag', 'same', 'at', 'note'];

function file(name: string, rows: number, { agreement = 0, weight, columns = COLUMNS }: Kind = {}): string {
  const path = join(folder, name);
  const lines = Array.from({ length: rows }, (_, row) => {
    const height = random.normal();
    const own = agreement * height + Math.sqrt(1 - agreement ** 2) * random.normal();
    const values: Record<string, string> = {
      height: height.toFixed(4),
      weight: weight?.() ?? own.toFixed(4),
      flag: random.uniform() < 0.3 ? 'up' : 'down',
      same: '7',
      at: `2026-01-01T00:${String(row % 60).padStart(2, '0')}:00Z`,
      note: `free text ${random.below(1e9)} of its own`,
    };
    return columns.map((column) => values[column]).join(',');
  });
  writeFileSync(path, `${columns.join(',')}\n${lines.join('\n')}\n`);
  return path;
}

beforeAll(async () => {
  const store = new FileStore(join(folder, 'store'));
  const artifacts = createArtifactStore(store);
  file('train.csv', 3_000);
  const { ingest } = await runSteps({ dir: folder, store, artifacts }, 'r', {
    apiVersion: 'perennial/v1',
    name: 'scales',
    steps: [
      {
        id: 'ingest',
        uses: 'ingest',
        with: { source: { format: 'csv', path: 'train.csv' }, split: { train: 0.8, validation: 0.1, test: 0.1 } },
      },
    ],
  });
  const dataset = await artifacts.open(ingest!.outputs['dataset']!);
  const files: Record<string, Uint8Array> = {
    'profile.json': await dataset.bytes('profile.json'),
    'preprocessor.json': Buffer.from(JSON.stringify({ columns: COLUMNS.map((name) => ({ name })) })),
  };
  if (dataset.manifest.files['reference.bin'] !== undefined) files['reference.bin'] = await dataset.bytes('reference.bin');
  const modelRef = await artifacts.write({ kind: 'model', summary: 'test', files, meta: modelFacts() as unknown as Json });
  const registry = createRegistry(store, artifacts);
  await registry.register({ model: 'scales', modelRef, dataset: dataset.ref.digest, pipeline: 'scales', runId: 'r', stepId: 's' });
  await registry.register({ model: 'elsewhere', modelRef, pipeline: 'scales', runId: 'r', stepId: 's' });
});

describe('whole rows', () => {
  it('of the same kind do not drift, and it is said which columns are left out and how many rows were looked at', async () => {
    const found = await drift('--current', file('same.csv', 1_500), ...JOINT, '--json');
    expect([found.code, found.json().verdict]).toMatchObject([0, { alarm: false, outcome: 'stable' }]);
    expect(found.json().joint).toMatchObject([
      { test: 'mmd', status: 'compared', drifted: false, rowsReference: 1_000, rowsCurrent: 1_000, columns: ['height', 'weight', 'flag'] },
      { test: 'classifier', status: 'compared', drifted: false, rowsCurrent: 1_500 },
    ]);
    expect(found.json().joint[0].leftOut).toEqual(
      expect.arrayContaining([
        { name: 'at', reason: 'timestamp' },
        { name: 'note', reason: 'text' },
        { name: 'same', reason: 'the same in all rows' },
      ]),
    );
    expect(found.json().options.joint).toMatchObject([
      { test: 'mmd', pValue: 0.00002 },
      { test: 'classifier', threshold: 0.55 },
    ]);
  });

  it('drift where columns come to agree, which no column shows by itself; the check is kept, shown and drawn', async () => {
    const current = file('agreeing.csv', 1_500, { agreement: 0.8 });
    const columns = await drift('--current', current, '--json');
    expect([columns.code, columns.json().driftedColumns, columns.json().joint]).toEqual([0, [], undefined]);
    const report = join(folder, 'joint.html');
    const found = await drift('--current', current, ...JOINT, '--report', report, '--json');
    expect([found.code, found.json().driftedColumns]).toEqual([3, []]);
    expect(found.json().joint).toMatchObject([
      { test: 'mmd', drifted: true, status: 'compared' },
      { test: 'classifier', drifted: true, status: 'compared' },
    ]);
    expect(found.json().verdict.reason).toContain('Drift of whole rows by mmd and classifier.');
    expect(found.json().violations).toMatchObject(
      [
        { feature_name: '*', constraint_check_type: 'baseline_drift_check', description: /^Whole rows, by mmd: / },
        { feature_name: '*', constraint_check_type: 'baseline_drift_check', description: /^Whole rows, by classifier: / },
      ].map((one) => ({ ...one, description: expect.stringMatching(one.description) })),
    );
    const { stdout } = await perennial.run(['drift', 'show', found.json().check]);
    expect(stdout).toMatch(
      /whole rows[^]*mmd +distance 0\.\d+ +p < 0\.001 +1000 against 1000 rows +DRIFT[^]*classifier +ROC AUC 0\.\d+.*DRIFT/,
    );
    expect(stdout).toContain('note (text)');
    const html = readFileSync(report, 'utf8');
    expect(html).toContain('<h2>Whole rows</h2>');
    expect(html).toMatch(/or whole rows do by mmd or classifier/);
    expect((await perennial.run(['drift', 'history', 'scales'])).stdout).toContain('Drift of whole rows by mmd and classifier.');
  });

  it('are compared in bounded work, whatever there are: 150,000 rows, the same ones each time', async () => {
    const current = file('many.csv', 150_000, { columns: ['height', 'weight', 'flag', 'same'] });
    const [once, again] = [await drift('--current', current, ...JOINT, '--json'), await drift('--current', current, ...JOINT, '--json')];
    expect(once.json().joint).toMatchObject([{ rowsCurrent: 1_000 }, { rowsCurrent: 5_000 }]);
    expect(again.json().joint).toEqual(once.json().joint);
    expect(once.json().joint[0].leftOut).toContainEqual({ name: 'at', reason: 'timestamp' });
  });

  it('with values that went missing drift; with too few rows, or none that are left to compare, nothing is said', async () => {
    const missing = await drift('--current', file('missing.csv', 800, { weight: () => '' }), ...JOINT, '--json');
    expect(missing.json().joint).toMatchObject([{ drifted: true }, { drifted: true }]);
    const few = await drift('--current', file('few.csv', 30), ...JOINT, '--rows-min', '10', '--json');
    expect(few.json().joint).toMatchObject([
      { status: 'skipped', score: null, reason: 'Too few rows to compare (1000 of the reference, 30 now; 50 are needed).' },
      { status: 'skipped', score: null },
    ]);
    const none = await drift('--current', file('none.csv', 500, { columns: ['same', 'at', 'note'] }), ...JOINT, '--json');
    expect(none.json().joint).toMatchObject([{ status: 'skipped', reason: 'No column is left to compare rows by.', drifted: false }, {}]);
    expect(none.json().joint[0].leftOut).toContainEqual({ name: 'height', reason: 'no current row has it' });
  });

  it('of a training whose rows are not kept are not compared, and the columns are', async () => {
    const found = await perennial.here(['drift', 'elsewhere', '--current', file('again.csv', 500), ...JOINT, '--json']);
    expect([found.code, found.json().verdict.outcome]).toEqual([0, 'stable']);
    expect(found.json().joint[0]).toMatchObject({ status: 'skipped', reason: expect.stringContaining('not in the store') });
  });

  it.each([
    [['--joint', 'mdd'], 'joint: there is no test of whole rows "mdd". There is: classifier, mmd.', 'Did you mean "mmd"?'],
    [['--joint', 'mmd=x'], 'the threshold "x" is not a number', ''],
    [['--joint', 'mmd=2'], 'joint: the threshold 2 of "mmd" is not from 0 to 1', 'The default is 0.05'],
    [['--joint', 'ks'], 'there is no test of whole rows "ks"', ''],
    [['--joint', ''], 'there is no test of whole rows ""', ''],
  ])('%j says what is wrong', async (args, message, hint) => {
    const { code, stderr } = await drift('--current', join(folder, 'train.csv'), ...args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});
