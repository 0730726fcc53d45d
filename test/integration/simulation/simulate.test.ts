import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Simulation } from '../../../src/core/simulation.ts';
import { commandOf, startTicksOf } from '../../../src/platform/process-info.ts';
import { Perennial } from '../../support/perennial.ts';
import { writeReturns } from '../../support/returns.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';

const perennial = new Perennial();
const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('perennial-simulation-'));

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);

describe('perennial simulate', () => {
  it('plays a document through drift, a killed worker, a store and a Temporal that are away, wrong labels and a bad challenger', async () => {
    const folder = tempDir('played');
    const file = writeReturns(folder);
    const report = join(folder, 'days.html');
    const answer = await perennial.run(
      [
        'simulate',
        file,
        '--days',
        '20',
        '--rows',
        '300',
        '--seed',
        '3',
        '--max-loss',
        '50',
        '--max-retrainings',
        '15',
        '--report',
        report,
        '--json',
      ],
      { env: { PERENNIAL_STORE: 'file:/nowhere', TEMPORAL_ADDRESS: '127.0.0.1:1' }, timeoutMs: 590_000 },
    );
    expect(answer.stderr).not.toContain('    at ');
    const simulation = answer.json<Simulation>();
    expect(answer.code, answer.stderr).toBe(0);
    expect(simulation.bounds.map(({ kept }) => kept)).toEqual([true, true]);
    expect(simulation.days).toHaveLength(20);
    const kinds = simulation.incidents.map(({ kind }) => kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['server', 'worker', 'refused', 'store', 'brokenPromotion', 'rolledBack', 'unpinned', 'temporal', 'upstream']),
    );
    // What is told of times is told by the simulated clock.
    for (const { day, at } of [...simulation.changes, ...simulation.runs, ...simulation.incidents])
      expect(Math.floor((Date.parse(at) - Date.parse(`${simulation.days[0]!.date}T00:00:00Z`)) / 86_400_000)).toBe(day);
    // Only the outage of the server left rows without an answer.
    const halves = simulation.days.filter(({ answered, rows }) => answered < rows);
    expect(halves.map(({ day }) => day)).toEqual(simulation.incidents.filter(({ kind }) => kind === 'server').map(({ day }) => day));
    // The broken promotion was live, and the version before it came back.
    const back = simulation.changes.find(({ action }) => action === 'rollback')!;
    expect(back.who).toBe('trigger returns/feedback');
    const broken = simulation.changes.find(({ to }) => to === back.from)!;
    expect(back.to).toBe(broken.from);
    expect(simulation.runs.some(({ trigger, live }) => trigger === 'drift' && live)).toBe(true);
    expect(readFileSync(report, 'utf8')).toContain('20 days of returns');
  });

  it('plays a table by its own time, and says where a bound is not kept', async () => {
    const folder = tempDir('played');
    const file = writeReturns(folder);
    const answer = await perennial.run([
      'simulate',
      file,
      '--table',
      join(folder, 'returns.csv'),
      '--time',
      'at',
      '--history',
      '25',
      '--max-loss',
      '-100',
      '--json',
    ]);
    expect(answer.code, answer.stderr).toBe(3);
    const { days, stream, bounds } = answer.json<Simulation>();
    expect(stream).toBe('returns.csv');
    expect(days.map(({ world }) => world)).toEqual(['2026-01-26', '2026-01-27', '2026-01-28']);
    expect(days.every(({ served, oracle }) => served! > 0.75 && oracle > 0.75)).toBe(true);
    expect(bounds).toMatchObject([{ name: 'loss', kept: false }]);
  });

  it.each([
    ['interrupted', 'SIGINT', 130],
    ['killed', 'SIGKILL', null],
  ] as const)('ends at once, and leaves nothing, where it is %s', async (_how, signal, code) => {
    const before = left();
    const started = perennial.start(['simulate', writeReturns(tempDir('played')), '--days', '5']);
    await started.waitFor(/the first run, on/, 90_000);
    const temporal = childrenOf(started.pid).find((pid) => commandOf(pid)?.includes('temporal-test-server') === true)!;
    process.kill(started.pid, signal);
    expect((await started.exited).code).toBe(code);
    expect(started.output()).not.toContain('    at ');
    await until(() => left().every((name) => before.includes(name)) && startTicksOf(temporal) === undefined);
  });

  it('says what stands in its way before anything is started', async () => {
    const folder = tempDir('played');
    const file = writeReturns(folder);
    const fails = async (...args: string[]): Promise<string> => {
      const answer = await perennial.here(['simulate', ...args]);
      expect(answer.code).toBe(2);
      return answer.stderr;
    };
    expect(await fails(file, '--scenario', 'earthquake')).toContain('There is no scenario "earthquake"');
    expect(await fails(file, '--time', 'at')).toContain('--time goes with --table.');
    expect(await fails(file, '--table', join(folder, 'returns.csv'), '--time', 'when')).toContain('The table has no column "when"');
    expect(await fails(file, '--days', '0')).toContain('expected a whole number from 1');
    expect(await fails('pipelines/missing.json')).toContain('missing.json');
    expect(await fails(file, '--report', join(folder, 'nowhere', 'days.html'))).toContain('The report cannot be written to');
    expect(await fails(file, '--report', folder)).toContain('it is a folder');
  });
});
