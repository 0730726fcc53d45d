import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import deploy from '../../../activities/steps/deploy.step.ts';
import register from '../../../activities/steps/register.step.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { StepContext, StepResult } from '../../../src/core/step.ts';
import { versionText } from '../../../src/cli/models/views.ts';
import type { VersionManifest } from '../../../src/registry/types.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, scratch, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import type { OutputSpec } from '../../../src/core/tensor.ts';

const FACTS = { pipeline: 'birds', before: [], after: [] };
let bench: Workbench;
let home: string;

beforeEach(() => {
  bench = workbench(new MemoryStore());
  home = scratch();
});

function context(runId = 'run1', stepId = 'step'): StepContext {
  const quiet = { info() {}, warn() {}, error() {} };
  return {
    runId,
    stepId,
    pipeline: 'birds',
    attempt: 1,
    nominalTime: '2026-01-01T00:00:00.000Z',
    documentDir: home,
    workDir: home,
    store: bench.store,
    artifacts: bench.artifacts,
    log: quiet,
    signal: new AbortController().signal,
    progress() {},
    secret: () => '',
    trigger: 'manual',
    planRevision: 'abc',
  };
}

const OUTPUT = { kind: 'classes', name: 'species', classes: ['a', 'b'] } as const;

function makeModel(text: string): Promise<ArtifactRef> {
  const preprocessor = {
    formatVersion: 1,
    seed: 1,
    output: OUTPUT,
    columns: [
      { name: 'mass', type: 'number', required: true, spec: { name: 'features', shape: [1], dtype: 'float32' }, transforms: [] },
      { name: 'island', type: 'string', required: false, spec: { name: 'features', shape: [1], dtype: 'float32' }, transforms: [] },
    ],
  };
  const files = { 'weights.bin': Buffer.from(text), 'preprocessor.json': Buffer.from(JSON.stringify(preprocessor)) };
  return bench.artifacts.write({
    kind: 'model',
    summary: text,
    files,
    meta: modelFacts({ output: OUTPUT as OutputSpec, dataset: 'd'.repeat(64) }) as unknown as JsonObject,
  });
}

function makeEvaluation(model: ArtifactRef, passed = true): Promise<ArtifactRef> {
  const verdict = { passed, reasons: [passed ? 'accuracy 0.9 is at least 0.5' : 'accuracy 0.9 is below 0.95'] };
  return bench.artifacts.write({
    kind: 'evaluation',
    summary: 'e',
    files: {},
    meta: { model: model.digest, dataset: 'd'.repeat(64), metrics: { accuracy: 0.9 }, verdict },
  });
}

async function registered(text: string, runId = 'run1'): Promise<StepResult> {
  const model = await makeModel(text);
  return register.run(context(runId, 'register'), { alias: 'challenger' }, { model, evaluation: await makeEvaluation(model) });
}

describe('register', () => {
  it('records where the version comes from, what it takes and how good it is', async () => {
    const result = await registered('weights 1');
    expect(result.values).toEqual({
      model: 'birds',
      version: 1,
      created: true,
      alias: 'challenger',
      check: { notChecked: expect.stringContaining('no longer in the store') },
    });
    expect(await bench.registry.version('birds', 'challenger')).toMatchObject({
      name: 'birds',
      version: 1,
      pipeline: 'birds',
      runId: 'run1',
      stepId: 'register',
      planRevision: 'abc',
      dataset: 'd'.repeat(64),
      metrics: { accuracy: 0.9 },
      verdict: { passed: true },
      signature: {
        inputs: [
          { name: 'mass', type: 'double', required: true },
          { name: 'island', type: 'string', required: false },
        ],
        outputs: [{ name: 'species', type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 2] } }],
        windowSize: 1,
      },
    });
    const again = await registered('weights 1', 'run2');
    expect(again.values).toMatchObject({ version: 1, created: false });
    expect(again.outputs).toEqual(result.outputs);
  });

  it('keeps what came of raw rows with the version, and shows it', async () => {
    await registered('weights 1');
    const manifest = await bench.registry.version('birds', '1');
    const lineOf = (check: VersionManifest['check']): string | undefined =>
      versionText({ ...manifest, ...(check === undefined ? {} : { check }) }, undefined, 1)
        .split('\n')
        .find((line) => line.startsWith('registration check'));
    expect(lineOf(undefined)).toContain('not checked: the dataset of its training is no longer in the store');
    expect(lineOf({ rows: 54, from: 'source', ways: ['as JSON'], largestDifference: 0.0000123, bound: 1e-4 })).toContain(
      '54 raw test rows of the source, sent as JSON, are answered as in the evaluation; largest difference 0.000012',
    );
    const { check: _check, ...old } = manifest;
    expect(versionText(old, undefined, 1)).toContain('not checked: the version is older than the check');
  });

  it('refuses a failed evaluation, and one of another model', async () => {
    const model = await makeModel('weights 1');
    const failed = await makeEvaluation(model, false);
    await expect(register.run(context(), {}, { model, evaluation: failed })).rejects.toMatchObject({
      code: 'GATE_REJECTED',
      message: expect.stringContaining('below 0.95'),
    });
    const other = await makeEvaluation(await makeModel('weights 2'));
    await expect(register.run(context(), {}, { model, evaluation: other })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await bench.registry.models()).toEqual([]);
  });

  it('finds what a schema cannot say', () => {
    expect(register.check!({ alias: 'champion' }, FACTS)).toHaveLength(1);
    expect(register.check!({ alias: 'v3' }, FACTS)).toHaveLength(1);
    expect(register.check!({ alias: 'challenger' }, FACTS)).toEqual([]);
  });
});

describe('deploy', () => {
  const run = (version: StepResult, config: object, runId = 'run1'): Promise<StepResult> =>
    deploy.run(context(runId, 'deploy'), config, { version: version.outputs.version! });

  it('promotes, once per run however often it is tried', async () => {
    const [first, second] = [await registered('1'), await registered('2')];
    expect((await run(first, {})).values).toEqual({ model: 'birds', version: 1, previous: null, promoted: true, confirmed: 0 });
    const values = { model: 'birds', version: 2, previous: 1, promoted: true, confirmed: 0 };
    expect((await run(second, {}, 'run2')).values).toEqual(values);
    const retried = await run(second, {}, 'run2');
    expect(retried.values).toEqual(values);
    expect(retried.details).toContain('No server is running');
    expect((await bench.registry.routing('birds'))!.routing.aliases).toEqual({ challenger: 2, champion: 2 });
  });

  it('does not promote over a pin: a verdict, not an error', async () => {
    const versions = [await registered('1'), await registered('2'), await registered('3')];
    for (const version of versions.slice(0, 2)) await run(version, {}, `run ${version.values!.version as number}`);
    await bench.registry.rollback('birds', ada);
    const refused = await run(versions[2]!, {}, 'run3');
    expect(refused.verdict).toEqual({ passed: false, reasons: [expect.stringContaining('pinned to version 1 by ada')] });
    expect(refused.outputs.deployment).toBeDefined();
    const skipped = await run(versions[2]!, { onPinned: 'skip' }, 'run3');
    expect(skipped.verdict).toBeUndefined();
    expect(skipped.values).toMatchObject({ promoted: false });
    expect((await bench.registry.routing('birds'))!.routing.aliases.champion).toBe(1);
  });

  it('waits for the servers, and fails where one keeps answering with another version', async () => {
    let served = 1;
    const server = createServer((_request, response) => void response.writeHead(200, { 'x-perennial-version': String(served) }).end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await putJson(bench.store, 'servers/s.json', { id: 's', url, pid: 1, seenAt: new Date().toISOString() });
    try {
      expect((await run(await registered('1'), {})).values).toMatchObject({ confirmed: 1 });
      const second = await registered('2');
      await expect(run(second, { confirmSeconds: 0.2 }, 'run2')).rejects.toMatchObject({
        code: 'SERVER_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining(`${url} (version 1)`),
      });
      served = 2;
      expect((await run(second, {}, 'run2')).values).toMatchObject({ previous: 1, confirmed: 1 });
    } finally {
      server.close();
    }
  });

  it('waits for nothing once another version is champion: superseded, at once, whoever did it', async () => {
    let asked = 0;
    const third = await registered('3');
    // The server never answers with what is promoted; somebody rolls back while it is waited for.
    const server = createServer((_request, response) => {
      asked += 1;
      if (asked === 2) void bench.registry.rollback('birds', { ...ada, to: 1 });
      response.writeHead(200, { 'x-perennial-version': '99' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await bench.registry.promote('birds', 1, ada);
      await putJson(bench.store, 'servers/s.json', { id: 's', url, pid: 1, seenAt: new Date().toISOString() });
      const second = await registered('4', 'run2');
      const result = await run(second, { confirmSeconds: 600 }, 'run2');
      expect(third.values).toMatchObject({ version: 1 });
      expect(result.values).toMatchObject({ version: 2, promoted: false, superseded: 1, why: 'superseded by version 1 (ada)' });
      expect(result.verdict).toBeUndefined();
    } finally {
      server.close();
    }
  });

  it('moves no alias for a run of the past, nor back to what an earlier run made', async () => {
    const first = await registered('1');
    await run(first, {});
    await run(await registered('2', 'run2'), {}, 'run2');
    for (const trigger of ['backfill', 'reproduce']) {
      const model = await makeModel(`again, by ${trigger}`);
      const version = await register.run({ ...context('run3', 'register'), trigger }, {}, { model });
      expect(version.values).toMatchObject({ alias: null });
      expect((await deploy.run({ ...context('run3', 'deploy'), trigger }, {}, { version: version.outputs.version! })).values).toMatchObject(
        { promoted: false, why: expect.stringContaining('moves no alias') },
      );
    }
    const again = await registered('1', 'run4');
    expect(again).toMatchObject({ values: { version: 1, alias: null }, details: expect.stringContaining('stays where it is') });
    expect(await run(again, {}, 'run4')).toMatchObject({
      values: { promoted: false, superseded: 2 },
      details: expect.stringContaining('perennial models rollback birds --to 1'),
    });
    expect((await bench.registry.routing('birds'))!.routing.aliases).toEqual({ challenger: 2, champion: 2 });
  });

  it('what knows of an earlier time does not replace what knows of a later one, whatever their numbers', async () => {
    const at = async (text: string, nominalTime: string): Promise<StepResult> => {
      const version = await register.run({ ...context(text, 'register'), nominalTime }, {}, { model: await makeModel(text) });
      return deploy.run({ ...context(text, 'deploy'), nominalTime }, {}, { version: version.outputs.version! });
    };
    await at('of May', '2026-05-01T00:00:00.000Z');
    expect((await at('of April', '2026-04-01T00:00:00.000Z')).values).toMatchObject({ promoted: false, superseded: 1 });
    expect((await at('of June', '2026-06-01T00:00:00.000Z')).values).toMatchObject({ promoted: true, previous: 1 });
  });

  it('exports to a directory, again without harm', async () => {
    const version = await registered('weights 1');
    const config = { to: 'directory', path: 'out', promote: null };
    const first = await run(version, config);
    expect(first.values).toMatchObject({ promoted: false, directory: join(home, 'out', '1') });
    expect(await readFile(join(home, 'out', '1', 'weights.bin'), 'utf8')).toBe('weights 1');
    expect(await run(version, config)).toEqual(first);
    expect((await bench.registry.routing('birds'))!.routing.aliases.champion).toBeUndefined();
  });

  it.each([
    [{ to: 'directory' }, ''],
    [{ path: 'x' }, '/path'],
    [{ promote: null }, '/promote'],
    [{ promote: 'candidate', confirm: true }, '/confirm'],
    [{ promote: 'v3' }, '/promote'],
    [{ confirm: false, confirmSeconds: 9 }, '/confirmSeconds'],
  ] as const)('finds what is wrong with %j', (config, pointer) => {
    expect(deploy.check!(config, FACTS).map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it('accepts its own examples', () => {
    for (const { config } of deploy.examples) expect(deploy.check!(config, FACTS)).toEqual([]);
  });
});

describe('deploy holds back', () => {
  const deployed = async (text: string, runId: string, config: JsonObject): Promise<StepResult> => {
    const { outputs } = await registered(text, runId);
    return deploy.run(context(runId, 'deploy'), { confirm: false, ...config }, { version: outputs['version']! });
  };
  const championNow = async () => (await bench.registry.routing('birds'))?.routing.aliases['champion'];

  it('in a freeze: registered, not promoted, with the end of it and what a person may do', async () => {
    const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    const freeze = [{ from: day(-1), to: day(2), why: 'inventory' }];
    const result = await deployed('weights 1', 'run1', { freeze });
    expect(result.values).toMatchObject({ promoted: false, why: `frozen until ${day(2)}T00:00:00.000Z: inventory` });
    expect(result.verdict).toBeUndefined();
    expect(result.details).toContain('`perennial models promote birds 1`');
    expect(await championNow()).toBeUndefined();
    expect((await deployed('weights 2', 'run2', { freeze: [{ from: day(1), to: day(2) }] })).values).toMatchObject({ promoted: true });
    // What serves already is no version that waits.
    expect((await deployed('weights 2', 'run3', { freeze })).values).toMatchObject({ live: true });
  });

  it('until it has won often enough in a row, against one champion', async () => {
    const wins = { wins: 3 };
    expect((await deployed('weights 1', 'run1', wins)).values).toMatchObject({ promoted: true, version: 1 });
    expect((await deployed('weights 2', 'run2', wins)).values).toMatchObject({
      promoted: false,
      why: 'won 1 of 3 times in a row against version 1',
    });
    expect((await deployed('weights 2', 'run2', wins)).values).toMatchObject({ why: 'won 1 of 3 times in a row against version 1' });
    expect((await deployed('weights 3', 'run3', wins)).values).toMatchObject({ why: 'won 2 of 3 times in a row against version 1' });
    const lost = {
      formatVersion: 1,
      pipeline: 'birds',
      kind: 'run',
      outcome: 'rejected',
      summary: '',
      workflow: 'birds/x',
      trigger: 'schedule',
      model: 'birds',
      at: new Date(Date.now() + 1).toISOString(),
    };
    await bench.store.put('outcomes/birds/run.json', Buffer.from(JSON.stringify(lost)));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await deployed('weights 4', 'run4', wins)).values).toMatchObject({ why: 'won 1 of 3 times in a row against version 1' });
    expect((await deployed('weights 5', 'run5', wins)).values).toMatchObject({ why: 'won 2 of 3 times in a row against version 1' });
    expect((await deployed('weights 6', 'run6', wins)).values).toMatchObject({ promoted: true, version: 6 });
    expect((await deployed('weights 7', 'run7', wins)).values).toMatchObject({ why: 'won 1 of 3 times in a row against version 6' });
  });
});
