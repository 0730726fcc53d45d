import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { patiently } from '../../../src/runs/schedule-marks.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const status = (code: number): Error => Object.assign(new Error(`${code} of gRPC`), { code, details: '' });

/** Fails so often, then answers how often it was called. */
function failing(times: number, error: Error): () => Promise<number> {
  let calls = 0;
  return () => ((calls += 1) <= times ? Promise.reject(error) : Promise.resolve(calls));
}

it.each([
  ['too late', status(4)],
  ['too much to do', status(8)],
  ['the same, told by a client', Object.assign(new Error('Failed to describe schedule'), { cause: status(4) })],
])('asks again: %s', async (_, error) => {
  const answer = patiently(failing(3, error));
  await vi.runAllTimersAsync();
  expect(await answer).toBe(4);
});

it('does not ask again what is away or refused, nor for ever', async () => {
  await expect(patiently(failing(1, status(14)))).rejects.toThrow('14 of gRPC');
  await expect(patiently(failing(1, new TypeError('no')))).rejects.toThrow('no');
  const busy = expect(patiently(failing(100, status(4)))).rejects.toThrow('4 of gRPC');
  await vi.runAllTimersAsync();
  await busy;
});
