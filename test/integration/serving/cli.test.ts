import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { run, start } from '../../support/processes.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { fixtureOver, registerConstant } from './models.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

const home = tempDir('cli');
const env = { PERENNIAL_HOME: home, PERENNIAL_STORE: `file:${join(home, 'store')}` };
const perennial = (...args: string[]) => run(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), ...args], { env });
let server: ServerProcess;

beforeAll(async () => {
  const fixture = fixtureOver(new FileStore(join(home, 'store')), join(home, 'cache'));
  await registerConstant(fixture, 'm', 0);
  await registerConstant(fixture, 'm', 1);
  await fixture.registry.promote('m', 1, { who: 'test', why: 'test' });
  server = await startServerProcess(env);
});
afterAll(async () => {
  await server.stop();
});

describe('perennial serve', () => {
  it.each(['0.0.0.0', '::', '[::]', ''])('refuses the address %j without a token, and says how to set one', async (host) => {
    const { code, stderr } = await run(
      process.execPath,
      [join(packageRoot(), 'bin', 'perennial.js'), 'serve', '--port', '0', '--host', host],
      { env: { ...env, PERENNIAL_API_TOKEN: undefined } },
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /error USAGE: The server would answer anybody who reaches .*PERENNIAL_API_TOKEN is not set, and the store has no tokens\.[\s\S]*export PERENNIAL_API_TOKEN=/,
    );
  });

  it('listens there with a token, and on this machine without', async () => {
    for (const [host, token] of [
      ['0.0.0.0', 'a-token-of-the-test'],
      ['localhost', ''],
    ] as const) {
      const serving = start(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'serve', '--port', '0', '--host', host], {
        env: { ...env, PERENNIAL_API_TOKEN: token },
      });
      const [, url] = await serving.waitFor(/Serving on (\S+)/);
      expect((await fetch(`${url!}/models`)).status).toBe(host === '0.0.0.0' ? 401 : 200);
      expect(serving.output()).not.toContain('a-token-of-the-test');
      await serving.stop();
    }
  });
});

describe('perennial predict', () => {
  it('says where it looked for a server in vain', async () => {
    const alone = tempDir('cli-alone');
    const asked = await run(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'predict', 'm', '--row', '{"a":1,"b":2}'], {
      env: { PERENNIAL_HOME: alone, PERENNIAL_STORE: undefined },
    });
    expect(asked.code).toBe(4);
    expect(asked.stderr).toContain(
      `error SERVER_UNAVAILABLE: No model server was found: the stack of ${alone} (PERENNIAL_HOME) has none that runs, and none announces itself in the store file:${join(alone, 'store')}.`,
    );
    expect(asked.stderr).toContain('perennial up --detach');
    expect(asked.stderr).toContain('--server URL');
  });

  it('finds a server that announces itself in the store, and says which', async () => {
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(packageRoot(), 'bin', 'perennial.js'), 'predict', 'm', '--row', '{"a":1,"b":2}'],
      { env: { ...env, PERENNIAL_HOME: tempDir('cli-other-home') } },
    );
    expect([code, stdout]).toEqual([0, 'ROW  LABEL  PROBABILITY\n0    one    1.0000\n']);
    expect(stderr).toBe(`asked ${server.url}, which serves ${env.PERENNIAL_STORE}\nm version 1\n`);
  });

  it('names one that announced itself and does not answer any more', async () => {
    const gone = tempDir('cli-gone');
    const announcement = { formatVersion: 1, id: 'x', url: 'http://127.0.0.1:9', pid: 1, startedAt: 'now', seenAt: 'now' };
    await new FileStore(join(gone, 'store')).put('servers/x.json', Buffer.from(JSON.stringify(announcement)));
    const { code, stderr } = await run(
      process.execPath,
      [join(packageRoot(), 'bin', 'perennial.js'), 'predict', 'm', '--row', '{"a":1,"b":2}'],
      { env: { PERENNIAL_HOME: gone, PERENNIAL_STORE: undefined } },
    );
    expect(code).toBe(4);
    expect(stderr).toContain('http://127.0.0.1:9 does not answer');
  });

  it('asks the server of the stack', async () => {
    mkdirSync(join(home, 'run'), { recursive: true });
    writeFileSync(
      join(home, 'run', 'stack.json'),
      JSON.stringify({
        formatVersion: 1,
        state: 'up',
        supervisor: { pid: 1, startTicks: 1 },
        server: { url: server.url },
        workers: [],
        store: env.PERENNIAL_STORE,
        startedAt: new Date().toISOString(),
        logs: '',
      }),
    );
    const { code, stdout, stderr } = await perennial('predict', 'm', '--row', '{"a":1,"b":2}');
    expect([code, stdout]).toEqual([0, 'ROW  LABEL  PROBABILITY\n0    one    1.0000\n']);
    expect(stderr).toBe('m version 1\n');
  });

  it('asks another version, and prints JSON', async () => {
    const { code, stdout } = await perennial('predict', 'm', '--row', '{"a":1,"b":2}', '--version', '2', '--server', server.url, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: 'm',
      version: 2,
      predictions: [{ label: 'two', probabilities: { one: expect.any(Number) } }],
    });
  });

  it('takes rows from a CSV file, with the types of the model', async () => {
    const path = join(home, 'rows.csv');
    writeFileSync(path, 'a,b,answer\n1,2,one\n3.5,4,two\n');
    const { code, stdout } = await perennial('predict', 'm', '--rows', path, '--server', server.url);
    expect([code, stdout]).toEqual([0, 'ROW  LABEL  PROBABILITY\n0    one    1.0000\n1    one    1.0000\n']);
  });

  it.each([
    [['m'], 2, 'error USAGE: Give --row JSON, --rows FILE or, for a language model, --prompt TEXT.'],
    [['m', '--row', '{a:1}'], 2, 'error USAGE: --row is not JSON'],
    [['m', '--row', '[1]'], 2, 'error USAGE: --row is not an object'],
    [['m', '--row', '{}', '--version', 'x'], 2, 'error USAGE: --version "x" is not a version'],
    [['m', '--row', '{}', '--server', 'localhost'], 2, 'error USAGE: --server "localhost" is not an address'],
    [['m', '--row', '{"a":1}'], 2, 'error DATA_INVALID: Row 0 lacks the column "b"'],
    [['geese', '--row', '{"a":1}'], 2, 'error NOT_FOUND: There is no model "geese" on this server.'],
    [['m', '--rows', '/nowhere.csv'], 2, 'error SOURCE_NOT_FOUND: There is no file or folder "/nowhere.csv"'],
    [['m', '--row', '{}', '--server', 'http://127.0.0.1:1'], 4, 'error SERVER_UNAVAILABLE: No model server answers at http://127.0.0.1:1'],
  ])('refuses %j', async (args, code, message) => {
    const answer = await perennial('predict', ...args);
    expect(answer.stderr).toContain(message);
    expect(answer.stderr).not.toMatch(/\n\s+at /);
    expect(answer.code).toBe(code);
  });
});

describe('perennial serve', () => {
  it('serves in the foreground until it is told to stop', async () => {
    const serving = start(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'serve', '--port', '0'], { env });
    const [, url] = await serving.waitFor(/Serving on (http:\/\/127\.0\.0\.1:\d+) /);
    const response = await fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
    expect([response.status, response.headers.get('x-perennial-version')]).toEqual([200, '1']);
    serving.signal('SIGINT');
    expect((await serving.exited).code).toBe(0);
  });
});
