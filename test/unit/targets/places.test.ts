import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import type { VersionManifest } from '../../../src/registry/types.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { BucketPlace } from '../../../src/targets/places/bucket-place.ts';
import { FolderPlace } from '../../../src/targets/places/folder-place.ts';
import type { Place } from '../../../src/targets/places/place.ts';
import { checkFree, putVersion, takeAway } from '../../../src/targets/placed-versions.ts';
import { leaveModelsConfig, writeModelsConfig } from '../../../src/targets/shared/models-config.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FIRST = 'saved_model.pb';
const artifacts = createArtifactStore(new MemoryStore(), tempDir('blobs'));

async function artifactOf(text: string): Promise<OpenArtifact> {
  const files = Object.fromEntries(
    [FIRST, 'assets/labels.txt', 'assets.extra/README.txt'].map((name) => [name, Buffer.from(`${name} of ${text}\n`.repeat(200))]),
  );
  return artifacts.open(await artifacts.write({ kind: 'export', summary: text, files, meta: {} }));
}

const manifestOf = (version: number, id = `id-${version}`): VersionManifest => ({ name: 'm', version, id }) as VersionManifest;
const ofStore = (artifact: OpenArtifact, store = 'ours') => ({ artifact, owner: { store, location: `file:/${store}` } });
const placing = (withdraws: boolean) => ({ first: FIRST, withdraws: () => withdraws }) as never;

const places: readonly (readonly [string, () => { readonly place: Place; readonly numbers: () => Promise<number[]> }])[] = [
  [
    'a folder',
    () => {
      const place = new FolderPlace(tempDir('place'));
      return { place, numbers: () => numbersOf(place) };
    },
  ],
  [
    'a bucket',
    () => {
      const place = new BucketPlace(new MemoryStore());
      return { place, numbers: () => numbersOf(place) };
    },
  ],
];

async function numbersOf(place: Place): Promise<number[]> {
  return (await place.folders('m'))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

describe.each(places)('versions in %s', (_name, make) => {
  it('are whole as soon as they are seen, for a poller that looks all the time while 20 are written and taken away', async () => {
    const { place } = make();
    let over = false;
    const halves: string[] = [];
    const seen = new Set<number>();
    const poller = (async () => {
      while (!over) {
        for (const number of await numbersOf(place)) {
          // What TensorFlow Serving does: it loads what has a number for a name. Gone again since the listing: no half.
          const model = await place.read(`m/${number}/${FIRST}`);
          if (model === undefined && (await numbersOf(place)).includes(number)) halves.push(`${number} without its model`);
          else if (model !== undefined && Buffer.from(model).toString() !== `${FIRST} of ${number}\n`.repeat(200))
            halves.push(`${number} torn`);
          if (model !== undefined) seen.add(number);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    poller.catch(() => {}); // seen by whoever awaits it
    for (let version = 1; version <= 20; version += 1) {
      await putVersion(place, placing(true), manifestOf(version), ofStore(await artifactOf(String(version))));
      await takeAway(place, placing(true), { name: 'm', version }, { config: { path: '', keep: 2 }, store: 'ours' });
    }
    over = true;
    await poller;
    expect(halves).toEqual([]);
    expect(seen.size).toBeGreaterThan(2);
    expect(await numbersOf(place)).toEqual([19, 20]);
  });

  it('are left as they are by whoever lays them down again, and made whole where a writer was killed', async () => {
    const { place, numbers } = make();
    const artifact = await artifactOf('1');
    await putVersion(place, placing(true), manifestOf(1), ofStore(artifact));
    await putVersion(place, placing(true), manifestOf(1), ofStore(artifact));
    expect(await numbers()).toEqual([1]);
    await place.removeFile(`m/1/assets/labels.txt`);
    await putVersion(place, placing(true), manifestOf(1), ofStore(artifact));
    expect(await place.holds('m/1', artifact)).toBe(true);
  });

  it('are whole where two lay them down at once', async () => {
    const { place, numbers } = make();
    const artifact = await artifactOf('1');
    await Promise.all(Array.from({ length: 4 }, () => putVersion(place, placing(true), manifestOf(1), ofStore(artifact))));
    expect(await place.holds('m/1', artifact)).toBe(true);
    expect(await numbers()).toEqual([1]);
  });

  it('are those of one store: another one is refused, whatever its numbers, and nothing is changed', async () => {
    const { place, numbers } = make();
    await putVersion(place, placing(false), manifestOf(4), ofStore(await artifactOf('4')));
    for (const version of [1, 4, 9]) {
      const theirs = manifestOf(version, `theirs-${version}`);
      await expect(checkFree(place, theirs, 'theirs')).rejects.toMatchObject({ code: 'TARGET_TAKEN' });
      await expect(putVersion(place, placing(false), theirs, ofStore(await artifactOf('x'), 'theirs'))).rejects.toMatchObject({
        code: 'TARGET_TAKEN',
        message: expect.stringMatching(/another store/),
      });
    }
    await place.removeFolder('m/about', '4.json');
    await expect(putVersion(place, placing(false), manifestOf(9), ofStore(await artifactOf('9'), 'theirs'))).rejects.toMatchObject({
      message: `${place.location}/m is kept by another store (file:/ours): two would overwrite which version of m is the champion there.`,
    });
    expect(await numbers()).toEqual([4]);
    // Another model is another matter.
    await putVersion(place, placing(false), { ...manifestOf(9), name: 'n' }, ofStore(await artifactOf('9'), 'theirs'));
  });

  it('of another store, laid down before it was written whose a model is, are refused too', async () => {
    const { place } = make();
    await place.write('m/3/saved_model.pb', Buffer.from('x'));
    await place.write('m/about/3.json', Buffer.from('{"model":"m","version":3,"id":"i","artifact":"a","store":"theirs"}'));
    await expect(putVersion(place, placing(false), manifestOf(9), ofStore(await artifactOf('9')))).rejects.toMatchObject({
      message: expect.stringContaining('m/3 holds a version of another store'),
    });
  });

  it('are of one store in the end where two begin at the same moment', async () => {
    const { place } = make();
    const put = async (store: string, version: number): Promise<unknown> =>
      putVersion(place, placing(false), manifestOf(version, `${store}-${version}`), ofStore(await artifactOf(store), store));
    await Promise.allSettled([put('a', 1), put('b', 2)]);
    const again = await Promise.allSettled([put('a', 3), put('b', 4)]);
    expect(again.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });

  it('of somebody else are never written over, nor taken away', async () => {
    const { place, numbers } = make();
    await place.write('m/7/theirs.txt', Buffer.from('x'));
    await expect(putVersion(place, placing(true), manifestOf(7), ofStore(await artifactOf('7')))).rejects.toMatchObject({
      code: 'TARGET_TAKEN',
      message: expect.stringContaining('something that Perennial did not put there'),
    });
    await putVersion(place, placing(true), manifestOf(8), ofStore(await artifactOf('8')));
    await expect(putVersion(place, placing(true), manifestOf(8, 'of another store'), ofStore(await artifactOf('9')))).rejects.toMatchObject(
      {
        code: 'TARGET_TAKEN',
        message: expect.stringContaining('the version of another store'),
      },
    );
    await takeAway(place, placing(true), { name: 'm', version: 8 }, { config: { path: '', keep: 1 }, store: 'ours' });
    expect(await numbers()).toEqual([7, 8]);
    await expect(
      takeAway(place, placing(true), { name: 'm', version: 6 }, { config: { path: '', keep: 1 }, store: 'ours' }),
    ).rejects.toMatchObject({ code: 'TARGET_TAKEN' });
  });

  it('above the champion go where the highest number is served, and stay where a list names it', async () => {
    for (const withdraws of [true, false]) {
      const { place, numbers } = make();
      for (const version of [1, 2, 3, 4])
        await putVersion(place, placing(withdraws), manifestOf(version), ofStore(await artifactOf(String(version))));
      await takeAway(place, placing(withdraws), { name: 'm', version: 3 }, { config: { path: '', keep: 3 }, store: 'ours' });
      expect(await numbers()).toEqual(withdraws ? [1, 2, 3] : [2, 3, 4]);
    }
  });

  it('of many models are named in one list, whoever writes at the same time', async () => {
    const { place } = make();
    const models = Array.from({ length: 8 }, (_, index) => `m${index}`);
    await Promise.all(models.map((model, index) => writeModelsConfig(place, model, index + 1, index % 2 === 0 ? '/models/' : undefined)));
    const text = Buffer.from((await place.read('models.config'))!).toString();
    for (const [index, model] of models.entries())
      expect(text).toContain(
        `name: "${model}"\n    base_path: "${index % 2 === 0 ? '/models' : place.location}/${model}"\n    model_platform: "tensorflow"\n    model_version_policy { specific { versions: ${index + 1} } }`,
      );
  });
});

it('the list of models names none that was taken out by somebody who was killed before the list was written', async () => {
  const place = new BucketPlace(new MemoryStore());
  for (const model of ['a', 'b']) await writeModelsConfig(place, model, 1, undefined);
  await place.removeFile('a/serving.json');
  await leaveModelsConfig(place, 'a');
  const text = Buffer.from((await place.read('models.config'))!).toString();
  expect(text).not.toContain('"a"');
  expect(text).toContain('name: "b"');
});

it('the list of models of somebody else is not written over', async () => {
  const place = new BucketPlace(new MemoryStore());
  await place.write('models.config', Buffer.from('model_config_list { }'));
  await expect(writeModelsConfig(place, 'a', 1, undefined)).rejects.toMatchObject({
    code: 'TARGET_TAKEN',
    message: expect.stringContaining('models.config was not written by Perennial'),
  });
});

describe('a folder', () => {
  it('has no trace of writers that were killed, an hour later', async () => {
    const folder = tempDir('place');
    const place = new FolderPlace(folder);
    const left = join(folder, 'm', '.3.4711-0a1b2c3d');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, FIRST), 'half');
    const fresh = join(folder, 'm', '.4.4712-0a1b2c3d');
    mkdirSync(fresh);
    utimesSync(left, new Date(0), new Date(0));
    await putVersion(place, placing(true), manifestOf(3), ofStore(await artifactOf('3')));
    expect([existsSync(left), existsSync(fresh)]).toEqual([false, true]);
    expect(await place.folders('m')).toEqual(expect.arrayContaining(['3', 'about']));
    expect(readFileSync(join(folder, 'm/3', FIRST), 'utf8')).toContain('of 3');
  });

  it('that cannot be written to is said with what to do', async () => {
    const file = join(tempDir('place'), 'file');
    writeFileSync(file, '');
    await expect(new FolderPlace(join(file, 'models')).check(0)).rejects.toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      hint: 'Something on the way to it is a file.',
    });
  });

  it('on a disk that has no room for a version is said before it is written', async () => {
    await expect(new FolderPlace(tempDir('place')).check(2 ** 52)).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringMatching(/has \d+ bytes left, and the version needs 4503599627370496/),
    });
  });

  it('below a file is said with what to do, and leaves nothing behind', async () => {
    const folder = tempDir('place');
    writeFileSync(join(folder, 'file'), '');
    await expect(new FolderPlace(join(folder, 'file')).check(0)).rejects.toMatchObject({
      code: 'TARGET_UNAVAILABLE',
      message: expect.stringContaining(join(folder, 'file')),
      hint: expect.stringContaining('is a file'),
    });
    await new FolderPlace(folder).check(0);
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('a bucket', () => {
  it('whose version is made anew, and fails at any call, holds no old file for a new one of the same size', async () => {
    const [before, after] = [await artifactOf('a'), await artifactOf('b')];
    for (let call = 1; ; call += 1) {
      const inner = new MemoryStore();
      const place = new BucketPlace(inner);
      await putVersion(place, placing(true), manifestOf(1), ofStore(before));
      const failed = await putVersion(new BucketPlace(new FaultyStore(inner, { call })), placing(true), manifestOf(1), ofStore(after)).then(
        () => false,
        () => true,
      );
      await putVersion(place, placing(true), manifestOf(1), ofStore(after));
      for (const name of Object.keys(after.manifest.files))
        expect(Buffer.from((await place.read(`m/1/${name}`))!).toString()).toContain('of b');
      if (!failed) return expect(call).toBeGreaterThan(5);
    }
  });

  it('that fails at any call shows no folder without its model, and is whole after another try', async () => {
    for (let call = 1; ; call += 1) {
      const inner = new MemoryStore();
      const faulty = new FaultyStore(inner, { call });
      const artifact = await artifactOf('1');
      const failed = await putVersion(new BucketPlace(faulty), placing(true), manifestOf(1), ofStore(artifact)).then(
        () => false,
        () => true,
      );
      const place = new BucketPlace(inner);
      for (const number of await numbersOf(place)) expect(await place.read(`m/${number}/${FIRST}`)).toBeDefined();
      await putVersion(place, placing(true), manifestOf(1), ofStore(artifact));
      expect(await place.holds('m/1', artifact)).toBe(true);
      if (!failed) return expect(call).toBeGreaterThan(5);
    }
  });
});
