import { beforeEach, describe, expect, it } from 'vitest';
import { judgementsOf } from '../../../src/deployment/judgements.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

let bench: Workbench;

beforeEach(() => {
  bench = workbench(new MemoryStore());
});

const modelOf = (text: string): Promise<ArtifactRef> =>
  bench.artifacts.write({ kind: 'model', summary: text, files: { 'weights.bin': Buffer.from(text) }, meta: { text } });

async function version(name: string, model: ArtifactRef): Promise<number> {
  return (await bench.registry.register({ model: name, modelRef: model, pipeline: name, runId: 'r', stepId: 'register' })).version;
}

function evaluationOf(model: ArtifactRef, champion: string, against: number | null, gate: JsonObject): Promise<ArtifactRef> {
  const judgement = {
    champion: { model: champion, version: against },
    config: { champion, gates: [{ metric: 'accuracy', ...gate }] },
    inputs: { model: model.digest },
  };
  return bench.artifacts.write({
    kind: 'evaluation',
    summary: `${champion} ${String(against)}`,
    files: {},
    meta: { model: model.digest, judgement } as unknown as JsonObject,
  });
}

const NOT_WORSE = { notWorseThanChampionBy: 0 };

describe('who has a say over a promotion', () => {
  it('all evaluations of the run that compared with a champion, of the model or against the name', async () => {
    const [mine, other] = [await modelOf('mine'), await modelOf('other')];
    await version('m', mine);
    const own = await evaluationOf(mine, 'm', 1, NOT_WORSE);
    const elsewhere = await evaluationOf(mine, 'n', 7, { betterThanChampionBy: 0 });
    const another = await evaluationOf(other, 'm', null, NOT_WORSE);
    const evaluations = [
      own,
      own,
      elsewhere,
      another,
      await evaluationOf(mine, 'm', 1, { atLeast: 0.5 }),
      await evaluationOf(other, 'n', 1, NOT_WORSE),
    ];
    const found = await judgementsOf(bench.artifacts, evaluations, await bench.registry.version('m', 1));
    expect(found.map(({ champion }) => champion)).toEqual([
      { model: 'm', version: 1, judged: mine.digest },
      { model: 'n', version: 7, judged: mine.digest },
      { model: 'm', version: null, judged: other.digest },
    ]);
  });

  it('one of before judgements were written down counts by its gates, and can be made by nobody again', async () => {
    const mine = await modelOf('mine');
    await version('m', mine);
    const report = { gates: [{ gate: { metric: 'accuracy', ...NOT_WORSE }, passed: true, sentence: '' }] };
    const old = await bench.artifacts.write({
      kind: 'evaluation',
      summary: 'old',
      files: { 'evaluation.json': Buffer.from(JSON.stringify(report)) },
      meta: { model: mine.digest, champion: { version: 3, metrics: {} } },
    });
    expect(await judgementsOf(bench.artifacts, [old], await bench.registry.version('m', 1))).toEqual([
      { evaluation: old.digest, champion: { model: 'm', version: 3, judged: mine.digest } },
    ]);
  });
});

describe('an automatic promotion', () => {
  const automatic = { ...ada, automatic: true } as const;

  it('is made over the champions that were judged, all of them', async () => {
    const [first, second, third] = [await modelOf('1'), await modelOf('2'), await modelOf('3')];
    for (const model of [first, second, third]) await version('m', model);
    await version('n', first);
    await version('n', second);
    await bench.registry.promote('m', 1, ada);
    const judged = (model: string, against: number | null, digest = third.digest) => ({ model, version: against, judged: digest });
    const promote = (...champions: ReturnType<typeof judged>[]) => bench.registry.promote('m', 3, { ...automatic, judged: champions });

    await expect(promote(judged('m', 1), judged('m', null))).rejects.toMatchObject({
      code: 'CHAMPION_CHANGED',
      message: expect.stringContaining('was judged against no champion, and now it is version 1'),
      details: { model: 'm', champion: 1 },
    });
    await bench.registry.promote('n', 2, ada);
    await expect(promote(judged('m', 1), judged('n', 1))).rejects.toMatchObject({
      code: 'CHAMPION_CHANGED',
      message: expect.stringContaining('was judged against version 1 of "n", and now it is version 2'),
      details: { model: 'n', champion: 2 },
    });
    // What serves there is the very model that was judged.
    expect(await promote(judged('m', 1), judged('n', 1, second.digest))).toMatchObject({ from: 1, to: 3 });
    // Nothing is left to compare with.
    expect(await promote(judged('m', 1), judged('n', 2))).toMatchObject({ changed: false });
  });

  it('moves "champion" by no other way', async () => {
    await version('m', await modelOf('1'));
    await expect(bench.registry.setAlias('m', 'champion', 1, automatic)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
