import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Stack } from '../../../src/platform/stack.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import { temporalConfig } from '../../../temporal.config.ts';
import { clockAhead } from '../../support/clock.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';

const perennial = new Perennial();
const file = join(perennial.home, 'run/stack.json');
let stack: Stack;
/** Somebody else on this machine, who was told the address of our Temporal. */
let stranger: Perennial;

beforeAll(async () => {
  stack = (await perennial.up()) as Stack;
  stranger = new Perennial({ TEMPORAL_ADDRESS: stack.temporal!.address, PERENNIAL_STORE: `file:${tempDir('other-store')}` });
});

describe('a client', () => {
  it('without a stack and an address talks to nobody', async () => {
    const alone = new Perennial();
    const answer = await alone.here(['runs', 'list']);
    expect(answer.stderr).toContain(`error TEMPORAL_UNAVAILABLE: No stack runs in ${alone.home}, and TEMPORAL_ADDRESS is not set.`);
    expect(answer.code).toBe(4);
  });

  it.each([
    [['runs', 'list']],
    [['run', 'pipelines/penguins.json']],
    [['schedules', 'list']],
    [['apply', 'pipelines/penguins.json']],
    [['models', 'promote', 'm', '1']],
    [['models', 'rollback', 'm']],
    [['models', 'unpin', 'm']],
    [['models', 'delete', 'm', '1']],
    [['models', 'gc', '--delete']],
    [['doctor', '--store', '--repair']],
  ])('of another store is refused by %j, which names both', async (args) => {
    const answer = await stranger.here(args);
    expect(answer.stderr).toContain('error STORE_DIFFERS: ');
    for (const store of [stack.store, stranger.env['PERENNIAL_STORE']!]) expect(answer.stderr).toContain(store);
    expect(answer.code).toBe(2);
  });

  it.each([86_400_000, -86_400_000])(
    'is known by its store, and names its runs by the time of Temporal, also with a clock that is %i ms ahead',
    async (ms) => {
      const env = clockAhead(ms);
      const refused = await stranger.run(['runs', 'list'], { env });
      expect(refused.stderr).toContain('error STORE_DIFFERS: ');
      const before = Date.now();
      const started = await perennial.run(['run', 'pipelines/penguins.json', '--detach', '--json'], { env });
      expect(started.stderr).toBe('');
      const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/.exec(
        started.json<{ runId: string }>().runId,
      )!;
      const named = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
      expect(Math.abs(named - before)).toBeLessThan(150_000);
      // Temporal lists a run a moment after it began.
      await until(async () => {
        const listed = await perennial.run(['runs', 'list', '--since', '10m', '--json'], { env });
        return listed.json<{ runs: { runId: string }[] }>().runs.some(({ runId }) => runId === started.json<{ runId: string }>().runId);
      });
    },
  );

  it('of another store may look, and change where no stack is', async () => {
    expect(await stranger.here(['models', 'list'])).toMatchObject({ code: 0 });
    expect(await stranger.here(['models', 'gc'])).toMatchObject({ code: 0 });
    const away = new Perennial({ TEMPORAL_ADDRESS: '127.0.0.1:1', PERENNIAL_STORE: stranger.env['PERENNIAL_STORE']! });
    expect((await away.here(['models', 'promote', 'm', '1'])).stderr).toContain('error NOT_FOUND');
  });

  it('of the same home is refused where it means another store than the stack has', async () => {
    const answer = await perennial.here(['models', 'promote', 'm', '1'], { env: { PERENNIAL_STORE: stranger.env['PERENNIAL_STORE']! } });
    expect(answer.stderr).toContain(
      `error STORE_DIFFERS: The stack that runs here serves from the store ${stack.store}, and PERENNIAL_STORE is ${stranger.env['PERENNIAL_STORE']!}.`,
    );
  });

  it('of the same store is welcome, whatever its home is; a UI that nobody named is not made up', async () => {
    const answer = await stranger.here(['runs', 'list', '--json'], { env: { PERENNIAL_STORE: stack.store } });
    expect([answer.stderr, answer.code]).toEqual(['', 0]);
    const started = await stranger.here(['run', 'pipelines/penguins.json', '--detach'], { env: { PERENNIAL_STORE: stack.store } });
    expect(started.stdout).toContain('Temporal UI: its address is not known here; TEMPORAL_UI_URL says it');
  });

  it('does not ask a server that serves from another store than the one that is meant', async () => {
    const answer = await perennial.here(['predict', 'm', '--row', '{}'], { env: { PERENNIAL_STORE: 'file:/elsewhere' } });
    expect(answer.stderr).toContain(
      `error STORE_DIFFERS: The stack that runs here serves from the store ${stack.store}, and PERENNIAL_STORE is file:/elsewhere.`,
    );
  });

  it('hears in words of a namespace that is not there, and so does a worker', async () => {
    for (const args of [['runs', 'list'], ['run', 'pipelines/penguins.json'], ['worker']]) {
      const answer = await perennial.run(args, { env: { TEMPORAL_NAMESPACE: 'nope' }, timeoutMs: 120_000 });
      expect(answer.stderr).toMatch(/error TEMPORAL_UNAVAILABLE: .*[Nn]amespace.*nope.*\n.*temporal operator namespace create/s);
      expect(answer.stderr).not.toMatch(/\n\s+at /);
      expect(answer.code).toBe(4);
    }
  });
});

describe('a stack', () => {
  it.each(['', '{"form', 'null', '{}'])('whose file holds %j says so, and puts it right', async (text) => {
    writeFileSync(file, text);
    const [runs, status] = await Promise.all([perennial.here(['runs', 'list']), perennial.here(['status'])]);
    for (const answer of [runs, status]) expect(answer.stderr).not.toContain('INTERNAL');
    if (runs.code !== 0) expect(runs.stderr).toContain('error STACK_UNREADABLE: ');
    for (let tries = 0; readFileSync(file, 'utf8') === text && tries < 400; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect((await perennial.here(['status'])).code).toBe(0);
  });

  it('has its ports again after a restart, so that links lead somewhere; down ends it without its file', async () => {
    const before = JSON.parse(readFileSync(file, 'utf8')) as Stack;
    writeFileSync(file, '{');
    expect((await perennial.run(['down'])).code).toBe(0);
    writeFileSync(file, '{"torn');
    const again = (await perennial.up()) as Stack;
    expect([again.server!.url, again.temporal!.address, again.temporal!.uiUrl]).toEqual([
      before.server!.url,
      before.temporal!.address,
      before.temporal!.uiUrl,
    ]);
    expect((await stranger.here(['runs', 'list'], { env: { PERENNIAL_STORE: stack.store } })).code).toBe(0);
  });
});

describe('a worker of another store', () => {
  it('does not join the queue, and names both stores', async () => {
    const answer = await stranger.run(['worker'], { timeoutMs: 120_000 });
    expect(answer.stderr).toContain('error STORE_DIFFERS: This worker keeps what it makes in the store ');
    for (const store of [stack.store, stranger.env['PERENNIAL_STORE']!]) expect(answer.stderr).toContain(store);
    expect(answer.code).toBe(2);
    expect((await perennial.here(['status'])).stdout).not.toContain('two stores');
  });

  it('that starts at the same moment leaves, or the other does: never both stay', async () => {
    const queue = 'contested';
    const workers = ['one', 'other'].map((name) =>
      stranger.start(['worker', '--queue', queue], { env: { PERENNIAL_STORE: `file:${tempDir(`store-${name}`)}` } }),
    );
    try {
      const [code, left] = await Promise.race(workers.map(async (worker) => [(await worker.exited).code, worker] as const));
      expect(left.stderr()).toContain('error STORE_DIFFERS: This worker keeps what it makes in the store ');
      expect(code).toBe(2);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  });

  it('that works all the same is noticed by the next command and by status', async () => {
    // As one of before, which joined whatever was there.
    const temporal = await connectTemporal({ ...temporalConfig(), address: stack.temporal!.address });
    const over = new AbortController();
    const { connection, settings } = temporal;
    const asked = connection
      .withAbortSignal(over.signal, () =>
        connection.withDeadline(Date.now() + 120_000, () =>
          connection.workflowService.pollWorkflowTaskQueue({
            namespace: settings.namespace,
            taskQueue: { name: 'perennial' },
            identity: `4711@elsewhere store=another ${stranger.env['PERENNIAL_STORE']!}`,
          }),
        ),
      )
      .catch(() => undefined);
    try {
      const trouble = `Workers of two stores take from queue "perennial" at ${stack.temporal!.address}: `;
      for (const deadline = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
        const status = await perennial.here(['status', '--json']);
        if (status.stdout.includes('Workers of two stores')) {
          expect(status.code).toBe(4);
          expect(
            status.json<{ components: { name: string; detail: string }[] }>().components.find(({ name }) => name === 'stores')!.detail,
          ).toContain(stranger.env['PERENNIAL_STORE']!);
          break;
        }
        if (Date.now() > deadline) throw new Error(`not noticed: ${status.stdout}`);
      }
      const run = await perennial.run(['runs', 'list']);
      expect(run.stderr).toContain(`error STORE_DIFFERS: ${trouble}`);
      expect(run.stderr).toMatch(/End the worker \d+@\S+, or give it a queue of its own/);
      expect(run.code).toBe(2);
    } finally {
      over.abort();
      await asked;
      await temporal.close();
    }
  });
});
