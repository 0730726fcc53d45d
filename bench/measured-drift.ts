import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { DriftResult } from '../src/monitoring/detect.ts';

export interface MeasuredDrift {
  readonly seconds: number;
  readonly peakMb: number;
  /** Of all its threads: on a machine that others use, this says more than the clock. */
  readonly cpuSeconds: number;
  readonly result: DriftResult;
}

/**
 * `perennial drift` in a process of its own. Its peak is what the kernel says of the process shortly before it ends.
 *
 * @param command path of bin/perennial.js
 * @param args of `drift`, without --json
 */
export async function measuredDrift(command: string, args: readonly string[]): Promise<MeasuredDrift> {
  const started = performance.now();
  const child = spawn(process.execPath, [command, 'drift', ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  let peakMb = 0;
  let ticks = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const look = setInterval(() => {
    try {
      peakMb = Math.max(peakMb, Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1_000);
      const [user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number) as [
        number,
        number,
      ];
      ticks = Math.max(ticks, user + system);
    } catch {
      // It has ended, or this is no Linux: the last look counts.
    }
  }, 10);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(look);
  if (code !== 0 && code !== 3) throw new Error(`perennial drift ended with ${String(code)}`);
  return {
    seconds: (performance.now() - started) / 1_000,
    peakMb: Math.round(peakMb),
    cpuSeconds: ticks / 100,
    result: JSON.parse(out) as DriftResult,
  };
}
