import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { callsUntilClosed } from '../../../src/runs/calls-until-closed.ts';

const SERVICE = 'temporal.api.workflowservice.v1.WorkflowService';
const raw = (method: string) => ({
  path: `/${SERVICE}/${method}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
});

test('a call that waits to be tried again ends with its connection, and throws nowhere else', async () => {
  const server = new Server();
  let askedOnce = (): void => {};
  const first = new Promise<void>((done) => (askedOnce = done));
  server.addService({ info: raw('GetSystemInfo'), queue: raw('DescribeTaskQueue') } as unknown as ServiceDefinition, {
    info: (_call: unknown, done: (error: null, bytes: Buffer) => void) => done(null, Buffer.alloc(0)),
    queue: (_call: unknown, done: (error: object) => void) => {
      askedOnce();
      done({ code: status.UNAVAILABLE, details: 'away' });
    },
  });
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? done(bound) : fail(error))),
  );
  let note = (_error: unknown): void => {};
  const thrown = new Promise<unknown>((done) => (note = (error) => done({ thrown: error })));
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', note);
  try {
    const calls = await callsUntilClosed();
    const connection = await Connection.connect({ address: `127.0.0.1:${port}`, interceptors: calls.interceptors });
    const call = connection.workflowService.describeTaskQueue({ namespace: 'default', taskQueue: { name: 'q' } }).then(
      () => undefined,
      (error: unknown) => error,
    );
    await first;
    calls.close();
    await connection.close();
    expect(await Promise.race([call, thrown])).toMatchObject({ code: status.CANCELLED, details: 'The connection to Temporal was closed.' });
  } finally {
    process.off('uncaughtException', note);
    for (const other of others) process.on('uncaughtException', other);
    server.forceShutdown();
  }
});
