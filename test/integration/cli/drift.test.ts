import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { pathLiteral, withDatabase } from '../../../src/data/table/duckdb.ts';
import { describeTable, profileFiles } from '../../../src/data/table/profile.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';
import type { Json } from '@duckdb/node-api';

const folder = tempDir('drift-cli');
const perennial = new Perennial({ PERENNIAL_STORE: `file:${join(folder, 'store')}` });
const random = new Prng('drift-cli');

/** @param share of rows with a flag */
function file(name: string, rows: number, share = 0.5): string {
  const path = join(folder, name);
  const lines = Array.from({ length: rows }, () => `${random.normal().toFixed(4)},${random.uniform() < share ? 'up' : 'down'}`);
  writeFileSync(path, `mass,flag\n${lines.join('\n')}\n`);
  return path;
}

beforeAll(async () => {
  const store = new FileStore(join(folder, 'store'));
  const artifacts = createArtifactStore(store);
  const columns = [
    { name: 'mass', type: 'number', sql: 'mass' },
    { name: 'flag', type: 'string', sql: 'flag' },
  ] as const;
  const described = await withDatabase((db) => describeTable(db, `read_csv(${pathLiteral(file('train.csv', 2_000))})`, columns));
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'test',
    files: {
      ...profileFiles(described),
      'preprocessor.json': Buffer.from(JSON.stringify({ columns: columns.map(({ name }) => ({ name })) })),
    },
    meta: modelFacts() as unknown as Json,
  });
  await createRegistry(store, artifacts).register({ model: 'scales', modelRef, pipeline: 'p', runId: 'r', stepId: 's' });
});

const drift = (...args: string[]) => perennial.here(['drift', ...args]);

describe('perennial drift', () => {
  it('keeps every check, lists them, and shows each as it was', async () => {
    expect((await drift('history', 'scales')).stdout).toContain('scales was not checked yet');
    const today = file('today.csv', 400);
    const alone = await drift('scales', '--current', today, '--json');
    expect([alone.code, alone.json().verdict]).toMatchObject([0, { alarm: false, outcome: 'stable' }]);
    const moved = await drift('scales', '--current', file('moved.csv', 400, 0.9), '--json');
    expect([moved.code, moved.json().verdict]).toMatchObject([3, { alarm: true, outcome: 'alarm' }]);
    const { kept, checks } = (await drift('history', 'scales', '--json')).json();
    expect([kept, checks.map(({ id }: { id: string }) => id)]).toEqual([2, [moved.json().check, alone.json().check]]);
    expect((await drift('history', 'scales', '--limit', '1')).stdout).toMatch(
      /DRIFT.*Drift in 1 of 2 compared columns over 400 rows: flag\.[^]*1 of 2: --limit 2/,
    );
    const shown = await drift('show', moved.json().check.slice(0, 5));
    expect(shown.stdout).toMatch(/against .*moved\.csv \(400 rows\)[^]*flag.*DRIFT[^]*DRIFT: Drift in 1 of 2/);
    const { check: id, verdict, columns } = moved.json();
    expect((await drift('show', id, '--json')).json()).toMatchObject({ id, verdict, result: { columns } });
    const report = join(folder, 'drift.html');
    expect((await drift('show', id, '--report', report)).stderr).toContain(`report: ${report}`);
  });

  it('finds in a stream of windows what none of them shows, and counts none twice', async () => {
    const windows = [1, 2, 3, 4, 5].map((day) => file(`day-${day}.csv`, 250, 0.62));
    const verdicts: string[] = [];
    for (const path of [...windows, windows[4]!])
      verdicts.push((await drift('scales', '--current', path, '--stream', 'daily', '--json')).json().verdict.outcome);
    expect([verdicts[0], verdicts.at(-2), verdicts.at(-1)]).toEqual(['stable', 'alarm', 'alarm']);
    const once = await drift('scales', '--current', windows[0]!, '--stream', 'other', '--windows-min', '2', '--json');
    expect(once.json().options).toMatchObject({ pool: 5, correction: 'benjaminiHochberg' });
  });

  it.each([
    [['scales', '--current', 'x.csv', '--windows-min', '2'], '--windows-min looks at windows that came before', 'Add --stream NAME'],
    [
      ['scales', '--current', 'x.csv', '--stream', 's', '--windows-min', '3', '--windows-of', '2'],
      '--windows-min 3 is more than --windows-of 2',
      '',
    ],
    [['scales', '--current', 'x.csv', '--stream', 's', '--pool', '0'], '--pool "0" is no number of windows', ''],
    [['scales', '--current', 'x.csv', '--correction', 'bonferroni'], '--correction "bonferroni" is neither', ''],
    [['history', 'scale'], 'scale', ''],
    [['show', 'nothing'], 'There is no check with the id "nothing"', 'perennial drift history MODEL'],
    [['history', 'scales', '--limit', '0'], '--limit "0" is not a number above 0', ''],
  ])('%j says what is wrong', async (args, message, hint) => {
    const { code, stderr } = await drift(...args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});
