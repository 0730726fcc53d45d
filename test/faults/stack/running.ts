import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepView } from '../../../src/core/run.ts';
import { Prng } from '../../../src/core/prng.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import type { Temporal } from '../../../src/runs/connect.ts';
import { describeRun } from '../../../src/runs/runs.ts';
import type { RunReport } from '../../../src/runs/runs.ts';
import { identify, isRunning, type ProcessIdentity } from '../../../src/platform/process-info.ts';
import { stackProcesses, type Stack } from '../../../src/platform/stack.ts';
import { temporalConfig } from '../../../temporal.config.ts';
import type { Answer, Perennial } from '../../support/perennial.ts';
import { until as waitUntil } from '../../support/until.ts';

/** How long anything may take on a machine that does much else: these tests ask that it comes, not when. */
const WAIT_MS = 240_000;

/** Exit code of a command that cannot reach a service. */
const UNREACHABLE = 4;

/** Waits for a condition; polled, since processes of others bring it about. */
export function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = WAIT_MS,
): Promise<Exclude<T, undefined | false>> {
  return waitUntil(look, { what: `not yet: ${what}`, timeoutMs, everyMs: 25 });
}

/** A CSV of three classes that a small network learns in a few seconds. */
export function writeRows(path: string, rows = 1500): void {
  const prng = new Prng(5);
  const lines = ['a,b,c,d,kind'];
  for (let row = 0; row < rows; row += 1) {
    const kind = row % 3;
    lines.push(
      [0, 1, 2, 3]
        .map((column) => (prng.uniform() * 2 + (column === kind ? 1.5 : 0)).toFixed(4))
        .concat('xyz'[kind]!)
        .join(','),
    );
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/**
 * The whole chain on `rows.csv` beside the document; `epochs` decides how long it trains. Eagerly, since the compiled engine is
 * through before anybody could be killed; its resuming is tested in test/faults/training.
 */
export function writeDocument(folder: string, name: string, epochs: number): string {
  const features = Object.fromEntries(['a', 'b', 'c', 'd'].map((column) => [column, ['standardize']]));
  const path = join(folder, `${name}.json`);
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name,
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
        { uses: 'preprocess', with: { features } },
        {
          uses: 'train',
          with: {
            model: { architecture: 'mlp', units: [64, 32], dropout: 0.1 },
            epochs,
            earlyStopping: 'off',
            batchSize: 16,
            seed: 3,
            engine: 'eager',
            checkpoint: { everyEpochs: 1, keep: 2 },
          },
        },
        { uses: 'evaluate', with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', atLeast: 0.5 }] } },
        { uses: 'register', with: { alias: 'challenger' } },
        { uses: 'deploy', with: { to: 'server', promote: 'champion' } },
      ],
    }),
  );
  return path;
}

export function stackOf(perennial: Perennial): Stack {
  return JSON.parse(readFileSync(join(perennial.home, 'run/stack.json'), 'utf8')) as Stack;
}

/** A process of the stack by its name: "worker-1", "server", "temporal". */
export function processOf(perennial: Perennial, name: string): ProcessIdentity {
  const found = stackProcesses(stackOf(perennial)).find((part) => part.name === name);
  if (found === undefined) throw new Error(`the stack has no ${name} now`);
  return found;
}

/** SIGKILL to exactly this process, and only to it. */
export async function killNow(identity: ProcessIdentity): Promise<void> {
  process.kill(identity.pid, 'SIGKILL');
  await until(`process ${identity.pid} is gone`, () => !isRunning(identity));
}

/** Processes whose command line names `text`, from /proc. */
export function processesNaming(text: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text) ? [identify(Number(name))] : [];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** Trainers that work for a pipeline of this stack. */
export function trainersOf(perennial: Perennial, pipeline: string): ProcessIdentity[] {
  return processesNaming(join(perennial.home, 'work', pipeline));
}

/** /proc tells which process belongs to which run; elsewhere these tests cannot aim. */
export const canAim = existsSync('/proc/self/cmdline');

export class Run {
  readonly workflowId: string;
  readonly #perennial: Perennial;

  private constructor(perennial: Perennial, workflowId: string) {
    this.#perennial = perennial;
    this.workflowId = workflowId;
  }

  static async start(perennial: Perennial, file: string, args: readonly string[] = []): Promise<Run> {
    const begin = (): Promise<Answer> => perennial.here(['run', file, '--detach', '--no-cache', '--json', ...args]);
    let answer = await begin();
    // On a machine that does much else Temporal may not answer in time, once.
    if (answer.code === UNREACHABLE) answer = await begin();
    if (answer.code !== 0) throw new Error(`run ended with ${answer.code}: ${answer.stderr}`);
    return new Run(perennial, answer.json<{ workflowId: string }>().workflowId);
  }

  /** Waits for a state of one step, as the workflow and its heartbeats show it. */
  async step(id: string, holds: (step: StepView) => boolean, timeoutMs?: number): Promise<StepView> {
    const temporal = await connect(this.#perennial);
    try {
      return await until(
        `step ${id} of ${this.workflowId}`,
        async () => {
          const view = await describeRun(temporal, this.workflowId);
          if (view.status === 'failed') throw new Error(`${this.workflowId} failed: ${view.failure?.message}`);
          return view.steps.find((step) => step.id === id && holds(step));
        },
        timeoutMs,
      );
    } finally {
      await temporal.close();
    }
  }

  /** Follows it to its end by the command line. */
  async end(): Promise<{ readonly report: RunReport; readonly code: number | null; readonly stderr: string }> {
    const answer = await this.#perennial.run(['runs', 'show', this.workflowId, '--follow', '--json'], { timeoutMs: WAIT_MS });
    return { report: answer.json<RunReport>(), code: answer.code, stderr: answer.stderr };
  }

  async logs(step: string): Promise<string> {
    return (await this.#perennial.here(['runs', 'logs', this.workflowId, '--step', step])).stdout;
  }
}

async function connect(perennial: Perennial): Promise<Temporal> {
  return connectTemporal({ ...temporalConfig({}), address: stackOf(perennial).temporal!.address });
}

export function digestOf(report: RunReport, step: string, output: string): string {
  const ref = report.steps.find((one) => one.id === step)?.outputs?.[output];
  if (ref === undefined) throw new Error(`step ${step} gave no ${output}: ${JSON.stringify(report.steps)}`);
  return ref.digest;
}
