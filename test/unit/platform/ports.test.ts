import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { choosePort } from '../../../src/stack/choose-port.ts';
import { freePort, holderOf, isFree, startOnPorts } from '../../../src/platform/ports.ts';
import { start } from '../../support/processes.ts';

const servers: ReturnType<typeof createServer>[] = [];

async function listen(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as { port: number }).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test('a port is free, or its holder is named', async () => {
  const port = await listen('127.0.0.1');
  expect(await isFree(port)).toBe(false);
  if (process.platform === 'linux') expect(holderOf(port)).toMatchObject({ pid: process.pid });
  servers.pop()!.close();
  expect(await isFree(port)).toBe(true);
  expect(holderOf(port)).toBeUndefined();
});

test('a taken port that was asked for is an error that names the holder', async () => {
  const port = await listen('127.0.0.1');
  await expect(choosePort({ what: 'the server', option: '--port', asked: port, standard: 1 }, () => {})).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(process.platform === 'linux' ? `process ${process.pid}` : 'another process') as string,
    hint: expect.stringContaining('--port') as string,
  });
});

test('a taken standard port is left for a free one, with a note', async () => {
  const port = await listen('127.0.0.1');
  const notes: string[] = [];
  const chosen = await choosePort({ what: 'the server', option: '--port', standard: port }, (text) => notes.push(text));
  expect(chosen).not.toBe(port);
  expect(await isFree(chosen)).toBe(true);
  expect(notes).toEqual([expect.stringContaining(`using ${chosen}`)]);
  expect(await choosePort({ what: 'x', option: '--x', asked: 0, standard: port }, () => {})).toBeGreaterThan(0);
});

test('a free port is none that the system hands to connections that go out', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_768);
  }
});

/** A process that listens on the port, and says so. @throws Error with what it printed where it ends first */
async function startListener(port: number): Promise<ReturnType<typeof start>> {
  const code = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('ready'))`;
  const listener = start(process.execPath, ['-e', code]);
  await listener.waitFor(/^ready$/m);
  return listener;
}

test('what finds its port taken between the choice and its start is started again on another', async () => {
  const notes: string[] = [];
  const offered: number[] = [];
  const choose = async (): Promise<number[]> => {
    const port = offered.length === 0 ? await listen('127.0.0.1') : await freePort(); // another process was faster the first time
    offered.push(port);
    return [port];
  };
  const listener = await startOnPorts(
    choose,
    ([port]) => startListener(port!),
    (text) => notes.push(text),
  );
  expect(offered).toHaveLength(2);
  expect(await isFree(offered[1]!)).toBe(false);
  expect(notes).toEqual([expect.stringContaining(`took port ${offered[0]}`)]);
  await listener.stop();
});

test('what does not start for another reason, or three times, is an error as it was', async () => {
  let starts = 0;
  const fails = (message: string) => () => {
    starts += 1;
    return Promise.reject(new Error(message));
  };
  const choose = async (): Promise<number[]> => [await freePort()];
  await expect(startOnPorts(choose, fails('no such program'), () => {})).rejects.toThrow('no such program');
  expect(starts).toBe(1);
  await expect(startOnPorts(choose, fails('listen tcp: address already in use'), () => {})).rejects.toThrow('already in use');
  expect(starts).toBe(4);
});
