import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../../../src/client/measure-served.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-measure-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a server process that is not there in time is no word about the model: the step is tried again', async () => {
  await expect(ask(folder, [], undefined, 1)).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE', retryable: true });
});

test('a cancelled step does not wait for it', async () => {
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(new Error('cancelled')), 20);
  await expect(ask(folder, [], cancel.signal)).rejects.toThrow('cancelled');
});
