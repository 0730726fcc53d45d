import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { readKerasHdf5, readKerasWeights } from '../../../src/training/imports/keras-hdf5.ts';
import { unzip } from '../../../src/provisioning/zip.ts';
import { followTargets } from '../../../src/targets/follow.ts';
import { preparedOf } from '../../../src/targets/records.ts';
import { zipOf } from '../../../src/targets/shared/zip.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { madeTable, openWorkshop } from './models.ts';
import type { Workshop } from './models.ts';

let workshop: Workshop;
let folder: string;
beforeAll(async () => {
  workshop = openWorkshop();
  await madeTable(workshop);
  folder = tempDir('download');
  await workshop.registry.promote('mass', 1, {
    who: 'ada',
    why: 'test',
    targets: [{ name: 'download', config: { path: folder, keep: 2 } }],
  });
  expect(await followTargets(workshop.tools, 'mass')).toMatchObject({ targets: [{ inStep: true }] });
});

const text = (name: string): string => readFileSync(join(folder, 'mass/1', name), 'utf8');

describe('the target download', () => {
  it('has the model as HDF5, its layers and its weights apart, the preprocessing, and how all is used', async () => {
    expect(readdirSync(join(folder, 'mass/1')).sort()).toEqual(
      [
        'README.md',
        'architecture.json',
        'example.json',
        'example.py',
        'mass-1.zip',
        'model.h5',
        'preprocessor.json',
        'signature.json',
        'weights.h5',
      ].sort(),
    );
    const { topology, weights } = await readKerasHdf5(join(folder, 'mass/1/model.h5'), {});
    const apart = await readKerasWeights(join(folder, 'mass/1/weights.h5'), topology);
    expect([...apart.keys()]).toEqual([...weights.keys()]);
    for (const [name, values] of weights) expect(apart.get(name)).toEqual(values);
    expect(JSON.parse(text('architecture.json'))).toMatchObject({ class_name: expect.any(String), config: expect.any(Object) });
  });

  it('says in which units it reads and answers, in its page, in the program, and in `models show`', async () => {
    const scaled =
      /It answers "mass" as the network learnt it, scaled: answer \* [\d.]+ \+ [\d.]+ is "mass" in the unit of the source data\./;
    expect(text('README.md')).toMatch(scaled);
    expect(text('README.md')).toMatch(/It reads tensors, prepared as preprocessor\.json says/);
    expect(text('README.md')).toMatch(/\| meanAbsoluteError \| [\d.]+ \|/);
    expect(text('example.py')).toMatch(/answer\[0\] \* [\d.]+ \+ [\d.]+/);
    const [prepared] = await preparedOf(workshop.tools.store, 'mass', 1);
    expect(prepared!.notes.join('\n')).toMatch(scaled);
    const example = JSON.parse(text('example.json')) as { readonly row: JsonObject; readonly answer: { readonly value: number } };
    expect(example.row).toMatchObject({ island: expect.any(String), length: expect.any(Number), tagged: true });
    expect(example.answer.value).toBeGreaterThan(500);
  });

  it('is one archive too, the same for the same files, and that of the champion has a name of its own', async () => {
    const there = readdirSync(join(folder, 'mass'));
    expect(there).toEqual(expect.arrayContaining(['mass.zip', 'champion.json', '1']));
    expect(readFileSync(join(folder, 'mass/mass.zip'))).toEqual(readFileSync(join(folder, 'mass/1/mass-1.zip')));
    const files = { 'a/b.txt': Buffer.from('one'), 'ü.bin': new Uint8Array(70_000).fill(7), empty: Buffer.alloc(0) };
    expect(zipOf(files)).toEqual(zipOf(files));
    const out = tempDir('unzipped');
    writeFileSync(join(out, 'x.zip'), zipOf(files));
    expect(await unzip(join(out, 'x.zip'), out, (name) => name, 1_000_000)).toBe(3);
    for (const [name, bytes] of Object.entries(files)) expect(Buffer.compare(readFileSync(join(out, name)), Buffer.from(bytes))).toBe(0);
  });
});
