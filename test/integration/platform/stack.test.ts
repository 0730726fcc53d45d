import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openersOf } from '../../../src/platform/ports.ts';
import { isRunning, type ProcessIdentity } from '../../../src/platform/process-info.ts';
import { stackProcesses, type Stack } from '../../../src/platform/stack.ts';
import { FREE_PORTS, Perennial } from '../../support/perennial.ts';
import { start } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

/** Every process of a stack; read before it goes away. */
function processes(stack: Stack): ProcessIdentity[] {
  return [stack.supervisor, ...stackProcesses(stack)];
}

const eventually = (condition: () => boolean | Promise<boolean>, what: string): Promise<true> => until(condition, { what });

function stackOf(perennial: Perennial): Stack {
  return JSON.parse(readFileSync(join(perennial.home, 'run/stack.json'), 'utf8')) as Stack;
}

test('up, status, a second up, a crash of each child, down', async () => {
  const perennial = new Perennial();
  expect((await perennial.run(['status'])).code).toBe(4);
  const stack = (await perennial.up()) as Stack;
  expect(processes(stack).every(isRunning)).toBe(true);

  const status = await perennial.here(['status', '--json']);
  expect(status.json()).toMatchObject({ running: true, healthy: true, home: perennial.home });
  expect(status.json().components.map((component: { name: string; health: string }) => `${component.name} ${component.health}`)).toEqual([
    'supervisor healthy',
    'temporal healthy',
    'server healthy',
    'worker-1 healthy',
  ]);
  expect(status.code).toBe(0);

  const second = await perennial.run(['up', '--detach', ...FREE_PORTS, '--json']);
  expect(second.code).toBe(2);
  expect(second.json().error).toMatchObject({
    code: 'ALREADY_RUNNING',
    details: { pid: stack.supervisor.pid },
    hint: expect.stringContaining('perennial down') as string,
  });

  for (const name of ['worker-1', 'server', 'temporal']) {
    const before = stackProcesses(stackOf(perennial)).find((part) => part.name === name)!;
    process.kill(before.pid, 'SIGKILL');
    await eventually(() => !isRunning(before), `${name} is killed`);
    await eventually(async () => (await perennial.here(['status', '--json'])).json().healthy as boolean, `${name} is back`);
    const after = stackProcesses(stackOf(perennial)).find((part) => part.name === name)!;
    expect(after.pid).not.toBe(before.pid);
  }
  expect(stackOf(perennial).server?.url).toBe(stack.server?.url);
  expect(stackOf(perennial).temporal?.address).toBe(stack.temporal?.address);

  const all = processes(stackOf(perennial));
  const down = await perennial.run(['down', '--json']);
  expect(
    down
      .json()
      .stopped.map((part: { name: string }) => part.name)
      .sort(),
  ).toEqual(['server', 'supervisor', 'temporal', 'worker-1']);
  expect(all.filter(isRunning)).toEqual([]);
  expect(existsSync(join(perennial.home, 'run/stack.json'))).toBe(false);
  expect((await perennial.run(['down'])).stdout).toContain('Nothing is running');
});

test('of two that start at once one wins, and the other says who it is', async () => {
  const perennial = new Perennial();
  const answers = await Promise.all([1, 2].map(() => perennial.run(['up', '--detach', ...FREE_PORTS, '--json'])));
  expect(answers.map((answer) => answer.code).sort()).toEqual([0, 2]);
  const winner = answers.find((answer) => answer.code === 0)!.json() as Stack;
  expect(answers.find((answer) => answer.code === 2)!.json().error).toMatchObject({
    code: 'ALREADY_RUNNING',
    details: { pid: winner.supervisor.pid },
  });
  expect((await perennial.here(['status'])).code).toBe(0);

  // Killed, the supervisor leaves Temporal behind; worker and server end by themselves.
  process.kill(winner.supervisor.pid, 'SIGKILL');
  await eventually(
    () => [...winner.workers, winner.server!].every((part) => !isRunning(part as ProcessIdentity)),
    'worker and server have ended',
  );
  const status = await perennial.here(['status', '--json']);
  expect(status.code).toBe(4);
  expect(status.json().components[0]).toMatchObject({
    name: 'supervisor',
    health: 'gone',
    detail: expect.stringContaining('perennial down') as string,
  });

  // The next one explains, ends what was left, and takes over.
  const next = await perennial.run(['up', '--detach', ...FREE_PORTS, '--json']);
  expect(next.code).toBe(0);
  expect(next.stderr).toContain(`The stack of process ${winner.supervisor.pid}`);
  expect(next.stderr).toContain(`Ended what was left behind: temporal (process ${winner.temporal!.pid})`);
  expect(processes(winner).filter(isRunning)).toEqual([]);

  // And so does down.
  const stack = next.json() as Stack;
  process.kill(stack.supervisor.pid, 'SIGKILL');
  await eventually(() => !isRunning(stack.supervisor), 'the supervisor is killed');
  expect((await perennial.run(['down'])).stdout).toContain(`temporal (${stack.temporal!.pid}`);
  await eventually(() => !processes(stack).some(isRunning), 'everything has ended');
  expect(existsSync(join(perennial.home, 'run/stack.json'))).toBe(false);
});

test.each([
  ['empty', ''],
  ['cut off', '{"formatVersion":1,"state":"up","supervisor":{"pid":4711,"sta'],
])(
  'a stack whose supervisor was killed and whose file is %s is known all the same: its database is never opened twice',
  async (_, text) => {
    const perennial = new Perennial();
    const file = join(perennial.home, 'run/stack.json');
    const database = join(perennial.home, 'temporal.db');
    const first = (await perennial.up()) as Stack;
    const temporal = first.temporal as ProcessIdentity;
    const kill = async (stack: Stack): Promise<void> => {
      process.kill(stack.supervisor.pid, 'SIGKILL');
      await eventually(() => !isRunning(stack.supervisor), 'the supervisor is killed');
    };
    await kill(first);
    writeFileSync(file, text);

    const status = await perennial.here(['status', '--json']);
    expect(status.code).toBe(4);
    expect(status.json()).toMatchObject({ running: false, healthy: false });
    expect(status.json().components).toContainEqual({
      name: 'temporal',
      health: 'unhealthy',
      pid: temporal.pid,
      detail: 'was left behind, and runs on',
    });

    const next = await perennial.run(['up', '--detach', ...FREE_PORTS, '--json']);
    expect([next.code, next.stderr]).toEqual([
      0,
      expect.stringContaining(`Ended what was left behind: temporal (process ${temporal.pid})`) as string,
    ]);
    expect(next.stderr).toContain(`An earlier stack was not ended by \`perennial down\`, and ${file} is torn or gone.`);
    expect(isRunning(temporal)).toBe(false);
    const second = next.json() as Stack;
    expect(openersOf(database).map(({ pid }) => pid)).toEqual(process.platform === 'linux' ? [second.temporal!.pid] : []);

    // Not even a record: the command line tells.
    await kill(second);
    rmSync(join(perennial.home, 'run'), { recursive: true });
    expect((await perennial.run(['down'])).stdout).toContain(`temporal (${second.temporal!.pid}`);
    expect(isRunning(second.temporal as ProcessIdentity)).toBe(false);
    expect((await perennial.here(['status'])).stdout).toContain('Nothing is running');
  },
);

test('a server that somebody else runs on the database of the home is not ended, and up refuses', async (context) => {
  if (process.platform !== 'linux') return context.skip('only Linux says who has a file open');
  const perennial = new Perennial();
  const database = join(perennial.home, 'temporal.db');
  writeFileSync(database, '');
  const other = start(process.execPath, [
    '-e',
    `require('fs').openSync(process.argv[1], 'r+'); console.log('open'); setInterval(() => {}, 1000)`,
    database,
    'start-dev',
  ]);
  await other.waitFor(/open/);
  const answer = await perennial.run(['up', '--detach', ...FREE_PORTS, '--json']);
  expect(answer.code).toBe(2);
  expect(answer.json().error).toMatchObject({ code: 'ALREADY_RUNNING', details: { pid: other.pid } });
  expect(answer.json().error.message).toContain(`${database}, where Temporal keeps the runs of this home, is open in process ${other.pid}`);
  expect((await perennial.run(['down'])).stdout).toContain('Nothing is running');
  expect(isRunning(other.identity)).toBe(true);
});

test('Ctrl-C ends everything that a stack in the foreground is made of', async () => {
  const perennial = new Perennial();
  const up = perennial.start(['up', ...FREE_PORTS]);
  await up.waitFor(/Perennial is up/);
  const all = processes(stackOf(perennial));
  up.signal('SIGINT');
  expect((await up.exited).code).toBe(130);
  expect(all.filter(isRunning)).toEqual([]);
  expect(existsSync(join(perennial.home, 'run/stack.json'))).toBe(false);

  // Killed without a word, the command takes its stack along, too.
  const again = perennial.start(['up', ...FREE_PORTS]);
  await again.waitFor(/Perennial is up/);
  const others = processes(stackOf(perennial));
  again.signal('SIGKILL');
  await eventually(() => !others.some(isRunning), 'the stack has ended');
  await eventually(() => !existsSync(join(perennial.home, 'run/stack.json')), 'the file is gone');
});

test('a taken port that was asked for is named with its holder, and nothing is left running', async () => {
  const perennial = new Perennial();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const answer = await perennial.run(['up', '--detach', '--temporal-port', '0', '--ui-port', '0', '--port', String(port), '--json']);
  server.close();
  expect(answer.code).toBe(2);
  expect(answer.json().error).toMatchObject({ code: 'PORT_TAKEN', message: expect.stringContaining(`Port ${port}`) as string });
  if (process.platform === 'linux') expect(answer.json().error.message).toContain(`process ${process.pid}`);
  expect((await perennial.run(['down'])).stdout).toContain('Nothing is running');
});

test('a Temporal server that was named and is not there is an error of its own', async () => {
  const perennial = new Perennial({ TEMPORAL_ADDRESS: '127.0.0.1:9' });
  const answer = await perennial.run(['up', '--detach', ...FREE_PORTS, '--json']);
  expect(answer.code).toBe(4);
  expect(answer.json().error).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE', message: expect.stringContaining('127.0.0.1:9') as string });
});

test('down touches no process that merely got the id of one of ours', async () => {
  const perennial = new Perennial();
  const innocent = start(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const reused = { pid: innocent.pid, startTicks: innocent.identity.startTicks - 1 };
  const stack: Stack = {
    formatVersion: 1,
    state: 'up',
    supervisor: reused,
    workers: [{ name: 'worker-1', queues: [], ...reused }],
    store: 'file:x',
    startedAt: '2026-01-01T00:00:00.000Z',
    logs: 'x',
  };
  await perennial.run(['down']);
  const file = join(perennial.home, 'run/stack.json');
  mkdirSync(join(perennial.home, 'run'), { recursive: true });
  writeFileSync(file, JSON.stringify(stack));
  expect((await perennial.run(['down'])).code).toBe(0);
  expect(isRunning(innocent.identity)).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test('wrong options are refused before anything is started', async () => {
  const perennial = new Perennial();
  for (const args of [['--port', 'abc'], ['--port', '70000'], ['--workers', '0'], ['--nonsense']]) {
    const answer = await perennial.run(['up', ...args]);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toMatch(/error USAGE: /);
  }
  expect(existsSync(join(perennial.home, 'run'))).toBe(false);
});
