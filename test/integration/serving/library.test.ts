import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileStore } from '../../../src/storage/file-store.ts';
import { childrenOf } from '../../support/children.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { eventually } from '../../unit/serving/doubles.ts';
import { fixtureOver, registerConstant, registerWithLibrary } from './models.ts';
import { startServerProcess } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

const author = { who: 'test', why: 'test' };
const folder = tempDir('library');
const fixture = fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache'));
let server: ServerProcess;

const start = (): Promise<ServerProcess> =>
  startServerProcess({ PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}` });
const ask = async (model: string): Promise<number> =>
  (await fetch(`${server.url}/models/${model}/predict`, { method: 'POST', body: '{"a":1,"b":2}' })).status;
const predictors = (): number => childrenOf(server.child.pid!).filter(({ command }) => command.includes('predictor.js')).length;

beforeAll(async () => {
  await registerConstant(fixture, 'small', 1);
  await fixture.registry.promote('small', 1, author);
  server = await start();
});
afterAll(() => server.stop());

describe('a network that takes TensorFlow', () => {
  it('and comes to a server that answers others without it begins in a process, so that nobody waits for the library', async () => {
    expect(await ask('small')).toBe(200);
    await registerWithLibrary(fixture, 'recurrent');
    await fixture.registry.promote('recurrent', 1, author);
    await eventually(async () => (await ask('recurrent')) === 200, 60_000);
    expect(predictors()).toBe(1);
    expect(server.log()).toContain('loading TensorFlow here would have held up those who are answered');
    expect(await ask('small')).toBe(200);
  });

  it('is loaded by the server itself where it is there at the start', async () => {
    await server.stop();
    server = await start();
    await eventually(async () => (await ask('recurrent')) === 200, 60_000);
    expect(predictors()).toBe(0);
  });
});
