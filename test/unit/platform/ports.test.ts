import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { choosePort } from '../../../src/stack/choose-port.ts';
import { holderOf, isFree } from '../../../src/platform/ports.ts';

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
