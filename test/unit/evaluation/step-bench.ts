import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ingestStep from '../../../activities/steps/ingest.step.ts';
import preprocessStep from '../../../activities/steps/preprocess.step.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { ArtifactStore } from '../../../src/core/ports.ts';
import type { StepContext, StepDefinition } from '../../../src/core/step.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

export interface Prepared {
  readonly dataset: ArtifactRef;
  readonly examples: ArtifactRef;
}

export interface StepBench {
  /** The folder of the document. */
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** Runs the real ingest and preprocess steps. */
  run(ingest: JsonObject, preprocess: JsonObject): Promise<Prepared>;
  /** Writes a CSV file, and runs the real ingest and preprocess steps on it. */
  prepare(name: string, csv: string, ingest: JsonObject, preprocess: JsonObject): Promise<Prepared>;
}

/** A folder, removed when the test file ends, and a store in memory. */
export function createStepBench(): StepBench {
  const folder = tempDir('evaluation');
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, join(folder, 'cache'));

  async function runStep(
    step: StepDefinition,
    config: JsonObject,
    inputs: Record<string, ArtifactRef>,
  ): Promise<Record<string, ArtifactRef>> {
    const log = { info() {}, warn() {}, error() {} };
    const ctx: StepContext = {
      runId: 'r',
      pipeline: 'p',
      stepId: step.type,
      attempt: 1,
      nominalTime: '2024-01-01T00:00:00.000Z',
      documentDir: folder,
      workDir: tempDir('work'),
      store,
      artifacts,
      log,
      signal: new AbortController().signal,
      progress() {},
      secret: () => '',
      planRevision: 'r',
      trigger: 'manual',
    };
    return (await step.run(ctx, config, inputs)).outputs;
  }

  async function run(ingest: JsonObject, preprocess: JsonObject): Promise<Prepared> {
    const { dataset } = await runStep(ingestStep, ingest, {});
    const { examples } = await runStep(preprocessStep, preprocess, { dataset: dataset! });
    return { dataset: dataset!, examples: examples! };
  }

  return {
    folder,
    artifacts,
    run,
    async prepare(name, csv, ingest, preprocess) {
      writeFileSync(join(folder, name), csv);
      return run({ source: { format: 'csv', path: name }, ...ingest }, preprocess);
    },
  };
}
