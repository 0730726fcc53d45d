import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import command from '../../../activities/steps/command.step.ts';
import script from '../../../activities/steps/script.step.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import type { RunView } from '../../../src/core/run.ts';
import { explainCache } from '../../../src/planning/explain-cache.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { setStage } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';

const folder = tempDir('cache-of-steps');
const steps = [command, script];
let stage: Stage;

beforeAll(async () => {
  process.env.PERENNIAL_HOME = tempDir('home');
  process.env.ROUTE = 'by the northern sea';
  stage = await setStage(steps, new FileStore(tempDir('store')));
  await stage.startWorker();
});

function write(name: string, text: string | object): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
  return path;
}

const document = (name: string, words: readonly string[], more: object = {}): object => ({
  apiVersion: 'perennial/v1',
  name,
  steps: [{ id: 'made', uses: 'command', with: { command: words, gives: { out: 'data' }, ...more } }],
});

const summary = (text: string): string =>
  `import json, pathlib, sys\ntask = json.load(sys.stdin)\nout = pathlib.Path(task["outputs"]["out"])\n(out / "summary.txt").write_text(${text})\n(out / "rows.txt").write_text("0123456789")\n`;

const NOON = '2026-01-01T12:00:00.000Z';

async function forecast(file: string): Promise<{ readonly hit: boolean | 'unknown'; readonly reason: string }> {
  const { store, artifacts } = stage.deps;
  return (await explainCache(await compileOrThrow(file), { store, artifacts, steps, nominalTime: NOON }))[0]!;
}

async function run(file: string, nominalTime = NOON): Promise<RunView> {
  const started = await startRun(stage.temporal, await compileOrThrow(file), steps, { trigger: 'manual', nominalTime });
  const view = await waitRun(stage.temporal, started.workflowId);
  expect(view.status, JSON.stringify(view.failure)).toBe('completed');
  return view;
}

/** A run's only step, after asking the plan what it would be: both have to say the same. */
async function runOnce(file: string): Promise<{ cached: boolean; reason: string; summary: string; digest: string }> {
  const planned = await forecast(file);
  const [step] = (await run(file)).steps;
  // What only the run shows is added at its end.
  const [reason] = step!.cached || planned.reason.includes('not cached') ? [step!.reason] : step!.reason.split('; not cached: ');
  expect([planned.hit, planned.reason]).toEqual([
    step!.cached,
    planned.reason.startsWith('its last result was not cached') ? planned.reason : reason,
  ]);
  const ref = step!.outputs!.out!;
  return { cached: step!.cached, reason: step!.reason, summary: ref.summary, digest: ref.digest };
}

describe('the cache of a command', () => {
  it('tells projects with the same command line apart', async () => {
    for (const team of ['alpha', 'beta']) {
      write(`${team}/doc.json`, document(team, ['sh', '-c', 'sh prep.sh']));
      write(
        `${team}/prep.sh`,
        `echo "rows of team ${team}" > "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["outputs"]["out"])')/summary.txt"\n`,
      );
    }
    expect(await runOnce(join(folder, 'alpha/doc.json'))).toMatchObject({ cached: false, summary: 'rows of team alpha' });
    expect(await runOnce(join(folder, 'beta/doc.json'))).toMatchObject({ cached: false, summary: 'rows of team beta' });
    const again = await runOnce(join(folder, 'alpha/doc.json'));
    expect(again).toMatchObject({ cached: true, summary: 'rows of team alpha' });
    expect(again.reason).toMatch(/^same step, configuration, inputs and code as in run \S+; same folder, program, locale, file prep\.sh$/);
  });

  it('runs again when a helper, a module, a file of a flag or a file that is named in a source changes', async () => {
    const text = 'helper.NAME + open("lookup.csv").read().strip() + open(sys.argv[1].split("=")[1]).read().strip()';
    const file = write('helpers/doc.json', document('helpers', ['python3', '-m', 'pkg', '--settings=settings.txt']));
    write('helpers/pkg/__init__.py', '');
    write('helpers/pkg/__main__.py', `from . import helper\n${summary(text)}`);
    // Python takes a module that was compiled before where size and second of the file are the same.
    let second = Math.floor(Date.now() / 1_000) - 100;
    const change = (name: string, value: string): void => utimesSync(write(`helpers/${name}`, value), second, (second += 1));
    change('pkg/helper.py', 'NAME = "a"\n');
    change('lookup.csv', 'b\n');
    change('settings.txt', 'c\n');
    expect(await runOnce(file)).toMatchObject({ cached: false, summary: 'abc' });
    expect(await runOnce(file)).toMatchObject({ cached: true, summary: 'abc' });
    change('pkg/helper.py', 'NAME = "x"\n');
    expect(await runOnce(file)).toMatchObject({ cached: false, summary: 'xbc', reason: 'source changed: files.pkg/helper.py' });
    change('lookup.csv', 'y\n');
    expect(await runOnce(file)).toMatchObject({ cached: false, summary: 'xyc' });
    change('settings.txt', 'z\n');
    expect(await runOnce(file)).toMatchObject({ cached: false, summary: 'xyz' });
    change('unrelated.txt', 'x');
    expect(await runOnce(file)).toMatchObject({ cached: true, summary: 'xyz' });
  });

  it('is not used where something cannot be seen, unless "files" declares it', async () => {
    write('unseen/a.py', `import datetime\n${summary('"of " + str(datetime.date.today().year > 2000)')}`);
    const file = write('unseen/doc.json', document('unseen', ['python3', 'a.py']));
    for (let time = 0; time < 2; time += 1)
      expect(await runOnce(file)).toMatchObject({
        cached: false,
        reason: 'not cached: a.py asks the clock; declare "files" with all that decides the result, and it is',
      });
    write('unseen/doc.json', document('unseen', ['python3', 'a.py'], { files: ['*.py'] }));
    expect(await runOnce(file)).toMatchObject({ cached: false });
    expect(await runOnce(file)).toMatchObject({ cached: true });
  });

  it('keeps nothing that holds what only the run has, and nothing whose sources changed meanwhile', async () => {
    write(
      'whole/a.sh',
      'cat > all.json; out=$(python3 -c \'import json; print(json.load(open("all.json"))["outputs"]["out"])\'); cp all.json "$out/"; rm all.json\n',
    );
    const whole = write('whole/doc.json', document('whole', ['sh', 'a.sh']));
    expect((await runOnce(whole)).reason).toMatch(/^first run; not cached: all\.json of its output "out" holds the id of the run/);
    expect((await runOnce(whole)).reason).toMatch(/^its last result was not cached: all\.json of its output/);
    write('writes/a.py', `open("state.txt", "a").write("x")\n${summary('"x"')}`);
    write('writes/state.txt', '');
    const writes = write('writes/doc.json', document('writes', ['python3', 'a.py']));
    expect((await run(writes)).steps[0]!.reason).toBe('first run; not cached: while it ran, source changed: files.state.txt');
  });

  it('covers secrets by a digest that tells nothing', async () => {
    write('secret/a.py', summary('"x"'));
    const file = write('secret/doc.json', document('secret', ['python3', 'a.py'], { env: { ROUTE: { $secret: 'ROUTE' } } }));
    expect(await runOnce(file)).toMatchObject({ cached: false });
    expect((await runOnce(file)).reason).toMatch(/secret ROUTE$/);
    const last = new TextDecoder().decode((await stage.deps.store.get('cache/steps/secret/made.json')).body);
    expect(last).toContain('"secrets":{"ROUTE":"');
    expect(last).not.toContain('northern');
    process.env.ROUTE = 'another way';
    expect(await forecast(file)).toMatchObject({ hit: false, reason: 'the secret ROUTE changed' });
    delete process.env.ROUTE;
    expect(await forecast(file)).toMatchObject({
      hit: 'unknown',
      reason: expect.stringContaining('depends on a secret of the worker') as string,
    });
  });

  it('makes again what is corrupt or gone, and repairs it', async () => {
    write('damage/a.py', summary('"whole"'));
    const file = write('damage/doc.json', document('damage', ['python3', 'a.py']));
    const { digest } = await runOnce(file);
    const { store } = stage.deps;
    const read = async (key: string): Promise<string> => Buffer.from((await store.get(key)).body).toString();
    const manifest = `artifacts/${digest}.json`;
    const good = await read(manifest);
    const blob = blobKey((JSON.parse(good) as { files: Record<string, { digest: string }> }).files['rows.txt']!.digest);
    await store.put(blob, Buffer.from('9876543210'));
    expect(await runOnce(file)).toMatchObject({
      cached: false,
      reason: 'the cached out is corrupt: the bytes of rows.txt are not those that were written',
    });
    expect(await read(blob)).toBe('0123456789');
    expect(await runOnce(file)).toMatchObject({ cached: true });
    await store.delete(blob);
    expect(await runOnce(file)).toMatchObject({ cached: false, reason: 'the cached out is incomplete: its file rows.txt is gone' });
    await store.put(manifest, Buffer.from(good.replace('whole', 'wholf')));
    expect((await runOnce(file)).reason).toMatch(/^the cached out is corrupt/);
    expect(await read(manifest)).toBe(good);
    for await (const { key } of store.list('cache/')) if (!key.startsWith('cache/steps/')) await store.put(key, Buffer.from('null'));
    expect(await runOnce(file)).toMatchObject({ cached: false, reason: 'its cache entry is gone' });
  });
});

describe('runs of several days', () => {
  it('get the result of their own day, from programs and from local steps', async () => {
    write('days/day.py', summary('"extracted the day " + task["run"]["nominalTime"]'));
    write(
      'days/day.ts',
      `
export default { async run(ctx) {
  return { outputs: { note: await ctx.artifacts.write({ kind: 'report', summary: 'ts day ' + ctx.nominalTime, files: {}, meta: {} }) } };
} };
`,
    );
    const file = write('days/doc.json', {
      apiVersion: 'perennial/v1',
      name: 'days',
      steps: [
        { id: 'py', uses: 'command', with: { command: ['python3', 'day.py'], gives: { out: 'data' } } },
        { id: 'ts', uses: './day.ts', with: { gives: { note: 'report' } } },
      ],
    });
    for (const day of ['2026-03-27', '2026-03-28', '2026-03-29', '2026-03-28']) {
      const { steps: made } = await run(file, `${day}T03:00:00.000Z`);
      expect(made.map(({ outputs }) => Object.values(outputs!)[0]!.summary)).toEqual([
        `extracted the day ${day}T03:00:00.000Z`,
        `ts day ${day}T03:00:00.000Z`,
      ]);
    }
    const again = await run(file, '2026-03-28T03:00:00.000Z');
    expect(again.steps.map(({ cached, reason }) => [cached, reason.split('; ')[1]])).toEqual([
      [true, 'same folder, program, locale, file day.py, pipeline, step, nominal time'],
      [true, 'same nominal time'],
    ]);
  });
});
