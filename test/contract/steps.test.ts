import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { steps } from '../../activities/steps/index.generated.ts';
import type { StepDefinition } from '../../src/core/step.ts';
import { createArtifactStore } from '../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { runSteps } from '../support/run-steps.ts';
import type { StepRun } from '../support/run-steps.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts } from './support/schemas.ts';

const DOCUMENT = {
  apiVersion: 'perennial/v1',
  name: 'whole',
  steps: [
    {
      uses: 'ingest',
      with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind', split: { train: 0.6, validation: 0.2, test: 0.2 } },
    },
    { uses: 'validate', with: { expect: [{ column: 'x', notNull: true }] } },
    { uses: 'preprocess', with: { features: { x: ['standardize'] } } },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, epochs: 2 } },
    { uses: 'measure', with: { metrics: ['accuracy'] } },
    { uses: 'evaluate', with: { metrics: ['accuracy'] } },
    { uses: 'approve', with: {} },
    { uses: 'register', with: {} },
    { uses: 'score', with: { source: { format: 'csv', path: 'rows.csv' }, keep: ['kind'] } },
    { uses: 'deploy', with: { to: 'directory', path: 'exports', promote: null } },
    { uses: 'fold', with: { folds: 3, fold: 2 }, inputs: { dataset: 'validate' } },
  ],
};

/** What each gave in one run over 60 rows; by type. */
let runs: Record<string, StepRun> = {};
let place: { dir: string; store: MemoryStore; artifacts: ReturnType<typeof createArtifactStore> };

beforeAll(async () => {
  const dir = tempDir('steps');
  const store = new MemoryStore();
  place = { dir, store, artifacts: createArtifactStore(store, join(dir, 'cache')) };
  const rows = Array.from({ length: 60 }, (_, row) => `${(row * 7) % 10},${(row * 7) % 10 > 4 ? 'high' : 'low'}`);
  writeFileSync(join(dir, 'rows.csv'), `x,kind\n${rows.join('\n')}\n`);
  mkdirSync(join(dir, 'exports'));
  runs = await runSteps(place, 'run', DOCUMENT);
});

const laws = {
  'has a closed, described configuration, with examples that fit': (step: StepDefinition) => {
    // What a program or a file gets under "with" is its own affair.
    const own = ['command', 'script'].includes(step.type) ? ['//with is open'] : [];
    expect(looseParts(step.configSchema, '/').filter((part) => !own.includes(part))).toEqual([]);
    expect(step.summary).toMatch(/^[A-Z].*\.$/);
    expect(step.examples.length).toBeGreaterThan(0);
  },
  'gives in a real run what it says, each of its kind': async (step: StepDefinition) => {
    const run = runs[step.type];
    if (run === undefined) return;
    for (const [name, port] of Object.entries(step.outputs)) {
      const ref = run.outputs[name];
      if (ref === undefined) {
        expect((port as { optional?: boolean }).optional, `${name} is missing`).toBe(true);
        continue;
      }
      const artifact = await place.artifacts.open(ref);
      expect([name, artifact.manifest.kind]).toEqual([name, port.kind]);
      expect(artifact.manifest.summary).not.toBe('');
    }
    expect(Object.keys(run.outputs).filter((name) => !Object.hasOwn(step.outputs, name))).toEqual([]);
    expect(JSON.parse(JSON.stringify(run.values ?? {}))).toEqual(run.values ?? {});
  },
  'has a run here, or a reason for none': goldenLaw<StepDefinition>('step', ({ type }) => type, {
    get names() {
      return new Set(Object.keys(runs));
    },
    add: 'Put it into DOCUMENT of test/contract/steps.test.ts.',
    file: 'test/contract/steps.test.ts',
    reasons: {
      command: 'What it gives is what its program says: test/integration/steps/programs.test.ts runs programs of every kind.',
      tune: 'Its trials are runs of the workflow: test/integration/temporal/study.test.ts has it run them.',
      script: 'What it gives is what the file says: test/integration/steps/programs.test.ts runs files of every kind.',
    },
  }),
};

const train = steps.find(({ type }) => type === 'train')!;

describeLaws<StepDefinition>({
  kind: 'step',
  definitions: steps,
  nameOf: ({ type }) => type,
  laws,
  mutants: {
    'has a closed, described configuration, with examples that fit': [
      { ...train, configSchema: { type: 'object', properties: { a: {} } } },
      { ...train, examples: [] },
    ],
    'gives in a real run what it says, each of its kind': [
      { ...train, outputs: { model: { kind: 'dataset' } } },
      { ...train, outputs: { ...train.outputs, more: { kind: 'report' } } },
      { ...train, outputs: {} },
    ],
    'has a run here, or a reason for none': [{ ...train, type: 'new' }],
  },
});
