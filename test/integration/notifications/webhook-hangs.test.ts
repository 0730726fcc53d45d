import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { sendBy } from '../../../src/notifications/send.ts';
import { message } from './message.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Sends to a receiver, and gives it half a second. */
async function send(channel: 'webhook' | 'slack', answer: RequestListener): Promise<void> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  await sendBy(message, channel, { url }, { signal: AbortSignal.timeout(500) });
}

it.each(['webhook', 'slack'] as const)(
  'a %s that takes a message and never answers has failed, and is tried again later',
  async (channel) => {
    await expect(send(channel, () => undefined)).rejects.toMatchObject({ code: 'NOTIFICATION_FAILED' });
  },
);

it('one that answers and then says nothing more has it', async () => {
  await send('webhook', (_request, response) => void response.writeHead(200).write(' '));
  await send('webhook', (_request, response) => void response.writeHead(204).end());
  await send('webhook', (_request, response) => response.writeHead(200).flushHeaders());
});

it('one that says that it is busy, without an end, has failed', async () => {
  const busy: RequestListener = (_request, response) => {
    response.writeHead(503);
    const timer = setInterval(() => response.write('busy '), 20);
    response.on('close', () => clearInterval(timer));
  };
  await expect(send('webhook', busy)).rejects.toMatchObject({
    code: 'NOTIFICATION_FAILED',
    message: expect.stringContaining('503') as string,
  });
});
