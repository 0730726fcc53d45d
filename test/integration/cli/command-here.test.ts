import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Perennial } from '../../support/perennial.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('here');
const path = (name: string): string => join(folder, name);
writeFileSync(path('torn.json'), '{ "apiVersion": "perennial/v1", "name": "torn", ');
writeFileSync(path('wrong.json'), JSON.stringify({ apiVersion: 'perennial/v1', name: 'wrong', steps: [{ uses: 'ingestt' }] }));
const penguins = join(packageRoot(), 'pipelines', 'penguins.json');

/** One file declares a command, and those below it. */
const names = readdirSync(join(packageRoot(), 'src/cli/commands')).flatMap((file) => /^(.*)\.command\.ts$/.exec(file)?.[1] ?? []);
/** Of the moment. */
const untimed = (text: string): string => text.replace(/"nominalTime": ".*?"/, '');

describe('a command that is carried out in the process of the test', () => {
  const perennial = new Perennial();

  it.each<readonly string[]>([
    ...names.map((name) => [name, '--help']),
    ['--help'],
    ['--version'],
    [],
    ['frobnicate'],
    ['validate'],
    ['models', 'list', '--help'],
    ['models', 'promot', 'x', '1', '--json'],
    ['validate', penguins],
    ['validate', penguins, '--json'],
    ['validate', path('torn.json')],
    ['validate', path('wrong.json'), '--json'],
    ['plan', penguins, '--json'],
    ['models', 'list', '--json'],
    ['models', 'show', '__proto__'],
    ['status', '--json'],
    ['runs', 'list'],
    ['predict', 'nobody', '--row', '{bad', '--json'],
  ])('ends, prints and says as a process does: %j', async (...words) => {
    const { code, stdout, stderr } = await perennial.run(words);
    const here = await perennial.here(words);
    expect({ code: here.code, stdout: untimed(here.stdout), stderr: here.stderr }).toEqual({ code, stdout: untimed(stdout), stderr });
  });

  it('leaves nothing to the next: neither its home nor its environment nor its exit code', async () => {
    const other = new Perennial({ TEMPORAL_NAMESPACE: 'elsewhere' });
    const store = join(other.home, 'store');
    mkdirSync(store, { recursive: true });
    const environment = { ...process.env };
    expect((await other.here(['frobnicate'])).code).toBe(2);
    const [first, second, third] = await Promise.all([
      perennial.here(['status', '--json']),
      other.here(['status', '--json']),
      perennial.here(['validate', penguins]),
    ]);
    expect(first.stdout + first.stderr).toContain(perennial.home);
    expect(second.stdout + second.stderr).toContain(other.home);
    expect(third.code).toBe(0);
    expect(process.env).toEqual(environment);
    expect(process.exitCode ?? 0).toBe(0);
  });

  it('is none that goes on, or whose environment a process has from its beginning', async () => {
    await expect(async () => perennial.here(['serve'])).rejects.toThrow('needs a process');
    await expect(async () => perennial.here(['status'], { env: { NODE_OPTIONS: '' } })).rejects.toThrow('when a process begins');
  });
});
