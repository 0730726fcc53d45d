import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmServed } from '../../../src/registry/confirm.ts';
import { currentRollout } from '../../../src/registry/rollouts.ts';
import { entryPoint } from '../../../src/platform/paths.ts';
import { startTemporal } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { registerConstant } from '../../integration/serving/models.ts';
import { load, predict, setRolloutStage } from '../../integration/serving/rollout-stage.ts';
import type { RolloutStage } from '../../integration/serving/rollout-stage.ts';
import type { ServerProcess } from '../../integration/serving/server-process.ts';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

const by = { who: 'ada', why: 'test' };
let set: RolloutStage;
let servers: readonly ServerProcess[];
let worker: { stop(): Promise<void> };

beforeAll(async () => {
  set = await setRolloutStage();
  worker = await set.stage.startWorker();
  servers = await Promise.all([set.server(), set.server()]);
});

const canary = (...steps: readonly (readonly [number, string])[]): object => ({
  canary: { steps: steps.map(([percent, time]) => ({ percent, for: time })), minRequests: 10 },
});

async function versions(model: string, count: number): Promise<void> {
  for (let strength = 20; strength < 20 + count; strength += 1) await registerConstant(set, model, 0, strength);
  await set.deploy(model, 1, 'allAtOnce');
  await until(async () => (await predict(servers[0]!.url, model)).version === 1 && (await predict(servers[1]!.url, model)).version === 1);
}

/** A worker as `perennial worker` starts it, which knows rollouts. */
async function startWorkerProcess(): Promise<ChildProcess> {
  const child = fork(entryPoint('worker'), [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, ...set.env } });
  children.push(child);
  await once(child, 'message');
  return child;
}

describe('two servers under load', () => {
  it('fail no request over promotions, rollbacks and rollouts one after the other', async () => {
    await versions('l', 4);
    const urls = servers.map(({ url }) => url);
    const loaded = load(urls, 'l', { callers: 8, everyMs: 2 });
    await set.deploy('l', 2, canary([30, '500ms']));
    expect(await set.ended('l')).toMatchObject({ state: 'promoted' });
    for (const version of [3, 1, 4]) {
      await set.registry.promote('l', version, by);
      expect((await confirmServed(set.store, 'l', version)).confirmed).toBe(true);
    }
    await set.registry.rollback('l', by);
    await set.registry.unpin('l', by);
    await set.deploy('l', 2, canary([30, '10m']));
    await set.deploy('l', 3, canary([30, '10m']));
    await until(async () => (await predict(urls[0]!, 'l')).version === 3);
    await set.registry.promote('l', 4, by);
    expect((await confirmServed(set.store, 'l', 4)).confirmed).toBe(true);
    const told = await loaded.stop();
    expect(told.filter(({ status }) => status !== 200)).toEqual([]);
    expect(told.length).toBeGreaterThan(300);
    for (const url of urls) expect(await predict(url, 'l')).toMatchObject({ version: 4, arm: null });
  });
});

describe('a rollout', () => {
  it('goes on where a server and the worker are killed, and Temporal goes away', async () => {
    await versions('k', 2);
    await set.deploy('k', 2, canary([30, '3s'], [60, '3s']));
    const rollout = (await currentRollout(set.store, 'k'))!;
    await worker.stop();
    const killed = await startWorkerProcess();
    servers[1]!.child.kill('SIGKILL');
    const loaded = load([servers[0]!.url], 'k', { everyMs: 2 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    killed.kill('SIGKILL');
    await set.stage.server.stop();
    const { address, database } = set.stage.server;
    const again = await startTemporal({ database, port: Number(address.split(':')[1]) });
    const next = await startWorkerProcess();
    const back = await set.server();
    const record = await until(async () => ((await set.going('k')) ? undefined : set.ended('k')), { timeoutMs: 120_000 });
    const told = await loaded.stop();
    expect(record).toMatchObject({ state: 'promoted', id: rollout.id });
    expect(told.filter(({ status }) => status !== 200)).toEqual([]);
    await until(async () => (await predict(back.url, 'k')).version === 2);
    next.kill('SIGTERM');
    if (next.exitCode === null) await once(next, 'exit');
    await again.stop();
  });
});
