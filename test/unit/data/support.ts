import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { ArtifactStore, OpenArtifact } from '../../../src/core/ports.ts';
import type { StepContext } from '../../../src/core/step.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

export interface Bench {
  readonly dir: string;
  readonly artifacts: ArtifactStore;
  readonly warnings: string[];
  context(stepId?: string, nominalTime?: string): StepContext;
  open(ref: ArtifactRef | undefined): Promise<OpenArtifact>;
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
  return {
    dir, artifacts, warnings,
    context(stepId = 'step', nominalTime = '2026-01-01T00:00:00.000Z') {
      return {
        runId: 'run', pipeline: 'test', stepId, attempt: 1, nominalTime, documentDir: dir, workDir: dir, store, artifacts, log,
        signal: new AbortController().signal, progress() {}, planRevision: 'r', trigger: 'manual',
        secret(name: string): string {
          throw new Error(`no secret ${name}`);
        },
      };
    },
    async open(ref) {
      if (ref === undefined) throw new Error('no artifact');
      return artifacts.open(ref);
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
