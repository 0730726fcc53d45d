/**
 * How fast a server answers, and whether an answer is lost while versions change.
 *
 *     npm run build && node bench/run.mjs serving [--seconds 5] [--rounds 3] [--python NAME=PYTHON …]
 *     node bench/run.mjs serving heavy [--seconds 5]
 *     node bench/run.mjs serving proof [--requests 100000] [--moves 10]
 *
 * Speed: single rows of a perceptron of 20 numbers, by every protocol, over 1, 16 and 1,000 connections, beside a bare Fastify that
 * parses the same body and answers a constant of the same shape: what is left is what the product costs. Medians of the rounds, all in
 * turns. Goals: at least half of the bare handler, p99 under 2 ms over one connection and under 5 ms over sixteen; over 1,000 nothing
 * but answers and 503 with Retry-After. The load generator takes processor time of the same machine. Each `--python` names another server
 * of bench/serving_peers.py and the Python that has it: it serves such a network in the same sitting, in turns with rows to ours; the
 * ratio is ours by theirs.
 *
 * Heavy: what a small model answers alone, and while a network that computes for long is asked for batches; and the memory of a server
 * with ten small models.
 *
 * Proof: two servers on one store, a load on both, and promotions and rollbacks one after the other, each confirmed by both. An answer
 * that fails, is torn, or is of a version that did not serve at that time is counted; none may be.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import autocannon from 'autocannon';
import fastify from 'fastify';
import { confirmServed } from '../src/registry/confirm.ts';
import { FileStore } from '../src/storage/file-store.ts';
import { LABELS, fixtureOver, registerConstant, registerHeavy, registerPerceptron } from '../test/integration/serving/models.ts';
import type { Fixture } from '../test/integration/serving/models.ts';
import { startServerProcess } from '../test/integration/serving/server-process.ts';
import type { ServerProcess } from '../test/integration/serving/server-process.ts';

const COLUMNS = Array.from({ length: 20 }, (_, index) => `x${index}`);
const ROW = Object.fromEntries(COLUMNS.map((name, index) => [name, (index * 37) / 100]));
const AUTHOR = { who: 'bench', why: 'bench' };
/** What the row costs a server that does nothing with it. */
const CONSTANT = {
  model: 'm',
  version: 1,
  predictions: [{ label: 'one', probabilities: { one: 0.25, two: 0.25, three: 0.5 } }],
  id: '00000000-0000-0000-0000-000000000000',
};

interface Way {
  readonly name: string;
  readonly path: string;
  readonly body: string;
}

const WAYS: readonly Way[] = [
  { name: 'rows', path: '/models/m/predict', body: JSON.stringify(ROW) },
  {
    name: 'openInference',
    path: '/v2/models/m/infer',
    body: JSON.stringify({ inputs: COLUMNS.map((name) => ({ name, shape: [1], datatype: 'FP64', data: [ROW[name]] })) }),
  },
  { name: 'tensorflowServing', path: '/v1/models/m:predict', body: JSON.stringify({ instances: [ROW] }) },
];

const VALUES = COLUMNS.map((name) => ROW[name]!);

/** How the servers of bench/serving_peers.py are asked for the same row. */
const PEERS: Readonly<Record<string, Way>> = {
  mlserver: {
    name: 'mlserver',
    path: '/v2/models/m/infer',
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, VALUES.length], datatype: 'FP32', data: VALUES }] }),
  },
  bentoml: { name: 'bentoml', path: '/predict', body: JSON.stringify({ rows: [VALUES] }) },
  mlflow: { name: 'mlflow', path: '/invocations', body: JSON.stringify({ inputs: [VALUES] }) },
  triton: {
    name: 'triton',
    path: '/v2/models/m/infer',
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, VALUES.length], datatype: 'FP32', data: VALUES }] }),
  },
  mosec: { name: 'mosec', path: '/inference', body: JSON.stringify({ rows: [VALUES] }) },
};

if (isMainThread) await main();
else await bareServer();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(3),
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      requests: { type: 'string', default: '100000' },
      moves: { type: 'string', default: '10' },
      python: { type: 'string', multiple: true, default: [] },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  const fixture = fixtureOver(new FileStore(join(folder, 'store')), join(folder, 'cache'));
  const start = (): Promise<ServerProcess> =>
    startServerProcess({ PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}` });
  try {
    const result =
      positionals[0] === 'proof'
        ? await proof(fixture, start, Number(values.requests), Number(values.moves))
        : positionals[0] === 'heavy'
          ? await besideHeavy(fixture, start, Number(values.seconds))
          : await speed(fixture, start, Number(values.seconds), Number(values.rounds), values.python);
    console.log(JSON.stringify({ load: loadavg()[0], ...result }, null, 2));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Takes the same bodies in a thread of its own, as a server of ours has a process of its own. */
async function bareServer(): Promise<void> {
  const app = fastify();
  for (const { path } of WAYS) app.post(path.replace(':', '::'), () => CONSTANT);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  parentPort!.postMessage(url);
}

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers that are neither 2xx nor 503, and connections that broke. */
  readonly failed: number;
  readonly shed: number;
}

async function shoot(url: string, { path, body }: Way, connections: number, duration: number): Promise<Figures> {
  const result = await autocannon({
    url: `${url}${path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    connections,
    duration,
    timeout: 30,
  });
  const shed = result.statusCodeStats?.['503']?.count ?? 0;
  return {
    perSecond: Math.round(result['2xx'] / result.duration),
    p50: result.latency.p50,
    p99: result.latency.p99,
    failed: result.non2xx - shed + result.errors + result.timeouts,
    shed,
  };
}

async function speed(
  fixture: Fixture,
  start: () => Promise<ServerProcess>,
  seconds: number,
  rounds: number,
  peers: readonly string[],
): Promise<object> {
  await registerPerceptron(fixture, 'm', COLUMNS);
  await fixture.registry.promote('m', 1, AUTHOR);
  const server = await start();
  const bare = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  const bareUrl = await new Promise<string>((resolve) => bare.once('message', resolve));
  try {
    const found: Record<string, object> = {};
    for (const connections of [1, 16, 1_000]) {
      const ways = connections === 1_000 ? WAYS.slice(0, 1) : WAYS;
      for (const way of ways) await shoot(server.url, way, connections, 1);
      for (const way of ways) {
        const ours: Figures[] = [];
        const theirs: Figures[] = [];
        for (let round = 0; round < rounds; round++) {
          ours.push(await shoot(server.url, way, connections, seconds));
          theirs.push(await shoot(bareUrl, way, connections, seconds));
        }
        const [own, plain] = [medians(ours), medians(theirs)];
        found[`${way.name}, ${connections}`] = { ours: own, bare: plain, ratio: Number((own.perSecond / plain.perSecond).toFixed(3)) };
        console.error(`${way.name}, ${connections}: ${JSON.stringify(found[`${way.name}, ${connections}`])}`);
      }
    }
    for (const peer of peers) Object.assign(found, await besidePeer(server.url, peer, seconds, rounds));
    return found;
  } finally {
    await bare.terminate();
    await server.stop();
  }
}

/** @param peer "NAME=PYTHON" */
async function besidePeer(own: string, peer: string, seconds: number, rounds: number): Promise<Record<string, object>> {
  const [name, python] = peer.split('=') as [string, string | undefined];
  const way = PEERS[name];
  if (way === undefined || python === undefined)
    throw new Error(`--python ${peer}: expected NAME=PYTHON, NAME one of ${Object.keys(PEERS).join(', ')}`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // A group of its own, since some of them start processes that outlive them.
  const child = spawn(python, [fileURLToPath(new URL('../../bench/serving_peers.py', import.meta.url)), name, String(port)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-2_000)));
  try {
    for (const end = Date.now() + PEER_START_MS; !(await answers(url, way)); await sleep(500))
      if (Date.now() > end || child.exitCode !== null) throw new Error(`${name} does not answer: ${said}`);
    const found: Record<string, object> = {};
    for (const connections of [1, 16]) {
      await shoot(url, way, connections, 1);
      const ours: Figures[] = [];
      const theirs: Figures[] = [];
      for (let round = 0; round < rounds; round++) {
        ours.push(await shoot(own, WAYS[0]!, connections, seconds));
        theirs.push(await shoot(url, way, connections, seconds));
      }
      const [mine, other] = [medians(ours), medians(theirs)];
      const key = `rows beside ${name}, ${connections}`;
      found[key] = { ours: mine, [name]: other, ratio: Number((mine.perSecond / other.perSecond).toFixed(1)) };
      console.error(`${key}: ${JSON.stringify(found[key])}`);
    }
    return found;
  } finally {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGTERM');
  }
}

const PEER_START_MS = 120_000;

async function answers(url: string, { path, body }: Way): Promise<boolean> {
  try {
    return (await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).ok;
  } catch {
    return false;
  }
}

/** With two free ones behind it, as far as can be known. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

function medians(all: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number => all.map((one) => one[key]).sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return {
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    shed: all.reduce((sum, { shed }) => sum + shed, 0),
  };
}

async function besideHeavy(fixture: Fixture, start: () => Promise<ServerProcess>, seconds: number): Promise<object> {
  const way = WAYS[0]!;
  for (let model = 0; model < 10; model++) {
    const name = model === 0 ? 'm' : `m${model}`;
    await registerPerceptron(fixture, name, COLUMNS);
    await fixture.registry.promote(name, 1, AUTHOR);
  }
  const server = await start();
  try {
    for (let model = 1; model < 10; model++) await shoot(server.url, { ...way, path: `/models/m${model}/predict` }, 1, 1);
    const alone = await shoot(server.url, way, 1, seconds);
    const tenModels = residentMiB(server.child.pid!);
    await registerHeavy(fixture, 'heavy');
    await fixture.registry.promote('heavy', 1, AUTHOR);
    await confirmServed(fixture.store, 'heavy', 1);
    // Until it has moved to where it stays.
    await sleep(5_000);
    const rows = Array.from({ length: 256 }, (_, row) => ({ a: row / 100, b: 1 }));
    const batches = { name: 'heavy', path: '/models/heavy/predict', body: JSON.stringify({ rows }) };
    const [beside, heavy] = await Promise.all([shoot(server.url, way, 1, seconds), shoot(server.url, batches, 4, seconds)]);
    return { alone, beside, heavy, residentMiB: { tenModels } };
  } finally {
    await server.stop();
  }
}

/** Of a process, all pages that it has in memory; those of libraries included. */
function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

async function proof(fixture: Fixture, start: () => Promise<ServerProcess>, requests: number, moves: number): Promise<object> {
  const { registry, store } = fixture;
  for (const label of [0, 1, 2]) await registerConstant(fixture, 'm', label);
  await registry.promote('m', 1, AUTHOR);
  const servers = [await start(), await start()];
  const wrong: string[] = [];
  const seen: Record<string, number> = {};
  /** Versions that may answer at this moment: while a move is on its way, the one before and the one after. */
  let served = new Set(['1']);
  try {
    const loads = servers.map(({ url }) =>
      autocannon({
        url,
        connections: 8,
        amount: Math.ceil(requests / servers.length),
        timeout: 30,
        requests: [
          {
            method: 'POST',
            path: '/models/m/predict',
            headers: { 'content-type': 'application/json' },
            body: '{"rows":[{"a":1,"b":2}]}',
            onResponse(status: number, body: string) {
              const version = /"version":(\d+)/.exec(body)?.[1] ?? '';
              const label = LABELS.findIndex((name) => body.includes(`"label":"${name}"`));
              seen[version] = (seen[version] ?? 0) + 1;
              if (status !== 200 || label + 1 !== Number(version) || !served.has(version))
                wrong.push(`${status} ${version} ${body.slice(0, 100)}`);
            },
          },
        ],
      }),
    );
    let isOver = false;
    const finished = Promise.all(loads).then((all) => {
      isOver = true;
      return all;
    });
    const confirmMs: number[] = [];
    let current = 1;
    for (let move = 0; move < moves && !isOver; move++) {
      const next = move % 3 === 2 ? undefined : (current % 3) + 1;
      const before = String(current);
      const began = performance.now();
      // The routing decides first; until both have confirmed, either may be met.
      served = new Set(['1', '2', '3']);
      const { to } = next === undefined ? await registry.rollback('m', AUTHOR) : await registry.promote('m', next, AUTHOR);
      served = new Set([before, String(to)]);
      const confirmation = await confirmServed(store, 'm', to!);
      if (!confirmation.confirmed) wrong.push(confirmation.summary);
      confirmMs.push(performance.now() - began);
      current = to!;
      // What was asked before the move may still be on its way back.
      await new Promise((resolve) => setTimeout(resolve, 200));
      served = new Set([String(current)]);
      if (next === undefined) await registry.unpin('m', AUTHOR);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const results = await finished;
    return {
      requests: results.reduce((sum, result) => sum + result.requests.total, 0),
      moves: confirmMs.length,
      wrong: wrong.length,
      firstWrong: wrong.slice(0, 3),
      errors: results.reduce((sum, result) => sum + result.errors + result.timeouts + result.non2xx, 0),
      seen,
      confirmMs: confirmMs.map((ms) => Math.round(ms)),
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
