/**
 * A table of the penguins' kind, scored by `perennial score` and through the model server over HTTP, where a sample is enough to know the
 * rate: a thousand rows a request, as `predict --rows` sends them. With the largest memory of the command and of its processes.
 * Goals: at least five times as fast as through HTTP, memory that does not grow with the rows.
 *
 *     node bench/run.mjs scoring [--rows 1000000] [--sample 50000] [--processes N]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { predictAll } from '../src/client/predict-all.ts';
import { ServerClient } from '../src/client/server-client.ts';
import { literal, withDatabase } from '../src/data/table/duckdb.ts';
import { readEveryRow } from '../src/serving/rows-file.ts';
import { packageRoot } from '../src/platform/paths.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { rows: { type: 'string', default: '1000000' }, sample: { type: 'string', default: '50000' }, processes: { type: 'string' } },
});
const rows = Number(options.rows);
const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_HOME = join(folder, 'home');
const cli = join(packageRoot(), 'bin', 'perennial.js');
const perennial = (...args: string[]): string =>
  execFileSync(process.execPath, [cli, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** The penguins again and again, each a little heavier or lighter. */
async function draw(path: string, count: number): Promise<void> {
  const birds = `read_csv(${literal(join(packageRoot(), 'pipelines/data/penguins.csv'))}, nullstr = ['', 'NA'])`;
  await withDatabase((db) =>
    db.run(`COPY (SELECT n AS id, island, round(bill_length_mm * (1 + random() / 20), 2) AS bill_length_mm, round(bill_depth_mm * (1 + random() / 20), 2) AS bill_depth_mm,
      flipper_length_mm, body_mass_g + (n % 40) AS body_mass_g, sex
      FROM (SELECT n, n % 344 AS bird FROM range(${count}) t(n)) JOIN (SELECT *, row_number() OVER () - 1 AS bird FROM ${birds}) USING (bird) ORDER BY n) TO ${literal(path)} (FORMAT csv, HEADER)`),
  );
}

/** Processor seconds of a process so far, 0 where it has ended. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** Kilobytes that a process and those that it started hold, with the processor seconds of each. */
function memoryOf(pid: number): { readonly own: number; readonly started: number; readonly cpu: ReadonlyMap<number, number> } {
  const facts = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/status`, 'utf8');
        return [{ id: Number(name), parent: Number(/PPid:\s+(\d+)/.exec(text)?.[1]), kb: Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) }];
      } catch {
        return []; // It has ended.
      }
    });
  return {
    own: facts.find(({ id }) => id === pid)?.kb ?? 0,
    started: facts.filter(({ parent }) => parent === pid).reduce((sum, { kb }) => sum + kb, 0),
    cpu: new Map(facts.filter(({ id, parent }) => id === pid || parent === pid).map(({ id }) => [id, cpuOf(id)])),
  };
}

async function scored(path: string): Promise<object> {
  const started = performance.now();
  const args = ['score', 'penguins', '--rows', path, '--out', join(folder, 'out.parquet'), '--keep', 'id', '--json'];
  const child = spawn(process.execPath, [cli, ...args, ...(options.processes === undefined ? [] : ['--processes', options.processes])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const peak = { own: 0, started: 0 };
  const cpu = new Map<number, number>();
  const timer = setInterval(() => {
    const now = memoryOf(child.pid!);
    peak.own = Math.max(peak.own, now.own);
    peak.started = Math.max(peak.started, now.started);
    for (const [id, seconds] of now.cpu) cpu.set(id, Math.max(cpu.get(id) ?? 0, seconds));
  }, 100);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`score ended with ${String(code)}`);
  const seconds = (performance.now() - started) / 1_000;
  const { answered } = JSON.parse(text) as { answered: number };
  return {
    rows: answered,
    seconds: Number(seconds.toFixed(2)),
    rowsPerSecond: Math.round(answered / seconds),
    cpuMicrosecondsPerRow: Number(((1e6 * [...cpu.values()].reduce((sum, one) => sum + one, 0)) / answered).toFixed(1)),
    commandMb: Math.round(peak.own / 1024),
    processesMb: Math.round(peak.started / 1024),
  };
}

interface Server {
  readonly url: string;
  readonly pid: number;
}

async function throughHttp({ url, pid }: Server, path: string): Promise<object> {
  const client = new ServerClient(url);
  const description = await client.describe('penguins');
  const read = await readEveryRow(path, description);
  const warm = read.rows.slice(0, 2_000);
  await predictAll(client, 'penguins', warm, { description, logged: false });
  const started = performance.now();
  const before = cpuOf(pid) + cpuOf(process.pid);
  const { predictions } = await predictAll(client, 'penguins', read.rows, { description, logged: false });
  const seconds = (performance.now() - started) / 1_000;
  return {
    rows: predictions.length,
    seconds: Number(seconds.toFixed(2)),
    rowsPerSecond: Math.round(predictions.length / seconds),
    cpuMicrosecondsPerRow: Number(((1e6 * (cpuOf(pid) + cpuOf(process.pid) - before)) / predictions.length).toFixed(1)),
  };
}

interface Rate {
  readonly rowsPerSecond: number;
  readonly cpuMicrosecondsPerRow: number;
}

try {
  const { server } = JSON.parse(perennial('up', '--detach', '--port', '0', '--temporal-port', '0', '--ui-port', '0', '--json')) as {
    server: Server;
  };
  perennial('run', join(packageRoot(), 'pipelines/penguins.json'), '--param', 'epochs=5');
  const all = join(folder, 'all.csv');
  const sample = join(folder, 'sample.csv');
  const tenth = join(folder, 'tenth.csv');
  await draw(all, rows);
  await draw(tenth, rows / 10);
  await draw(sample, Number(options.sample));
  const http = (await throughHttp(server, sample)) as Rate;
  const whole = (await scored(all)) as Rate;
  const again = (await throughHttp(server, sample)) as Rate;
  writeFileSync(
    1,
    `${JSON.stringify(
      {
        score: whole,
        aTenthOfTheRows: await scored(tenth),
        throughHttp: [http, again],
        timesHttp: Number((whole.rowsPerSecond / ((http.rowsPerSecond + again.rowsPerSecond) / 2)).toFixed(1)),
        timesHttpByProcessorTime: Number(
          ((http.cpuMicrosecondsPerRow + again.cpuMicrosecondsPerRow) / 2 / whole.cpuMicrosecondsPerRow).toFixed(1),
        ),
        load: loadavg().map((value) => Number(value.toFixed(1))),
      },
      null,
      2,
    )}\n`,
  );
} finally {
  perennial('down');
  rmSync(folder, { recursive: true, force: true });
}
