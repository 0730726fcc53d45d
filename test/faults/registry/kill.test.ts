import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { ada, scratch } from '../../contract/registry/models.ts';
import { checkHistory, checkVersions } from '../../integration/registry/history-checks.ts';
import { buildRacer, release, startRacer } from '../../integration/registry/race.ts';

const VICTIMS = 3;

let script: string;
beforeAll(async () => {
  script = await buildRacer();
});
afterAll(() => rmSync(dirname(script), { recursive: true, force: true }));

it('processes killed in the middle leave a registry that is whole and goes on', async () => {
  const folder = scratch();
  const environment = { PERENNIAL_STORE: `file:${folder}`, PERENNIAL_HOME: scratch() };
  const registry = createRegistry(new FileStore(folder), createArtifactStore(new FileStore(folder), scratch()));
  for (let round = 0; round < 3; round += 1) {
    const racers = await Promise.all(
      Array.from({ length: 6 }, (_, number) => startRacer(script, round * 6 + number, number < VICTIMS ? 200 : 3, environment)),
    );
    const results = racers.map(release);
    await new Promise((resolve) => setTimeout(resolve, 120 + round * 60));
    // Some are killed; what they held is taken over by the others.
    for (const racer of racers.slice(0, VICTIMS)) racer.kill('SIGKILL');
    const answers = await Promise.all(results);
    expect(answers.slice(VICTIMS).flatMap((answer) => answer?.error ?? [])).toEqual([]);
    await checkVersions(registry, 'race');
    await checkHistory(registry, 'race');
  }
  const { version } = await registry.version('race', 'latest');
  await registry.promote('race', version, ada);
  expect((await registry.routing('race'))?.routing.aliases.champion).toBe(version);
});
