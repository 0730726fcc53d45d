import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startServer } from '../../../src/server/start.ts';
import type { RunningServer } from '../../../src/server/start.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import type { FaultPlan } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { LABELS, fixtureOver, registerConstant } from '../../integration/serving/models.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { eventually, recordingLog } from '../../unit/serving/doubles.ts';

const author = { who: 'test', why: 'test' };

interface Scene {
  readonly faulty: FaultyStore;
  readonly server: RunningServer;
  readonly promote: (version: number) => Promise<unknown>;
  readonly predicted: () => Promise<number>;
}

/** A server over a store that fails, and a registry over the same store that does not. */
async function scene(plan: FaultPlan): Promise<Scene> {
  const folder = tempDir('serving-faults');
  const inner = new MemoryStore();
  const fixture = fixtureOver(inner, join(folder, 'a'));
  await registerConstant(fixture, 'm', 0);
  await registerConstant(fixture, 'm', 1);
  await fixture.registry.promote('m', 1, author);
  const faulty = new FaultyStore(inner, plan);
  const server = await startServer({
    store: faulty,
    artifacts: createArtifactStore(faulty, join(folder, 'b')),
    log: recordingLog(),
    port: 0,
    router: { pollMs: 5, discoverMs: 10, loadRetryMs: 5 },
  });
  return {
    faulty,
    server,
    promote: (version) => fixture.registry.promote('m', version, author),
    async predicted() {
      const response = await fetch(`${server.url}/models/m/predict`, { method: 'POST', body: '{"a":1,"b":2}' });
      const body = (await response.json()) as { version?: number; predictions?: { label: string }[] };
      if (response.status !== 200) return -response.status;
      expect(response.headers.get('x-perennial-version')).toBe(String(body.version));
      expect(body.predictions![0]!.label).toBe(LABELS[body.version! - 1]);
      return body.version!;
    },
  };
}

describe('the model server over a store that fails', () => {
  it('serves and follows whichever call fails', async () => {
    let faults = 0;
    for (let call = 1; call <= 24; call += 1) {
      for (const when of ['before', 'after'] as const) {
        const { faulty, server, promote, predicted } = await scene({ call, when });
        await eventually(async () => (await predicted()) === 1);
        await promote(2);
        await eventually(async () => {
          const version = await predicted();
          expect([1, 2]).toContain(version);
          return version === 2;
        });
        await server.stop();
        faults += faulty.faults;
      }
    }
    expect(faults).toBe(48);
  });

  it('serves on when every call fails from some moment', async () => {
    for (const after of [0, 1, 2, 3, 5, 8]) {
      const { faulty, server, promote, predicted } = await scene({ call: Number.MAX_SAFE_INTEGER, persistent: true });
      expect(await predicted()).toBe(1);
      faulty.plan = { call: faulty.calls + after + 1, persistent: true };
      await promote(2);
      const seen = new Set<number>();
      for (let round = 0; round < 30; round += 1) {
        seen.add(await predicted());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect([...seen].every((version) => version === 1 || version === 2)).toBe(true);
      faulty.plan = {};
      await eventually(async () => (await predicted()) === 2);
      await server.stop();
    }
  });
});
