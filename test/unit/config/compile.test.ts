import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { compileDocument, compileOrThrow, compileText } from '../../../src/config/plan-document.ts';
import { durationMs } from '../../../src/core/duration.ts';
import { writeStarter } from '../../../src/config/starter.ts';
import { describe as describeDefinition, kinds, namesOf, schemaOf } from '../../../src/config/schema-docs.ts';
import { planTree } from '../../../src/cli/plan-text.ts';

const ingest = { uses: 'ingest', with: { source: { format: 'csv', path: 'p.csv' }, label: 'y' } };
const preprocess = { uses: 'preprocess', with: { features: { a: ['standardize'] } } };
const train = { uses: 'train', with: { model: { architecture: 'mlp' } } };

function compile(steps: readonly JsonObject[], rest: JsonObject = {}) {
  return compileText('/somewhere/d.json', JSON.stringify({ apiVersion: 'perennial/v1', name: 'd', steps, ...rest }));
}

function planOf(steps: readonly JsonObject[], rest: JsonObject = {}) {
  const { plan, diagnostics } = compile(steps, rest);
  expect(diagnostics).toEqual([]);
  return plan!;
}

describe('compiling', () => {
  it('fills in defaults at every depth, and expands bare names that have any', () => {
    const { config } = planOf([ingest, preprocess, { ...train, with: { ...train.with, callbacks: ['earlyStopping'] } }]).steps[2]!;
    expect(config).toMatchObject({
      batchSize: 32,
      optimizer: { adam: { learningRate: 0.001 } },
      callbacks: [{ earlyStopping: { restoreBest: true } }],
    });
  });

  it('leaves no default that the document did not choose', () => {
    const { config } = planOf([ingest, { uses: 'preprocess', with: { features: { a: [{ impute: 'median' }] } } }]).steps[1]!;
    expect(config['features']).toEqual({ a: [{ impute: 'median' }] });
  });

  it('wires steps and states what they give', () => {
    const plan = planOf([ingest, preprocess, train]);
    expect(plan.steps[2]).toMatchObject({
      id: 'train',
      type: 'train',
      version: 1,
      inputs: { examples: { step: 'preprocess', output: 'examples', kind: 'examples' } },
      outputs: { model: 'model' },
      heavy: true,
    });
  });

  it('takes timeouts and retries of the document over those of the type', () => {
    const [step] = planOf([{ ...ingest, timeout: '90s', retry: { maximumAttempts: 7, initialInterval: '2m' } }]).steps;
    expect(step!.startToCloseMs).toBe(90_000);
    // The longest pause is never below the first one.
    expect(step!.retry).toEqual({ maximumAttempts: 7, initialIntervalMs: 120_000, backoffCoefficient: 2, maximumIntervalMs: 120_000 });
  });

  it('takes queue, cache and condition over', () => {
    const [, second] = planOf([
      ingest,
      { ...preprocess, queue: 'gpu', cache: false, if: { step: 'ingest', value: 'rows', atLeast: 10 } },
    ]).steps;
    expect(second).toMatchObject({ queue: 'gpu', cache: false, if: { step: 'ingest', value: 'rows', atLeast: 10 } });
  });

  it('gives ports to programs as their configuration says', () => {
    const plan = planOf([
      ingest,
      { uses: 'command', id: 'clean', with: { command: ['sort'], takes: { table: 'dataset' }, gives: { cleaned: 'dataset' } } },
      preprocess,
    ]);
    expect(plan.steps[1]).toMatchObject({ inputs: { table: { step: 'ingest', output: 'dataset' } }, outputs: { cleaned: 'dataset' } });
    expect(plan.steps[2]!.inputs).toEqual({ dataset: { step: 'clean', output: 'cleaned', kind: 'dataset' } });
  });

  it('turns a path into a script step named after its file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'config-'));
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(dir, 'add-ratio.ts'), 'export default {};');
    await writeFile(
      join(dir, 'd.json'),
      JSON.stringify({
        apiVersion: 'perennial/v1',
        name: 'd',
        steps: [
          ingest,
          { uses: './add-ratio.ts', with: { takes: { dataset: 'dataset' }, gives: { dataset: 'dataset' }, with: { by: 2 } } },
        ],
      }),
    );
    const { plan, diagnostics } = await compileDocument(join(dir, 'd.json'));
    await rm(dir, { recursive: true });
    expect(diagnostics).toEqual([]);
    expect(plan!.steps[1]).toMatchObject({
      id: 'add-ratio',
      type: 'script',
      config: { path: './add-ratio.ts', with: { by: 2 } },
      outputs: { dataset: 'dataset' },
    });
  });

  it('makes triggers complete, in milliseconds', () => {
    const register = { uses: 'register' };
    const evaluate = { uses: 'evaluate' };
    const { on } = planOf([ingest, preprocess, train, evaluate, register], {
      on: { schedule: { cron: '0 3 * * *' }, drift: {}, newData: { rows: 5, every: '7d' } },
    });
    expect(on).toEqual({
      schedule: { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', catchupMs: 3_600_000, pauseOnFailure: false },
      drift: {
        do: { kind: 'retrain' },
        everyMs: 3_600_000,
        windowMs: 86_400_000,
        rowsMin: 200,
        tests: [
          { ks: { threshold: 0.00002 } },
          { ksDistance: { threshold: 0.05 } },
          { chiSquare: { threshold: 0.00002 } },
          { totalVariation: { threshold: 0.05 } },
        ],
        agree: 'all',
        missing: 0.1,
        columns: {},
        columnsMin: 1,
        correction: 'benjaminiHochberg',
        pool: 5,
        windowsMin: 1,
        windowsOf: 1,
        coolDownMs: 3_600_000,
        attempts: 3,
      },
      newData: { rows: 5, do: { kind: 'retrain' }, everyMs: 604_800_000, coolDownMs: 3_600_000, attempts: 3 },
    });
  });

  it('keeps secrets as names', () => {
    const plan = planOf([{ uses: 'command', with: { command: ['true'], env: { TOKEN: { $secret: 'TOKEN' } } } }]);
    expect(plan.steps[0]!.config['env']).toEqual({ TOKEN: { $secret: 'TOKEN' } });
  });

  it('reports mistakes of every kind at once, in the order of the text', () => {
    const { plan, diagnostics } = compile([{ ...ingest, timeout: '0s' }, { uses: 'preprocess', wiht: {} }, { uses: 'deploy' }], {
      on: { schedule: { cron: 'x' } },
    });
    expect(plan).toBeUndefined();
    expect(diagnostics.map(({ pointer }) => pointer)).toEqual(['/steps/0/timeout', '/steps/1/wiht', '/steps/2', '/on/schedule/cron']);
  });

  it('throws all of it where an exception is wanted', async () => {
    await expect(compileOrThrow('/no/such.json')).rejects.toMatchObject({
      code: 'DOCUMENT_UNREADABLE',
      message: '/no/such.json: There is no such file.',
      hint: 'Check the path; it is relative to the current folder.',
    });
  });

  it('does not take what lies on prototypes for keys', () => {
    expect(compile([{ uses: 'constructor' }, { uses: 'toString', with: {} }]).diagnostics).toHaveLength(2);
    expect(compile([{ ...ingest, inputs: { constructor: 'ingest' } }]).diagnostics[0]!.message).toBe(
      'The step "ingest" has no input "constructor".',
    );
  });
});

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s', (text, milliseconds) => {
    expect(durationMs(text)).toBe(milliseconds);
  });
  it('need a unit', () => {
    expect(() => durationMs('30')).toThrow(RangeError);
  });
});

describe('a starter', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'config-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is a valid pipeline with its data, and is not overwritten', async () => {
    const { document, files } = await writeStarter('plants', dir);
    expect(files).toHaveLength(2);
    const { plan, diagnostics } = await compileDocument(document);
    expect(diagnostics).toEqual([]);
    expect(plan!.steps).toHaveLength(7);
    const before = await readFile(document, 'utf8');
    await expect(writeStarter('plants', dir)).rejects.toMatchObject({ code: 'USAGE' });
    expect(await readFile(document, 'utf8')).toBe(before);
  });

  it.each(['../up', 'a b', 'Ünï', '__proto__', '', 'a/b', 'x'.repeat(64)])('is not named %j', async (name) => {
    await expect(writeStarter(name, dir)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  });
});

describe('documentation', () => {
  it('has a page and a complete schema for every definition', () => {
    for (const kind of kinds()) {
      expect(namesOf(kind).length, kind).toBeGreaterThan(0);
      for (const name of namesOf(kind)) {
        expect(describeDefinition(kind, name)).toContain(`${kind} ${name}`);
        const schema = schemaOf(kind, name);
        for (const [, ref] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g))
          expect(schema['definitions']).toHaveProperty([ref!]);
      }
    }
  });

  it('knows the nearest name', () => {
    expect(() => describeDefinition('layer', 'dens')).toThrow('There is no layer "dens".');
    expect(() => schemaOf('leyer')).toThrow('There is no kind "leyer".');
  });
});

describe('the tree of a plan', () => {
  it('shows steps, wiring, configuration and triggers', () => {
    const text = planTree(
      planOf([ingest, { ...preprocess, if: { step: 'ingest', value: 'rows', atLeast: 10 }, queue: 'gpu' }], {
        description: 'What it is for.',
        on: { schedule: { cron: '0 3 * * *' } },
      }),
    );
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'What it is for.',
        '├─ ingest  ingest@1  → dataset',
        '├─ preprocess  preprocess@1  (dataset ← ingest)  → examples',
        '│    · if {"step":"ingest","value":"rows","atLeast":10}',
        '└─ on',
      ]),
    );
    expect(text).toContain('queue "gpu"');
  });
});
