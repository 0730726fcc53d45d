import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { PipelineInput, RunView, Trigger } from '../../../src/core/run.ts';
import type { CliIo } from '../../../src/cli/commands/command.ts';
import { reportRun } from '../../../src/cli/run-report.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { pipelineInput } from '../../../src/runs/pipeline-input.ts';
import { compareRuns } from '../../../src/runs/reproduction.ts';
import { describeRun, reportOf, startRun } from '../../../src/runs/runs.ts';
import { withStandingNow } from '../../../src/runs/standing-now.ts';
import { startAttributes } from '../../../src/runs/search-attributes.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { setStage } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';

const folder = tempDir('deed');
const storeFolder = tempDir('store');
const file = join(folder, 'race.json');
let stage: Stage;
let registry: Registry;

/** Evaluates, waits for a file, and only then registers and deploys. */
const DOCUMENT = {
  apiVersion: 'perennial/v1',
  name: 'race',
  parameters: { epochs: { type: 'integer', default: 1 }, until: { type: 'string', default: 'now' } },
  steps: [
    { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
    { uses: 'preprocess' },
    {
      uses: 'train',
      with: {
        model: { architecture: 'mlp', units: [8] },
        epochs: '${parameters.epochs}',
        learningRate: 0.003,
        // The runs differ in how far they learn.
        earlyStopping: 'off',
        checkpoint: { everyEpochs: 100 },
      },
    },
    { uses: 'evaluate', with: { metrics: ['logLoss', 'accuracy'], gates: [{ metric: 'logLoss', betterThanChampionBy: 0.0001 }] } },
    {
      id: 'hold',
      uses: 'command',
      cache: false,
      with: {
        command: [
          'sh',
          '-c',
          `while [ ! -f "${folder}/$UNTIL" ]; do sleep 0.1; done; python3 -c 'import json,sys,pathlib; pathlib.Path(json.load(sys.stdin)["values"]).write_text("{\\"ok\\":true}")'`,
        ],
        env: { UNTIL: '${parameters.until}' },
        takes: { e: 'evaluation' },
        gives: { o: 'data' },
      },
    },
    { uses: 'register', if: { step: 'hold', value: 'ok', equals: true } },
    { uses: 'deploy' },
  ],
};

function writeRows(seed: string): void {
  const prng = new Prng(seed);
  const lines = Array.from(
    { length: 400 },
    (_, row) => `${(prng.normal() + (row % 2) * 2).toFixed(4)},${prng.normal().toFixed(4)},${row % 2 === 0 ? 'no' : 'yes'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), `x,y,kind\n${lines.join('\n')}\n`);
}

beforeAll(async () => {
  process.env.PERENNIAL_HOME = tempDir('home');
  // Runs that are held have a slot each.
  process.env.PERENNIAL_HEAVY_SLOTS = '6';
  stage = await setStage(steps, new FileStore(storeFolder));
  await stage.startWorker();
  registry = createRegistry(stage.deps.store, stage.deps.artifacts);
  writeRows('rows');
  writeFileSync(file, JSON.stringify(DOCUMENT));
  release('now');
});

const release = (name: string): void => writeFileSync(join(folder, name), '');

interface Asked {
  readonly epochs: number;
  readonly until?: string;
  readonly at: string;
  readonly trigger?: Trigger;
  readonly document?: string;
}

async function start({ epochs, until = 'now', at, trigger = 'manual', document = file }: Asked): Promise<string> {
  const plan = await compileOrThrow(document, { params: { epochs: String(epochs), until } });
  return (
    await startRun(stage.temporal, plan, steps, {
      trigger,
      overlap: 'allow',
      nominalTime: `2026-03-${at}T00:00:00.000Z`,
      ...(trigger === 'reproduce' ? { readCache: false } : {}),
    })
  ).workflowId;
}

const end = (workflowId: string): Promise<RunView> => waitRun(stage.temporal, workflowId);
const run = async (asked: Asked): Promise<RunView> => end(await start(asked));
const aliases = async (): Promise<unknown> => (await registry.routing('race'))!.routing.aliases;
/** What the command line prints of a run at its end. */
function said(view: RunView): string {
  const lines: string[] = [];
  reportRun(reportOf(stage.temporal, view), {
    print: (line: string) => lines.push(line),
    note: () => undefined,
    result: () => undefined,
    exit: () => undefined,
  } as unknown as CliIo);
  return lines.join('\n');
}
const deployed = (view: RunView) => view.steps.at(-1)!.values!;

async function judged(workflowId: string): Promise<void> {
  for (const deadline = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const view = await describeRun(stage.temporal, workflowId);
    if (view.steps.find(({ id }) => id === 'hold')!.status === 'running') return;
    expect(view.status, view.headline).toBe('running');
    if (Date.now() > deadline) throw new Error('never judged');
  }
}

describe('a verdict is about the state that is changed', () => {
  let first: RunView;

  it('is overtaken by a better and newer one: superseded at once, and no failure', async () => {
    first = await run({ epochs: 1, at: '01' });
    expect(first).toMatchObject({ status: 'completed', headline: expect.stringContaining('race version 1 is live') });
    const slow = await start({ epochs: 2, until: 'slow', at: '02' });
    await judged(slow);
    const quick = await run({ epochs: 4, at: '03' });
    expect(quick).toMatchObject({ status: 'completed', version: 2, previous: 1 });
    release('slow');
    const late = await end(slow);
    expect(late).toMatchObject({
      status: 'completed',
      version: 3,
      headline: expect.stringContaining(`race version 3 is registered, not live (superseded by version 2 (run ${quick.runId}))`),
    });
    expect(deployed(late)).toMatchObject({ promoted: false, superseded: 2 });
    // The same words at the end of the command, and in its JSON document.
    expect(said(late)).toContain(`Model: race version 3 is registered, not live (superseded by version 2 (run ${quick.runId}))`);
    expect(late).toMatchObject({ live: false, standing: expect.stringContaining('not live') });
    expect(said(quick)).toContain('Model: race version 2 is live in place of version 1');
    // Looked at later, a run says what is so then.
    const now = await withStandingNow(reportOf(stage.temporal, first), stage.deps.store);
    expect(said(now)).toContain('Model: race version 1 is not live any more (it was at the end of the run; the champion is version 2 now)');
    expect(now).toMatchObject({ live: false });
    expect(await aliases()).toEqual({ challenger: 2, champion: 2 });
  });

  it('is judged again where the champion is another one by now: rejected with the reason, or promoted where it holds', async () => {
    const [good, worse, best] = [
      await start({ epochs: 16, until: 'good', at: '04' }),
      await start({ epochs: 8, until: 'worse', at: '05' }),
      await start({ epochs: 24, until: 'best', at: '06' }),
    ];
    await Promise.all([good, worse, best].map(judged));
    release('good');
    const winner = await end(good);
    expect(winner).toMatchObject({ status: 'completed', version: 4, previous: 2 });
    release('worse');
    const loser = await end(worse);
    expect(loser).toMatchObject({ status: 'rejected', verdict: 'rejected', version: 5 });
    expect(loser.steps.at(-1)!.verdict!.reasons).toEqual([
      `"race" version 5 was judged against version 2, and now it is version 4 (run ${winner.runId}).`,
      expect.stringMatching(/^logLoss \S+ is not better than \S+ of the champion \(race version 4\) on the same rows/),
    ]);
    expect(((await aliases()) as { champion: number }).champion).toBe(4);
    release('best');
    const last = await end(best);
    expect(last).toMatchObject({ status: 'completed', version: 6, previous: 4 });
    expect(last.steps.at(-1)!.details).toContain('judged again: logLoss');
  });

  it('by every evaluation of the run, and in a copied document by the champion of its own name', async () => {
    const steps = DOCUMENT.steps.flatMap((step): object[] => {
      if (step.uses === 'evaluate') return [{ ...step, id: 'guard' }];
      if (step.uses === 'command')
        return [
          { ...step, inputs: { e: 'guard' } },
          { id: 'report', uses: 'evaluate', with: { metrics: ['accuracy'] } },
        ];
      return [step.uses === 'register' ? { ...step, inputs: { evaluation: 'report' } } : step];
    });
    for (const name of ['twin', 'copy']) writeFileSync(join(folder, `${name}.json`), JSON.stringify({ ...DOCUMENT, name, steps }));
    const [twin, copy] = [join(folder, 'twin.json'), join(folder, 'copy.json')];
    for (const epochs of [1, 8]) await run({ epochs, at: '01', document: twin });
    expect(await run({ epochs: 1, at: '01', document: copy })).toMatchObject({ version: 1, previous: null });
    // Its model was judged before, in the document that this one is a copy of.
    const worse = await start({ epochs: 8, until: 'copied', at: '03', document: copy });
    await judged(worse);
    expect(await run({ epochs: 16, at: '02', document: copy })).toMatchObject({ version: 2, previous: 1 });
    release('copied');
    const loser = await end(worse);
    expect(loser.steps.find(({ id }) => id === 'guard')!.verdict!.reasons[0]).toContain('of the champion (copy version 1)');
    expect(loser).toMatchObject({ status: 'rejected', version: 3 });
    expect(loser.steps.at(-1)!.verdict!.reasons[0]).toContain('"copy" version 3 was judged against version 1, and now it is version 2');
    expect((await registry.routing('copy'))!.routing.aliases['champion']).toBe(2);
  });

  it('an old document whose every step is cached promotes nothing backwards', async () => {
    const before = await aliases();
    const again = await run({ epochs: 1, at: '09' });
    expect(again.steps.filter(({ cached }) => cached).length).toBeGreaterThan(1);
    expect(again.headline).not.toContain('is live');
    expect(await aliases()).toEqual(before);
  });

  it('runs of the past register at most', async () => {
    const before = await aliases();
    // Without gates: even what nothing stops.
    writeFileSync(
      file,
      JSON.stringify({ ...DOCUMENT, steps: DOCUMENT.steps.map((step) => (step.uses === 'evaluate' ? { uses: 'evaluate' } : step)) }),
    );
    const backfilled = await run({ epochs: 28, at: '10', trigger: 'backfill' });
    writeFileSync(file, JSON.stringify(DOCUMENT));
    expect(backfilled).toMatchObject({
      status: 'completed',
      version: 7,
      headline: expect.stringContaining('not live (a backfill moves no alias)'),
    });
    expect(await aliases()).toEqual(before);
  });

  it('a reproduction of other data says that they are others, and which weights differ', async () => {
    writeRows('other rows');
    const again = await run({ epochs: 1, at: '01', trigger: 'reproduce' });
    writeRows('rows');
    const reproduction = await compareRuns(stage.deps.artifacts, first, again);
    expect(reproduction).toMatchObject({
      same: false,
      why: expect.arrayContaining([expect.stringContaining('the source of "ingest" is another than then')]),
    });
    expect(reproduction.models[0]!.weights.some(({ differing }) => differing > 0)).toBe(true);
  });

  it('`runs reproduce` ends with what is the same, metric by metric and weight by weight; with --promote it is a rollback that pins', async () => {
    const cli = new Perennial({ PERENNIAL_STORE: `file:${storeFolder}`, TEMPORAL_ADDRESS: stage.server.address });
    const best = (await registry.version('race', 'champion')).runId;
    const same = await cli.run(['runs', 'reproduce', `race/${best}`, '--json', '--promote']);
    expect(same.json().reproduction, same.stderr).toMatchObject({
      of: `race/${best}`,
      same: true,
      why: [],
      models: [{ step: 'train', same: true }],
      metrics: [
        { name: 'logLoss', same: true },
        { name: 'accuracy', same: true },
      ],
    });
    expect(same.code).toBe(0);
    const { routing } = (await registry.routing('race'))!;
    expect(routing.pin).toMatchObject({ version: 6, why: `Reproduction of run race/${best}.` });
    expect(routing.transition).toMatchObject({ action: 'rollback', automatic: false });
    await registry.unpin('race', { who: 'test', why: 'test' });
  });
});

it('a tick that comes twice is two executions, each with a name, and each tells what is so', async () => {
  const plan = { ...(await compileOrThrow(file, { params: { epochs: '1' } })), pipeline: 'twice' };
  const input: PipelineInput = pipelineInput(plan, steps, { trigger: 'schedule', nominalTime: '2026-04-01T00:00:00.000Z' });
  const tick = 'twice/scheduled-2026-04-01T00:00:00Z';
  const execute = async (): Promise<RunView> => {
    const handle = await stage.temporal.client.workflow.start('pipeline', {
      workflowId: tick,
      taskQueue: stage.temporal.settings.taskQueue,
      args: [input],
      typedSearchAttributes: startAttributes({ kind: 'run', pipeline: 'twice', trigger: 'schedule' }),
    });
    return waitRun(stage.temporal, { workflowId: tick, executionId: handle.firstExecutionRunId });
  };
  const one = await execute();
  expect(one).toMatchObject({ status: 'completed', headline: expect.stringContaining('is live') });
  // Others have been busy since.
  const made = await stage.deps.artifacts.open(one.steps.find(({ id }) => id === 'train')!.outputs!['model']!);
  const files = Object.fromEntries(
    await Promise.all(Object.keys(made.manifest.files).map(async (name): Promise<[string, Uint8Array]> => [name, await made.bytes(name)])),
  );
  const other = await stage.deps.artifacts.write({ kind: 'model', summary: 'by hand', files, meta: made.manifest.meta });
  const { version } = await registry.register({ model: 'twice', modelRef: other, pipeline: 'twice', runId: 'by-hand', stepId: 'register' });
  await registry.promote('twice', version, { who: 'ada', why: 'better' });
  const two = await execute();
  expect(two.runId).not.toBe(one.runId);
  expect(two.headline).not.toContain('is live');
  expect((await registry.routing('twice'))!.routing.aliases['champion']).toBe(version);
  const cli = new Perennial({ PERENNIAL_STORE: `file:${storeFolder}`, TEMPORAL_ADDRESS: stage.server.address });
  const rows = await until(async () => {
    const { runs } = (await cli.here(['runs', 'list', '--pipeline', 'twice', '--json'])).json<{ runs: { run: string }[] }>();
    return runs.length === 2 ? runs : undefined;
  });
  expect(rows.map(({ run: name }) => name).sort()).toEqual([`twice/${one.runId}`, `twice/${two.runId}`].sort());
  for (const view of [one, two])
    expect((await cli.here(['runs', 'show', `twice/${view.runId}`, '--json'])).json()).toMatchObject({ executionId: view.executionId });
  expect(await cli.here(['runs', 'show', tick])).toMatchObject({ code: 2, stderr: expect.stringContaining('fits more than one run') });
});
