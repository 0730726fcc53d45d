import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { scratch } from '../../contract/registry/models.ts';
import { STORE_KINDS } from '../../contract/store/stores.ts';
import { checkHistory, checkVersions } from './history-checks.ts';
import { buildRacer, release, startRacer } from './race.ts';

const RACERS = 32;
const MODELS = 2;

describe.each(STORE_KINDS.filter(({ name }) => name !== 'memory'))('32 processes on: $name', (kind) => {
  let script: string;
  beforeAll(async () => {
    script = await buildRacer();
  });
  afterAll(() => rmSync(dirname(script), { recursive: true, force: true }));

  it('register and move aliases at once: nothing is lost, duplicated or torn', async () => {
    const opened = await kind.open();
    const environment = { ...opened.environment, PERENNIAL_HOME: scratch() };
    const racers = await Promise.all(Array.from({ length: RACERS }, (_, number) => startRacer(script, number, MODELS, environment)));
    const results = await Promise.all(racers.map(release));
    expect(results.flatMap((result) => result?.error ?? (result === undefined ? 'a process ended without an answer' : []))).toEqual([]);

    const registry = createRegistry(opened.store, createArtifactStore(opened.store, scratch()));
    const told = results.flatMap((result) => [...result!.versions]);
    expect(new Set(told).size).toBe(RACERS * MODELS);
    expect(new Set(results.map((result) => result!.shared)).size).toBe(1);
    expect(await checkVersions(registry, 'race')).toBe(RACERS * MODELS + 1);
    for (const version of await registry.versions('race')) {
      const number = told.includes(version.version) ? results.findIndex((result) => result!.versions.includes(version.version)) : undefined;
      if (number !== undefined) expect(version.runId).toBe(`racer-${number}`);
    }

    await checkHistory(registry, 'race');
    const { routing } = (await registry.routing('race'))!;
    // Whoever came too late with "challenger" left it where it was: at the newest.
    expect(routing.revision).toBeGreaterThan(RACERS * MODELS);
    expect(routing.aliases['challenger']).toBe(Math.max(...told));
    for (const [number, result] of results.entries()) expect(routing.aliases[`racer-${number}`]).toBe(result!.versions.at(-1));
    await opened.close();
  });
});
