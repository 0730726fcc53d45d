import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import command from '../../../activities/steps/command.step.ts';
import type { ProgramConfig } from '../../../src/programs/program-config.ts';
import script from '../../../activities/steps/script.step.ts';
import type { ScriptConfig } from '../../../src/programs/script/config.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import { isUnseen } from '../../../src/core/step.ts';
import type { StepContext, StepProgress } from '../../../src/core/step.ts';
import { secretOf } from '../../../src/steps/secrets.ts';
import { startTicksOf } from '../../../src/platform/process-info.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';

const home = tempDir('programs');
const documentDir = join(home, 'document');
const store = new FileStore(join(home, 'store'));
const artifacts = createArtifactStore(store, join(home, 'blobs'));
let runs = 0;

interface Stage {
  readonly ctx: StepContext;
  readonly stop: AbortController;
  readonly lines: string[];
  readonly told: StepProgress[];
}

function stage(): Stage {
  const workDir = join(home, 'work', String((runs += 1)));
  mkdirSync(workDir, { recursive: true });
  const lines: string[] = [];
  const told: StepProgress[] = [];
  const stop = new AbortController();
  const log = (message: string): void => void lines.push(message);
  const ctx: StepContext = {
    runId: `r${runs}`,
    pipeline: 'test',
    stepId: 'program',
    attempt: 1,
    nominalTime: '2026-01-01T00:00:00.000Z',
    documentDir,
    workDir,
    store,
    artifacts,
    log: { info: log, warn: log, error: log },
    signal: stop.signal,
    progress: (update) => told.push(update),
    secret: (name) => process.env[name] ?? '',
    planRevision: 'r',
    trigger: 'manual',
  };
  return { ctx, stop, lines, told };
}

let input: ArtifactRef;
beforeAll(async () => {
  mkdirSync(documentDir, { recursive: true });
  process.env.PERENNIAL_HOME = join(home, 'home');
  input = await artifacts.write({
    kind: 'data',
    summary: 'three words',
    files: { 'words.txt': Buffer.from('b\na\nc\n') },
    meta: { words: 3 },
  });
  writeFileSync(
    join(documentDir, 'sort.mjs'),
    `
import { readFileSync, writeFileSync } from 'node:fs';
const task = JSON.parse(readFileSync(0, 'utf8'));
const words = readFileSync(task.inputs.words.path + '/words.txt', 'utf8').trim().split('\\n').sort();
writeFileSync(task.outputs.sorted + '/words.txt', words.join(task.config.separator));
writeFileSync(task.outputs.sorted + '/meta.json', JSON.stringify({ words: task.inputs.words.manifest.meta.words }));
writeFileSync(task.outputs.sorted + '/summary.txt', 'sorted words');
writeFileSync(task.values, JSON.stringify({ count: words.length, step: task.run.step }));
console.log('sorting', process.env.GREETING);
`,
  );
});

const sort: ProgramConfig = {
  command: [process.execPath, 'sort.mjs'],
  with: { separator: '-' },
  takes: { words: 'data' },
  gives: { sorted: 'data' },
  env: { GREETING: 'hello' },
};

describe('command', () => {
  it('hands artifacts in and out as files, and values as JSON', async () => {
    const { ctx, lines, told } = stage();
    const result = await command.run(ctx, sort, { words: input });
    expect(result.values).toEqual({ count: 3, step: 'program' });
    expect(result.outputs.sorted).toMatchObject({ kind: 'data', summary: 'sorted words' });
    const sorted = await artifacts.open(result.outputs.sorted!);
    expect(new TextDecoder().decode(await sorted.bytes('words.txt'))).toBe('a-b-c');
    expect(sorted.manifest.meta).toEqual({ words: 3 });
    expect(Object.keys(sorted.manifest.files)).toEqual(['words.txt']);
    expect(lines).toEqual(['sorting hello']);
    expect(told.at(-1)).toEqual({ message: 'sorting hello' });
  });

  it('fails with the exit code and the last lines', async () => {
    await expect(
      command.run(stage().ctx, { command: ['sh', '-c', 'echo first; echo "the disk is wet" >&2; exit 7'] }, {}),
    ).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      retryable: false,
      message: expect.stringMatching(/ended with exit code 7.*first\nthe disk is wet/s),
    });
    await expect(command.run(stage().ctx, { command: ['no-such-program'] }, {})).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('could not be started'),
    });
    await expect(command.run(stage().ctx, { command: ['sh', '-c', 'exit 0'], cwd: 'missing' }, {})).rejects.toMatchObject({
      message: expect.stringContaining('does not exist'),
    });
    await expect(command.run(stage().ctx, { command: ['sh', '-c', 'true'], gives: { table: 'dataset' } }, {})).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringContaining('has no meta.json'),
    });
  });

  it('ends the whole process group when the step is aborted', async () => {
    const { ctx, stop, lines } = stage();
    const running = command.run(ctx, { command: ['sh', '-c', 'sleep 60 & echo $!; wait'] }, {});
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const sleeper = Number(lines[0]);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    // Whoever inherits the process takes note of its end a moment later.
    await until(() => startTicksOf(sleeper) === undefined);
  });

  it('ends the program that a killed worker left behind', async () => {
    const { ctx, lines } = stage();
    const left = command.run(ctx, { command: ['sh', '-c', 'echo $$; sleep 60'] }, {});
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const end = expect(left).rejects.toMatchObject({ message: expect.stringContaining('was killed by') });
    const again = await command.run({ ...ctx, attempt: 2 }, { command: ['sh', '-c', 'true'] }, {});
    expect(again.outputs).toEqual({});
    await end;
    expect(lines.at(-1)).toMatch(/ended the program of the attempt before/);
  });

  it('has a fingerprint over the files that it names', async () => {
    const before = await command.fingerprint!(stage().ctx, sort, {});
    expect(await command.fingerprint!(stage().ctx, sort, {})).toEqual(before);
    writeFileSync(join(documentDir, 'sort.mjs'), `${readFileSync(join(documentDir, 'sort.mjs'), 'utf8')}// changed\n`);
    expect(await command.fingerprint!(stage().ctx, sort, {})).not.toEqual(before);
    await expect(command.fingerprint!(stage().ctx, { ...sort, files: ['nowhere'] }, {})).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });

  it('has the environment that programs need and that is declared, and no more', async () => {
    process.env.OF_THE_WORKER = 'not for programs';
    const { ctx, lines } = stage();
    await command.run(ctx, { command: [process.execPath, '-e', 'console.log(JSON.stringify(process.env))'], env: { DECLARED: 'x' } }, {});
    const given = JSON.parse(lines[0]!) as Record<string, string>;
    expect(given).toMatchObject({ DECLARED: 'x', PATH: process.env.PATH, HOME: process.env.HOME });
    expect(
      Object.keys(given).filter(
        (name) => !/^(PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|PYTHONHASHSEED|DECLARED|__CF_USER_TEXT_ENCODING)$/.test(name),
      ),
    ).toEqual([]);
  });

  it('may not put a secret into an artifact, and its facts are masked', async () => {
    process.env.DEPLOY_TOKEN = 'tok-fd7a61';
    const writes = (file: string, text: string): ProgramConfig => ({
      command: [
        process.execPath,
        '-e',
        `require('fs').writeFileSync(JSON.parse(require('fs').readFileSync(0)).outputs.out + '/${file}', ${JSON.stringify(text)})`,
      ],
      gives: { out: 'data' },
    });
    await expect(command.run(stage().ctx, writes('env.txt', 'x=1 DEPLOY_TOKEN=tok-fd7a61'), {})).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringContaining('"env.txt"'),
    });
    const { outputs } = await command.run(stage().ctx, writes('summary.txt', 'made with tok-fd7a61'), {});
    expect(outputs.out!.summary).toBe('made with ***');
    const facts = await command.run(stage().ctx, writes('meta.json', '{"with":"tok-fd7a61"}'), {});
    expect((await artifacts.open(facts.outputs.out!)).manifest.meta).toEqual({ with: '***' });
    delete process.env.DEPLOY_TOKEN;
  });

  it('tells lines without secrets, however long they are and in how many pieces they come', async () => {
    process.env.DEPLOY_TOKEN = 'tok-fd7a61';
    const { ctx, lines } = stage();
    writeFileSync(
      join(documentDir, 'pieces.mjs'),
      `
const write = (text) => new Promise((done) => process.stderr.write(text, () => setTimeout(done, 30)));
await write('first tok-'); await write('fd7'); await write('a61 end\\n');
await write('x'.repeat(3995) + 'tok-fd7a61\\n');
await write('y'.repeat(63996) + 'tok-fd'); await write('7a61' + 'z'.repeat(70000)); await write('7a61 tok-fd7a61\\nlast\\n');
process.exit(3);`,
    );
    await expect(command.run(ctx, { command: [process.execPath, 'pieces.mjs'] }, {})).rejects.toMatchObject({
      message: expect.not.stringMatching(/tok-f|fd7a61/),
    });
    expect(lines[0]).toBe('first *** end');
    expect(lines.join('\n')).not.toMatch(/tok-f|d7a61/);
    expect(lines.at(-1)).toBe('last');
    delete process.env.DEPLOY_TOKEN;
  });
});

describe('script', () => {
  const write = (name: string, text: string): void => writeFileSync(join(documentDir, name), text);
  const config: ScriptConfig = { path: './count.ts', with: { by: 2 }, takes: { words: 'data' }, gives: { counted: 'data' } };

  beforeAll(() => {
    write('lib.ts', 'export const times = (a: number, b: number): number => a * b;\n');
    write(
      'count.ts',
      `
import { defineStep } from 'perennial/step';
import type { StepContext } from 'perennial/step';
import { times } from './lib.ts';
void defineStep;
export default {
  configSchema: { type: 'object', required: ['by'], properties: { by: { type: 'number' } } },
  async run(ctx: StepContext, config: { by: number }, inputs: Record<string, { digest: string }>) {
    ctx.progress({ message: 'counting', fraction: 0.5 });
    const words = await ctx.artifacts.open(inputs.words!);
    const count = times(new TextDecoder().decode(await words.bytes('words.txt')).trim().split('\\n').length, config.by);
    ctx.log.info('counted', { count });
    console.log('plain output');
    const counted = await ctx.artifacts.write({ kind: 'data', summary: String(count), files: {}, meta: { count } });
    return { outputs: { counted }, values: { count } };
  },
};
`,
    );
    write('broken.ts', 'export default { async run() { throw new TypeError("no such word"); } };\n');
    write('syntax.ts', 'export default { async run() { return ; ] } };\n');
    write('exit.ts', 'export default { async run() { console.error("bye"); process.exit(3); } };\n');
    write('empty.ts', 'export const x = 1;\n');
    write(
      'slow.ts',
      'export default { run: (ctx) => new Promise((_, reject) => { ctx.progress({ message: "on" }); ctx.signal.addEventListener("abort", () => reject(new Error("stopped"))); setTimeout(() => {}, 60000); }) };\n',
    );
  });

  it('runs in a child process with store, artifacts, progress and log', async () => {
    const { ctx, lines, told } = stage();
    const result = await script.run(ctx, config, { words: input });
    expect(result.values).toEqual({ count: 6 });
    expect((await artifacts.open(result.outputs.counted!)).manifest.meta).toEqual({ count: 6 });
    expect(told).toEqual([{ message: 'counting', fraction: 0.5 }]);
    expect(lines).toEqual(expect.arrayContaining(['counted', 'plain output']));
  });

  it('says what is wrong with it', async () => {
    const run = (path: string, change: Partial<ScriptConfig> = {}) => script.run(stage().ctx, { path, ...change }, {});
    await expect(run('./broken.ts')).rejects.toMatchObject({ code: 'STEP_FAILED', message: expect.stringContaining('no such word') });
    await expect(run('./syntax.ts')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/syntax\.ts:1:\d+: /),
    });
    await expect(run('./exit.ts')).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringMatching(/exit code 3 without a result.*bye/s),
    });
    await expect(run('./empty.ts')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('has no default export'),
    });
    await expect(run('./nowhere.ts')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await expect(script.run(stage().ctx, { ...config, with: {} }, { words: input })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining("must have required property 'by'"),
    });
  });

  it('is told a secret when it asks, and has none in its environment', async () => {
    process.env.DB_NAME = 'northwind-prod';
    process.env.DEPLOY_TOKEN = 'tok-fd7a61';
    write(
      'asks.ts',
      `
export default { async run(ctx) {
  const name = ctx.secret('DB_NAME');
  console.log('name', name, JSON.stringify(process.env));
  let missing = '';
  try { ctx.secret('NO_SUCH'); } catch (error) { missing = error.code + ' ' + error.message; }
  const note = await ctx.artifacts.write({ kind: 'report', summary: 'of ' + name, files: {}, meta: { name } });
  return { outputs: { note }, values: { length: name.length, missing } };
} };
`,
    );
    const { ctx, lines } = stage();
    const result = await script.run({ ...ctx, secret: secretOf }, { path: './asks.ts', gives: { note: 'report' } }, {});
    expect(result.values).toEqual({ length: 14, missing: expect.stringMatching(/^SECRET_MISSING The secret "NO_SUCH"/) });
    expect(result.outputs.note!.summary).toBe('of ***');
    expect((await artifacts.open(result.outputs.note!)).manifest.meta).toEqual({ name: '***' });
    expect(lines.join('\n')).toContain('name *** {');
    expect(lines.join('\n')).not.toMatch(/northwind|tok-fd|DEPLOY_TOKEN|DB_NAME/);
    delete process.env.DB_NAME;
    delete process.env.DEPLOY_TOKEN;
  });

  it('stops when the step is aborted', async () => {
    const { ctx, stop, told } = stage();
    const running = script.run(ctx, { path: './slow.ts' }, {});
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    await expect(running).rejects.toMatchObject({ message: expect.stringContaining('stopped') });
  });

  it('has a fingerprint over all of its modules, comments aside', async () => {
    const before = await script.fingerprint!(stage().ctx, config, {});
    write('lib.ts', '// a comment\nexport const times = (a: number, b: number): number => a * b;\n');
    expect(await script.fingerprint!(stage().ctx, config, {})).toEqual(before);
    write('lib.ts', 'export const times = (a: number, b: number): number => b * a + 1;\n');
    expect(await script.fingerprint!(stage().ctx, config, {})).not.toEqual(before);
  });

  it('has a fingerprint over the nominal time, secrets and files that its modules ask for', async () => {
    const of = async (text: string, change: Partial<ScriptConfig> = {}) => {
      write('seen.ts', text);
      const found = await script.fingerprint!({ ...stage().ctx, secret: () => 'a secret' }, { path: './seen.ts', ...change }, {});
      return isUnseen(found) ? found.why : found;
    };
    expect(await of('export default { async run(ctx) { return { outputs: {}, values: { day: ctx.nominalTime } }; } };')).toMatchObject({
      nominalTime: '2026-01-01T00:00:00.000Z',
      files: {},
    });
    write('lookup.csv', 'a\n');
    expect(
      await of(
        `import { readFileSync } from 'node:fs'; export default { async run() { readFileSync('lookup.csv'); return { outputs: {} }; } };`,
      ),
    ).toMatchObject({ files: { 'lookup.csv': expect.any(String) } });
    expect(await of(`export default { async run(ctx) { ctx.secret('API'); return { outputs: {} }; } };`)).toMatchObject({
      secrets: { API: expect.not.stringContaining('secret') },
    });
    for (const [text, why] of [
      ['await fetch("x")', /asks the network/],
      ['Date.now()', /asks the clock/],
      ['ctx.store.get("x")', /reads the store/],
      ['ctx.runId', /the id, the attempt/],
      ['ctx.secret(ctx.stepId)', /secrets by names made at run time/],
    ] as const) {
      const source = `export default { async run(ctx) { ${text}; return { outputs: {} }; } };`;
      expect(await of(source)).toMatch(why);
      expect(await of(source, { files: ['lookup.csv'] })).toMatchObject({ files: { 'lookup.csv': expect.any(String) } });
    }
    expect(await of('export default { cacheable: false, async run() { return { outputs: {} }; } };')).toMatch(/not cacheable/);
  });
});
