import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { ArtifactStore, OpenArtifact } from '../../../src/core/ports.ts';
import type { StepContext } from '../../../src/core/step.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { Split } from '../../../src/data/stored/dataset.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

export interface Bench {
  readonly dir: string;
  readonly artifacts: ArtifactStore;
  readonly warnings: string[];
  context(stepId?: string, nominalTime?: string): StepContext;
  open(ref: ArtifactRef | undefined): Promise<OpenArtifact>;
  /** All rows of a dataset. */
  rows(dataset: ArtifactRef | undefined): Promise<Record<Split, Row[]>>;
  /** Writes a file into the document's folder and gives its relative path. */
  file(name: string, content: string | Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** A document folder, a work folder and a store in memory, with PERENNIAL_HOME beside them. */
export async function createBench(): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'perennial-data-'));
  const home = process.env.PERENNIAL_HOME;
  process.env.PERENNIAL_HOME = join(dir, 'home');
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, join(dir, 'cache'));
  const warnings: string[] = [];
  const log = { info() {}, warn: (message: string) => warnings.push(message), error() {} };
  const open = async (ref: ArtifactRef | undefined): Promise<OpenArtifact> => {
    if (ref === undefined) throw new Error('no artifact');
    return artifacts.open(ref);
  };
  return {
    dir,
    artifacts,
    warnings,
    open,
    context(stepId = 'step', nominalTime = '2026-01-01T00:00:00.000Z') {
      return {
        runId: 'run',
        pipeline: 'test',
        stepId,
        attempt: 1,
        nominalTime,
        documentDir: dir,
        workDir: dir,
        store,
        artifacts,
        log,
        signal: new AbortController().signal,
        progress() {},
        planRevision: 'r',
        trigger: 'manual',
        secret(name: string): string {
          throw new Error(`no secret ${name}`);
        },
      };
    },
    async rows(dataset) {
      const rows: Record<Split, Row[]> = { train: [], validation: [], test: [] };
      const opened = await open(dataset);
      for (const name of SPLITS) for await (const batch of readRows(opened, name)) rows[name].push(...batch);
      return rows;
    },
    async file(name, content) {
      await writeFile(join(dir, name), content);
      return name;
    },
    async close() {
      if (home === undefined) delete process.env.PERENNIAL_HOME;
      else process.env.PERENNIAL_HOME = home;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The code of the error that a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('expected a failure');
}
