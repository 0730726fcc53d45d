import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })));

export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-registry-'));
  folders.push(folder);
  return folder;
}

export interface Workbench {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly registry: Registry;
  /** A small model artifact; equal numbers give equal artifacts. */
  model(number: number): Promise<ArtifactRef>;
  register(number: number, name?: string): Promise<number>;
}

export function workbench(store: ObjectStore): Workbench {
  const artifacts = createArtifactStore(store, scratch());
  const registry = createRegistry(store, artifacts);
  const model = (number: number): Promise<ArtifactRef> =>
    artifacts.write({
      kind: 'model',
      summary: `model ${number}`,
      files: { 'weights.bin': Buffer.from(`weights ${number}`), 'topology.json': Buffer.from('{"layers":[]}') },
      meta: { number },
    });
  return {
    store,
    artifacts,
    registry,
    model,
    async register(number, name = 'm') {
      const registered = await registry.register({
        model: name,
        modelRef: await model(number),
        pipeline: 'p',
        runId: `r${number}`,
        stepId: 'register',
        metrics: { accuracy: number / 10 },
      });
      return registered.version;
    },
  };
}

export const ada = { who: 'ada', why: 'because' };
