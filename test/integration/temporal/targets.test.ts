import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { TargetsView } from '../../../src/core/targets.ts';
import { targetsWorkflowId } from '../../../src/core/targets.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { updateModel } from '../../../src/runs/models.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { followAndWait, startFollowing } from '../../../src/runs/targets.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { statesOf } from '../../../src/targets/records.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { fixtureOver, registerConstant } from '../serving/models.ts';
import type { Fixture } from '../serving/models.ts';
import { planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

/** Hands a registered version to the deploy step, as the register step does. */
const given = testStep({
  type: 'given',
  cacheable: false,
  outputs: { version: { kind: 'version' } },
  configSchema: { type: 'object' },
  async run(ctx, config) {
    const { model, version } = config as { model: string; version: number };
    const registry = createRegistry(ctx.store, ctx.artifacts);
    const { model: artifact } = await registry.version(model, version);
    const meta = { model, version, artifact: artifact.digest, evaluation: null };
    return { outputs: { version: await ctx.artifacts.write({ kind: 'version', summary: `v${version}`, files: {}, meta }) } };
  },
});

let stage: Stage;
let fixture: Fixture;
let registry: Registry;
beforeAll(async () => {
  stage = await setStage([...steps, given]);
  await stage.startWorker();
  fixture = fixtureOver(stage.deps.store, tempDir('blobs'));
  registry = fixture.registry;
});

const author = { who: 'ada', why: 'test' };
const numbersOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d+$/.test(name))
        .sort()
    : [];

async function deploy(model: string, version: number, targets: JsonObject['targets'], config: JsonObject = {}) {
  const plan = testPlan(`${model}-flow`, [
    planStep('given', 'given', { outputs: { version: 'version' }, config: { model, version } }),
    planStep('deploy', 'deploy', {
      config: { targets: targets!, confirmSeconds: 120, ...config },
      inputs: { version: { step: 'given', output: 'version', kind: 'version' } },
      outputs: { deployment: 'deployment' },
      retry: { maximumAttempts: 1, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
    }),
  ]);
  const { temporal } = stage;
  const { workflowId } = await startRun(temporal, plan, [...steps, given], { trigger: 'manual' });
  return waitRun(temporal, workflowId);
}

describe('a deploy step with targets', () => {
  it('lays the version down, waits for it, and a rollback by hand changes what is served', async () => {
    const base = tempDir('live');
    const target = { 'tensorflow-serving': { path: base, keep: 3 } };
    for (const label of [0, 1, 2]) await registerConstant(fixture, 'numbers', label);
    for (const version of [1, 2, 3]) {
      const view = await deploy('numbers', version, [target]);
      expect(view.status).toBe('completed');
      expect(view.steps.find(({ id }) => id === 'deploy')!.values).toMatchObject({
        promoted: true,
        targets: [{ target: 'tensorflow-serving', place: base, version }],
      });
      expect(numbersOf(join(base, 'numbers')).at(-1)).toBe(String(version));
    }
    expect(numbersOf(join(base, 'numbers'))).toEqual(['1', '2', '3']);
    const answer = await updateModel(stage.temporal, 'numbers', 'rollback', author);
    expect(answer).toMatchObject({ from: 3, to: 2, summary: expect.stringContaining('Its targets follow.') });
    await until(() => numbersOf(join(base, 'numbers')).join() === '1,2');
    expect(JSON.parse(readFileSync(join(base, 'numbers/champion.json'), 'utf8'))).toMatchObject({ model: 'numbers', version: 2 });
    await updateModel(stage.temporal, 'numbers', 'unpin', author);
    // Versions that were taken away come back.
    await updateModel(stage.temporal, 'numbers', 'promote', { ...author, version: 3 });
    await until(() => numbersOf(join(base, 'numbers')).join() === '1,2,3');
  });

  it('fails before anything is promoted where a place cannot be written to, or is somebody else’s', async () => {
    const base = tempDir('live');
    writeFileSync(join(base, 'file'), '');
    mkdirSync(join(base, 'taken/careful/1'), { recursive: true });
    await registerConstant(fixture, 'careful', 0);
    for (const [path, code] of [
      ['file/below', 'TARGET_UNAVAILABLE'],
      ['taken', 'TARGET_TAKEN'],
    ] as const) {
      const view = await deploy('careful', 1, [{ 'tensorflow-serving': { path: join(base, path), keep: 3 } }]);
      expect(view.status).toBe('failed');
      expect(JSON.stringify(view)).toContain(code);
    }
    expect((await registry.routing('careful'))?.routing.aliases['champion']).toBeUndefined();
  });

  it('is rejected by a target that says no, and promotes nothing', async () => {
    await registerConstant(fixture, 'lossy', 0);
    const view = await deploy('lossy', 1, [{ edge: { path: tempDir('edge'), keep: 3, quantize: 'uint8', maxLoss: 0.01 } }]);
    expect(view).toMatchObject({ status: 'rejected' });
    expect(JSON.stringify(view)).toContain('what packing costs cannot be measured: its examples are not in the store any more');
    expect((await registry.routing('lossy'))?.routing.aliases['champion']).toBeUndefined();
  });
});

describe('targets that are behind', () => {
  it('catch up by themselves, as soon as their place is there', async () => {
    const base = join(tempDir('live'), 'mount');
    writeFileSync(base, 'not mounted');
    await registerConstant(fixture, 'late', 0);
    const targets = [{ name: 'tensorflow-serving', config: { path: base, keep: 2 } }];
    await registry.promote('late', 1, { ...author, targets });
    const { client, settings } = stage.temporal;
    await startFollowing(client, settings.taskQueue, 'late');
    const handle = client.workflow.getHandle(targetsWorkflowId('late'));
    await until(async () => (await handle.query<TargetsView | null>('status'))?.targets[0]?.inStep === false);
    const [state] = await statesOf(stage.deps.store, 'late');
    expect(state).toMatchObject({ version: null, inStep: false, why: expect.stringContaining('cannot be') });
    rmSync(base);
    expect(await handle.result()).toMatchObject({ champion: 1, targets: [{ version: 1, inStep: true }] });
    expect(numbersOf(join(base, 'late'))).toEqual(['1']);
  });

  it('follow also where whoever promoted was killed before it could ask: a worker that starts looks', async () => {
    const base = tempDir('live');
    await registerConstant(fixture, 'orphan', 0);
    await registry.promote('orphan', 1, { ...author, targets: [{ name: 'tensorflow-serving', config: { path: base, keep: 2 } }] });
    await stage.startWorker();
    await until(() => numbersOf(join(base, 'orphan')).join() === '1');
  });

  it('follow the newest of changes that come at once, one after the other', async () => {
    const base = tempDir('live');
    for (const label of [0, 1, 2]) await registerConstant(fixture, 'busy', label);
    const targets = [{ name: 'tensorflow-serving', config: { path: base, keep: 5 } }];
    await registry.promote('busy', 1, { ...author, targets });
    const asked: Promise<unknown>[] = [];
    for (const version of [2, 3, 1, 3, 2]) {
      await registry.promote('busy', version, author);
      asked.push(startFollowing(stage.temporal.client, stage.temporal.settings.taskQueue, 'busy'));
    }
    await Promise.all(asked);
    const view = await followAndWait(stage.temporal, 'busy', 30_000);
    expect(view).toMatchObject({ champion: 2, targets: [{ version: 2, inStep: true }] });
    expect(numbersOf(join(base, 'busy')).at(-1)).toBe('2');
    expect(readdirSync(dirname(join(base, 'busy', 'x'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('say so where the version that is to serve cannot go there, and are not tried for ever', async () => {
    const base = tempDir('live');
    mkdirSync(join(base, 'barred/1'), { recursive: true });
    await registerConstant(fixture, 'barred', 0);
    await registry.promote('barred', 1, { ...author, targets: [{ name: 'tensorflow-serving', config: { path: base, keep: 2 } }] });
    const view = await followAndWait(stage.temporal, 'barred', 30_000);
    expect(view.targets).toEqual([
      expect.objectContaining({ inStep: false, refused: true, why: expect.stringContaining('did not put there') }),
    ]);
  });
});
