import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBundle } from '../../../src/training/bundle/load-model.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { isRunning } from '../../../src/platform/process-info.ts';
import { eventually } from '../../unit/serving/doubles.ts';
import { fixtureOver, registerConstant, registerHeavy } from './models.ts';
import type { Fixture } from './models.ts';
import { startServerProcess } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { childrenOf } from '../../support/children.ts';

const author = { who: 'test', why: 'test' };
let folder: string;
let fixture: Fixture;
let server: ServerProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-apart-'));
  fixture = fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache'));
  for (const [model, version] of [
    ['heavy', await registerHeavy(fixture, 'heavy')],
    ['small', await registerConstant(fixture, 'small', 1)],
  ] as const)
    await fixture.registry.promote(model, version, author);
  server = await startServerProcess({ PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}` });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const ROWS = Array.from({ length: 256 }, (_, row) => ({ a: row / 100, b: 1 - row / 50 }));
const ask = (model: string, rows: object): Promise<Response> =>
  fetch(`${server.url}/models/${model}/predict`, { method: 'POST', body: JSON.stringify(rows) });
const predictors = (): number[] =>
  childrenOf(server.child.pid!)
    .filter(({ command }) => command.includes('predictor.js'))
    .map(({ pid }) => pid);

describe('a network that computes for long', () => {
  it('answers from a process of its own, as it would here, and small ones stay with the server', async () => {
    await eventually(() => server.log().includes('a network answers from a process of its own'));
    expect(predictors()).toHaveLength(1);
    // It was never computed on the thread that answers for the others.
    const lines = server.log().split('\n');
    const [moved, served] = ['a network answers from a process', '"heavy","version":1,"before":null,"msg":"serving"'].map((text) =>
      lines.findIndex((line) => line.includes(text)),
    );
    expect(moved).toBeLessThan(served!);
    const answered = (await (await ask('heavy', { rows: ROWS })).json()) as { predictions: { probabilities: Record<string, number> }[] };
    const { model } = await fixture.registry.version('heavy', 'champion');
    const bundle = await openBundle(await fixture.artifacts.open(model));
    const batch = await bundle.preprocessor.apply(ROWS);
    const here = await bundle.predictor.predict(batch);
    bundle.predictor.dispose();
    expect(answered.predictions.flatMap(({ probabilities }) => Object.values(probabilities)).map(Math.fround)).toEqual([...here]);
  });

  it('holds nobody else up: what came later and is small is answered first', async () => {
    await eventually(() => predictors().length === 1);
    const order: string[] = [];
    const long = Array.from({ length: 4 }, () => ask('heavy', { rows: ROWS }).then(() => order.push('heavy')));
    // Its rows are on their way.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ask('small', { a: 1, b: 2 }).then(() => order.push('small'));
    await Promise.all(long);
    expect(order.indexOf('small')).toBeLessThan(4);
    expect(order).toHaveLength(5);
  });

  it('gives 503 to those who wait for it when it is killed, and is started again', async () => {
    await eventually(() => predictors().length === 1);
    const [pid] = predictors();
    const waiting = Promise.all(Array.from({ length: 6 }, async () => (await ask('heavy', { rows: ROWS })).status));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(pid!, 'SIGKILL');
    for (const status of await waiting) expect([200, 503]).toContain(status);
    // Who asks meanwhile waits until it is there again.
    expect((await ask('heavy', { rows: ROWS })).status).toBe(200);
    expect(predictors()).not.toContain(pid);
    expect(server.log()).toContain('the process of a network ended');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/perennial_model_process_deaths_total\{model="heavy"\} 1/);
    expect((await ask('small', { a: 1, b: 2 })).status).toBe(200);
  });

  it('that hangs is noticed, ended and replaced; who waits for it gets 503, and others are answered meanwhile', async () => {
    await eventually(() => server.log().includes('a network answers from a process of its own') && predictors().length === 1);
    expect((await ask('heavy', { rows: ROWS })).status).toBe(200);
    const [pid] = predictors();
    process.kill(pid!, 'SIGSTOP');
    const waiting = Promise.all(Array.from({ length: 3 }, async () => ask('heavy', { rows: ROWS })));
    expect((await ask('small', { a: 1, b: 2 })).status).toBe(200);
    const answers = await waiting;
    // What had not begun yet is answered by the next process.
    expect(answers.map(({ status }) => status)).toContain(503);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([
        503,
        '1',
        // Who began, and, on a machine that is busy, who waited behind it.
        expect.stringMatching(/did not answer|waited longer/),
      ]);
    expect((await ask('heavy', { rows: ROWS })).status).toBe(200);
    await eventually(() => predictors().length === 1);
    expect(predictors()).not.toContain(pid);
    expect(server.log()).toMatch(/hung: it was asked for [\d.]+ s and did not compute/);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/perennial_model_process_deaths_total\{model="heavy"\} [12]\b/);
    // TensorFlow and the weights of the process count.
    expect(Number(/perennial_model_memory_bytes\{model="heavy",version="1"\} (\S+)/.exec(metrics)![1])).toBeGreaterThan(64 * 1024 * 1024);
  });

  it('ends with its server, also where that is killed', async () => {
    const other = await startServerProcess({ PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}` });
    const mine = (): number[] => childrenOf(other.child.pid!).map(({ pid }) => pid);
    await eventually(() => mine().length === 1);
    const [pid] = childrenOf(other.child.pid!);
    other.child.kill('SIGKILL');
    await eventually(() => !isRunning(pid!.identity));
    await other.stop();
  });
});

describe('a memory budget', () => {
  it('keeps what fits, brings the others back when they are asked for, and says so', async () => {
    for (const label of [0, 1, 2]) {
      const version = await registerConstant(fixture, `tiny-${label}`, label);
      await fixture.registry.promote(`tiny-${label}`, version, author);
    }
    // Of the tiny ones (2 MiB each at least) three fit beside none of the heavy one.
    const bounded = await startServerProcess({
      PERENNIAL_HOME: folder,
      PERENNIAL_STORE: `file:${join(folder, 'store')}`,
      PERENNIAL_SERVE_MEMORY: '5MiB',
    });
    try {
      const label = async (model: string): Promise<string> => {
        const answer = await fetch(`${bounded.url}/models/${model}/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
        const body = (await answer.json()) as { predictions?: { label: string }[]; error?: string };
        return body.predictions?.[0]!.label ?? `${answer.status}: ${body.error}`;
      };
      for (let round = 0; round < 3; round += 1)
        expect(await Promise.all(['tiny-0', 'tiny-1', 'tiny-2', 'small'].map(label))).toEqual(['one', 'two', 'three', 'two']);
      expect(await label('heavy')).toMatch(/^503: .*5\.0 MiB.*PERENNIAL_SERVE_MEMORY/);
      const { models } = (await (await fetch(`${bounded.url}/models`)).json()) as {
        models: { model: string; loaded: number[]; shelf: number[]; degraded: boolean }[];
      };
      const served = models.filter(({ model }) => model !== 'heavy');
      expect(served.every(({ degraded, loaded, shelf }) => !degraded && loaded.length + shelf.length === 1)).toBe(true);
      expect(served.filter(({ shelf }) => shelf.length === 1).length).toBeGreaterThanOrEqual(2);
      const metrics = await (await fetch(`${bounded.url}/metrics`)).text();
      expect(metrics).toMatch(/perennial_model_evictions_total\{model="tiny-0"\} [1-9]/);
      expect(bounded.log().match(/larger than the memory of all models/g)).toHaveLength(1);
    } finally {
      await bounded.stop();
    }
  });

  it('that has no room for a process of a slow network leaves it with the server, where it answers', async () => {
    // Twice its weights fit; with TensorFlow, which each process has for itself, they do not.
    const bounded = await startServerProcess({
      PERENNIAL_HOME: folder,
      PERENNIAL_STORE: `file:${join(folder, 'store')}`,
      PERENNIAL_SERVE_MEMORY: '160MiB',
    });
    try {
      await eventually(() => bounded.log().includes('has no process of its own'));
      expect(bounded.log()).toMatch(/The process of version 1 of \\"heavy\\" takes .*160\.0 MiB/);
      for (const model of ['heavy', 'small', 'heavy']) {
        const answer = await fetch(`${bounded.url}/models/${model}/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
        expect([model, answer.status]).toEqual([model, 200]);
      }
      expect(childrenOf(bounded.child.pid!)).toEqual([]);
    } finally {
      await bounded.stop();
    }
  });
});
