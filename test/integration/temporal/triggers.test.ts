import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import ingest from '../../../activities/steps/ingest.step.ts';
import type { MonitorInput, MonitorView } from '../../../src/core/monitor.ts';
import type { DriftTrigger, NewDataTrigger, Plan } from '../../../src/core/plan.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { needsAttention } from '../../../src/runs/attention.ts';
import { pipelineInput } from '../../../src/runs/pipeline-input.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { deleteSchedule, listSchedules, triggerSchedule } from '../../../src/runs/schedules.ts';
import { startAttributes } from '../../../src/runs/search-attributes.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { startServer } from '../../../src/server/start.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { applied, planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import type { Json } from '@duckdb/node-api';

let broken: ErrorCode | false = false;
const steps = [
  ingest,
  // Learns nothing, but registers and promotes what a training on the data would.
  testStep({
    type: 'learn',
    cacheable: false,
    inputs: { in0: { kind: 'dataset' } },
    outputs: { out: { kind: 'version' } },
    async run(ctx, _config, { in0 }) {
      if (broken !== false) throw new PerennialError(broken, 'It does not go on like this.');
      const data = await ctx.artifacts.open(in0!);
      const profile = await data.bytes('profile.json');
      const columns = (JSON.parse(Buffer.from(profile).toString()) as { columns: { name: string }[] }).columns.filter(
        ({ name }) => name !== 'label',
      );
      const reference: Record<string, Uint8Array> =
        data.manifest.files['reference.bin'] === undefined ? {} : { 'reference.bin': await data.bytes('reference.bin') };
      const modelRef = await ctx.artifacts.write({
        kind: 'model',
        summary: ctx.runId,
        files: { 'profile.json': profile, 'preprocessor.json': Buffer.from(JSON.stringify({ columns })), ...reference },
        meta: { ...modelFacts(), text: ctx.runId } as unknown as Json,
      });
      const registry = createRegistry(ctx.store, ctx.artifacts);
      const { version } = await registry.register({
        model: ctx.pipeline,
        modelRef,
        dataset: in0!.digest,
        pipeline: ctx.pipeline,
        runId: ctx.runId,
        stepId: 'learn',
      });
      await registry.promote(ctx.pipeline, version, {
        alias: 'champion',
        who: 'test',
        why: 'test',
        automatic: true,
        judged: [],
        requestId: ctx.runId,
      });
      return {
        outputs: { out: await ctx.artifacts.write({ kind: 'version', summary: `v${version}`, files: {}, meta: {} }) },
        values: { model: ctx.pipeline, version },
      };
    },
  }),
];

const logged: string[] = [];
let stage: Stage;
beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation((...parts: unknown[]) => void logged.push(parts.map(String).join(' ')));
  stage = await setStage(steps);
  await stage.startWorker();
});

const row = (day: number, shift: number, salt: number): string =>
  `2026-03-${String(day).padStart(2, '0')}T00:00:00Z,${(shift + ((day * 7919 + salt * 104_729) % 1_000) / 1_000).toFixed(6)},${salt % 2 === 0 ? 'a' : 'b'}`;
const rows = (days: readonly number[], shift = 0, each = 20): string[] =>
  days.flatMap((day) => Array.from({ length: each }, (_, salt) => row(day, shift, salt + 1)));
const days = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

interface Scene {
  readonly plan: Plan;
  write(lines: readonly string[], columns?: string): void;
  learn(nominalTime?: string): Promise<void>;
  check(on: { drift: DriftTrigger } | { newData: NewDataTrigger }): Promise<MonitorView>;
}

let checks = 0;
/** A pipeline over a CSV of its own. */
function scene(name: string, config: object = {}): Scene {
  const dir = tempDir(name);
  const planOf = (on: Plan['on']): Plan =>
    testPlan(
      name,
      [
        {
          ...planStep('ingest', 'ingest', {
            kind: 'dataset',
            config: { source: { format: 'csv', path: 'data.csv' }, label: 'label', ...config },
          }),
          outputs: { dataset: 'dataset' },
        },
        {
          ...planStep('learn', 'learn', { kind: 'version', config: { model: name } }),
          inputs: { in0: { step: 'ingest', output: 'dataset', kind: 'dataset' } },
        },
      ],
      { documentDir: dir, on },
    );
  return {
    plan: planOf({}),
    write: (lines, columns = 'time,x,label') => writeFileSync(join(dir, 'data.csv'), `${columns}\n${lines.join('\n')}\n`),
    async learn(nominalTime) {
      const { workflowId } = await startRun(stage.temporal, planOf({}), steps, {
        trigger: 'manual',
        ...(nominalTime === undefined ? {} : { nominalTime }),
      });
      expect(await waitRun(stage.temporal, workflowId)).toMatchObject({ status: 'completed' });
    },
    async check(on) {
      const run = pipelineInput(planOf(on), steps, { trigger: 'drift' in on ? 'drift' : 'newData' });
      const check: MonitorInput['check'] =
        'drift' in on
          ? { kind: 'drift', drift: on.drift }
          : { kind: 'newData', rows: on.newData.rows, ...(on.newData.do === undefined ? {} : { do: on.newData.do }) };
      const view = (await stage.temporal.client.workflow.execute('monitor', {
        workflowId: `monitor/${name}/${(checks += 1)}`,
        taskQueue: 'perennial',
        args: [{ pipeline: name, model: name, check, run } satisfies MonitorInput],
        typedSearchAttributes: startAttributes({ kind: 'monitor', pipeline: name, model: name, trigger: run.trigger }),
      })) as MonitorView;
      if (view.outcome === 'started') await waitRun(stage.temporal, view.run!);
      return view;
    },
  };
}

const newData = (wanted: number, bounds: Partial<NewDataTrigger> = {}): { newData: NewDataTrigger } => ({
  newData: { rows: wanted, everyMs: 60_000, coolDownMs: 0, attempts: 3, ...bounds },
});

describe('newData', () => {
  it('counts rows that the champion has not seen, whatever else the source lost or how it is ordered', async () => {
    const { write, learn, check } = scene('unseen');
    write(rows(days(1, 10)));
    await learn();
    expect(await check(newData(1))).toMatchObject({ outcome: 'none', finding: { newRows: 0, rows: 200 } });
    write(rows(days(1, 10)).reverse());
    expect(await check(newData(1))).toMatchObject({ outcome: 'none', finding: { newRows: 0 } });
    write(rows(days(6, 12)));
    const found = await check(newData(30));
    expect(found).toMatchObject({
      outcome: 'started',
      finding: { newRows: 40, rows: 140, summary: 'Of 140 rows that the source has, version 1 has not seen 40; 30 are asked for.' },
    });
    expect(await check(newData(1))).toMatchObject({ outcome: 'none', finding: { champion: 2, newRows: 0 } });
  });

  it('fires where a window moves on and no row more is in it', async () => {
    const { write, learn, check } = scene('moving', { window: { column: 'time', last: '10d', until: 'latest' } });
    write(rows(days(1, 10)));
    await learn();
    write(rows(days(1, 15)));
    expect(await check(newData(100))).toMatchObject({ outcome: 'started', finding: { rows: 200, newRows: 100 } });
  });
});

describe('runs of whose end no workflow code is asked', () => {
  it('are told in the log and in /metrics as any other end', async () => {
    const { client } = stage.temporal;
    const begin = (pipeline: string, change: object) =>
      client.workflow.start('pipeline', {
        workflowId: `${pipeline}/20260101-000000-aaaa`,
        taskQueue: 'nobody',
        args: [pipelineInput(testPlan(pipeline, [planStep('a', 'learn')]), steps, { trigger: 'manual' })],
        typedSearchAttributes: startAttributes({ kind: 'run', pipeline, trigger: 'manual' }),
        ...change,
      });
    await (await begin('ended-by-hand', {})).terminate('the disk is needed');
    await begin('too-long', { workflowExecutionTimeout: '1s' });
    const server = await startServer({
      store: stage.deps.store,
      artifacts: stage.deps.artifacts,
      port: 0,
      log: { info() {}, warn() {}, error() {} },
    });
    await until(async () => {
      const lines = (await (await fetch(`${server.url}/metrics`)).text()).split('\n');
      const shown = [
        'pipeline="ended-by-hand",kind="run",outcome="terminated"',
        'pipeline="too-long",kind="run",outcome="timedOut"',
      ].filter((labels) => lines.includes(`perennial_pipeline_outcome{${labels}} 1`));
      return shown.length === 2 ? shown : [];
    });
    await server.stop();
    const told = logged
      .filter((line) => /"message":"(ended-by-hand|too-long): /.test(line))
      .map((line) => JSON.parse(line) as { message: string; summary: string });
    expect(told.map(({ message }) => message).sort()).toEqual(['ended-by-hand: run terminated', 'too-long: run timedOut']);
    expect(told.find(({ message }) => message.startsWith('ended'))!.summary).toMatch(/^Terminated by \S+: the disk is needed$/);
    expect((await needsAttention(stage.temporal)).map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['terminated', 'timed out']),
    );
  });
});

describe('a check that needs attention', () => {
  it('needs none any more once its schedule is deleted', async () => {
    const pipeline = 'watched-no-more';
    const bench = scene(pipeline);
    bench.write(rows(days(1, 3)));
    await bench.learn();
    bench.write([]);
    const plan: Plan = { ...bench.plan, on: { newData: { rows: 1, everyMs: 3_600_000, coolDownMs: 0, attempts: 3 } } };
    await applied(stage.temporal, [plan], steps);
    const id = `${pipeline}/new-data`;
    await triggerSchedule(stage.temporal, id);
    // The source holds no rows any more, so its check fails.
    await until(async () => (await needsAttention(stage.temporal, { pipeline })).map(({ outcome }) => outcome));
    await deleteSchedule(stage.temporal, id);
    expect(await needsAttention(stage.temporal, { pipeline })).toEqual([]);
  });
});

describe('bounds of triggers', () => {
  it('stop runs that change nothing: each is a run of its own, after the cool-down, up to the limit', async () => {
    const { write, learn, check } = scene('bounded');
    write(rows(days(1, 10)));
    await learn();
    write(rows(days(1, 12)));
    broken = 'TRAINING_DIVERGED';
    const first = await check(newData(10, { attempts: 2 }));
    expect(await check(newData(10, { coolDownMs: 3_600_000, attempts: 2 }))).toMatchObject({ outcome: 'coolingDown', run: first.run });
    const second = await check(newData(10, { attempts: 2 }));
    expect([first.outcome, second.outcome]).toEqual(['started', 'started']);
    expect(second.run).not.toBe(first.run);
    const third = await check(newData(10, { attempts: 2 }));
    expect(third).toMatchObject({ outcome: 'blocked', run: second.run });
    const [blocked] = await until(async () =>
      (await needsAttention(stage.temporal, { pipeline: 'bounded' })).filter(({ kind }) => kind === 'newData'),
    );
    expect(blocked).toMatchObject({
      outcome: 'blocked',
      workflow: expect.stringContaining('monitor/bounded/') as string,
      summary: `${third.finding.summary} ${third.why}`,
    });
    expect(await needsAttention(stage.temporal, { pipeline: 'bounded' })).toContainEqual(
      expect.objectContaining({
        kind: 'run',
        outcome: 'failed',
        workflow: second.run,
        summary: expect.stringContaining('It does not go on like this') as string,
      }),
    );
    expect(
      logged.filter((line) => line.includes('"message":"bounded: ')).map((line) => (JSON.parse(line) as { message: string }).message),
    ).toEqual(expect.arrayContaining(['bounded: run failed', 'bounded: check blocked']));
    const server = await startServer({
      store: stage.deps.store,
      artifacts: stage.deps.artifacts,
      port: 0,
      log: { info() {}, warn() {}, error() {} },
    });
    const shown = await until(async () =>
      (await (await fetch(`${server.url}/metrics`)).text())
        .split('\n')
        .filter((line) => line.startsWith('perennial_pipeline_outcome{') && line.includes('bounded')),
    );
    await server.stop();
    expect(shown.sort()).toEqual([
      'perennial_pipeline_outcome{pipeline="bounded",kind="newData",outcome="blocked"} 1',
      'perennial_pipeline_outcome{pipeline="bounded",kind="run",outcome="failed"} 1',
    ]);
    expect(third.why).toMatch(
      /^2 runs that triggers started brought no champion in place of version 1, the last one .* \(failed: TRAINING_DIVERGED\); "attempts" is 2\./,
    );
    broken = false;
    await learn();
    write(rows(days(1, 14)));
    expect(await check(newData(10, { attempts: 2 }))).toMatchObject({ outcome: 'started', finding: { champion: 2 } });
    await until(async () => ((await needsAttention(stage.temporal, { pipeline: 'bounded' })).length === 0 ? [true] : []));
  });
});

describe('runs that their data stop', () => {
  it('are no attempts: they are tried again, after longer and longer, until the data are mended', async () => {
    const { write, learn, check } = scene('stopped');
    write(rows(days(1, 10)));
    await learn();
    write(rows(days(1, 12)));
    broken = 'EXPECTATION_FAILED';
    for (let at = 0; at < 3; at += 1) expect(await check(newData(10, { attempts: 1 }))).toMatchObject({ outcome: 'started' });
    const cooling = await check(newData(10, { attempts: 1, coolDownMs: 3_600_000 }));
    expect(cooling.outcome).toBe('coolingDown');
    expect(cooling.why).toContain('(failed: EXPECTATION_FAILED)');
    expect(cooling.why).toContain('longer after 3 runs in a row that their data stopped');
    const until = Date.parse(/until (\S+)\.$/.exec(cooling.why ?? '')![1]!);
    expect((until - Date.now()) / 3_600_000).toBeGreaterThan(3.9);
    expect((until - Date.now()) / 3_600_000).toBeLessThan(4.1);
    broken = false;
    expect(await check(newData(10, { attempts: 1 }))).toMatchObject({ outcome: 'started' });
    expect(await check(newData(10, { attempts: 1 }))).toMatchObject({ finding: { champion: 2 } });
  });
});

const drift: DriftTrigger = {
  do: { kind: 'retrain' },
  everyMs: 60_000,
  windowMs: 3_600_000,
  rowsMin: 50,
  columnsMin: 1,
  coolDownMs: 0,
  attempts: 3,
  tests: ['psi', 'ks'],
};

describe('in place of a run', () => {
  it('people are told of new rows once for each time that as many came as are asked for', async () => {
    const { write, learn, check } = scene('told-of');
    write(rows(days(1, 2)));
    await learn();
    const notify = newData(20, { do: { kind: 'notify' } });
    expect(await check(notify)).toMatchObject({ outcome: 'none', finding: { newRows: 0 } });
    write(rows(days(1, 3)));
    expect(await check(notify)).toMatchObject({ outcome: 'alert', run: null, finding: { newRows: 20 } });
    const again = await check(notify);
    expect(again).toMatchObject({ outcome: 'none', finding: { due: false, newRows: 20 } });
    expect(again.finding.summary).toMatch(/That was seen to \(alert, \S+\)\.$/);
    write(rows(days(1, 4)));
    expect(await check(notify)).toMatchObject({ outcome: 'alert', finding: { newRows: 40 } });
    expect((await createRegistry(stage.deps.store, stage.deps.artifacts).versions('told-of')).length).toBe(1);
  });

  it('what starts the pipeline by itself is paused, but for the check that found it', async () => {
    const { write, learn, check, plan } = scene('held-up');
    write(rows(days(1, 2)));
    await learn();
    const paused = newData(1, { everyMs: 86_400_000, do: { kind: 'pause' } });
    const on = { ...paused, drift: { ...drift, everyMs: 86_400_000 } };
    await applied(stage.temporal, [{ ...plan, on }], steps);
    write(rows(days(1, 3)));
    expect(await check(paused)).toMatchObject({ outcome: 'paused', why: expect.stringContaining('Paused: held-up/drift.') as string });
    expect((await listSchedules(stage.temporal, { pipeline: 'held-up' })).map(({ id, paused: is }) => [id, is])).toEqual([
      ['held-up/drift', true],
      ['held-up/new-data', false],
    ]);
  });
});

describe('drift', () => {
  /** Predictions of a version that were asked `minutes` ago. */
  async function ask(model: string, version: number, shift: number, minutes: number): Promise<void> {
    const at = new Date(Date.now() - minutes * 60_000).toISOString();
    const lines = Array.from({ length: 200 }, (_, index) =>
      JSON.stringify({
        time: at,
        id: String(index),
        version,
        row: { x: shift + index / 200, time: '2026-03-01T00:00:00Z' },
        prediction: { label: 'a' },
      }),
    );
    await stage.deps.store.put(
      `predictions/${model}/${at.slice(0, 10)}/${at.slice(11, 13)}-${version}-${minutes}.ndjson`,
      Buffer.from(`${lines.join('\n')}\n`),
    );
  }

  it('without anything new to learn from starts nothing, and says so; after a retraining it is over, until the questions change again', async () => {
    const { write, learn, check } = scene('drifting', { exclude: ['time'] });
    write(rows(days(1, 20)));
    await learn();
    await ask('drifting', 1, 5, 1);
    const idle = await check({ drift });
    expect(idle).toMatchObject({
      outcome: 'nothingNew',
      run: null,
      why: 'The source holds no row that version 1 has not seen: there is nothing new to learn from.',
    });
    // A few rows of the new kind beside many of the old: the data of the new champion go on to differ from what it is asked.
    write([...rows(days(1, 20)), ...rows(days(21, 22), 5)]);
    expect(await check({ drift })).toMatchObject({ outcome: 'started', finding: { champion: 1 } });
    await ask('drifting', 2, 5, 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const over = await check({ drift });
    expect(over).toMatchObject({ outcome: 'none', finding: { champion: 2, due: false, rows: 200 } });
    expect(over.finding.summary).toMatch(
      /The reference is the predictions of version 1 from .* because of which version 2 was made; from its training data differ: x\.$/,
    );
    await ask('drifting', 2, 9, 0.001);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const again = await check({ drift });
    expect(again.finding).toMatchObject({ due: true, champion: 2 });
    expect(again.outcome).toBe('nothingNew');
  });

  it('of whole rows starts a run where no column shows anything; after it, it is over', async () => {
    const { write, learn, check } = scene('agreeing');
    const random = new Prng('agreeing');
    const pair = (agreement: number): [number, number] => {
      const x = random.normal();
      return [x, agreement * x + Math.sqrt(1 - agreement ** 2) * random.normal()];
    };
    const lines = (count: number, agreement: number): string[] =>
      Array.from({ length: count }, (_, at) => `${pair(agreement).join(',')},${at % 2 === 0 ? 'a' : 'b'}`);
    const before = lines(1_500, 0);
    write(before, 'x,y,label');
    await learn();
    const log = async (version: number, minutes: number): Promise<void> => {
      const at = new Date(Date.now() - minutes * 60_000).toISOString();
      const predictions = Array.from({ length: 800 }, (_, index) => {
        const [x, y] = pair(0.9);
        return JSON.stringify({ time: at, id: `${version}-${index}`, version, row: { x, y }, prediction: { label: 'a' } });
      });
      const key = `predictions/agreeing/${at.slice(0, 10)}/${at.slice(11, 13)}-${version}-${minutes}.ndjson`;
      await stage.deps.store.put(key, Buffer.from(`${predictions.join('\n')}\n`));
    };
    await log(1, 1);
    const { tests: _, ...columns } = drift;
    expect(await check({ drift: { ...columns, correction: 'benjaminiHochberg' } })).toMatchObject({
      outcome: 'none',
      finding: { due: false },
    });
    const joint: DriftTrigger = {
      ...columns,
      correction: 'benjaminiHochberg',
      everyMs: 3_600_000,
      joint: ['mmd', { classifier: { threshold: 0.6 } }],
    };
    write([...before, ...lines(200, 0.9)], 'x,y,label');
    const found = await check({ drift: joint });
    expect(found).toMatchObject({ outcome: 'started', finding: { due: true, champion: 1 } });
    expect(found.finding.summary).toContain('Drift of whole rows by mmd and classifier.');
    expect(found.finding.details).toMatch(/\| whole rows: classifier \| \| \*\*drift\*\* \| ROC AUC/);
    // The reference is what was asked before the retraining, which these are rows of as well.
    await log(2, 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const over = await check({ drift: joint });
    expect(over).toMatchObject({ outcome: 'none', finding: { champion: 2, due: false } });
    expect(over.finding.summary).toMatch(/from its training data differ: whole rows \(mmd\), whole rows \(classifier\)\.$/);
  });
});
