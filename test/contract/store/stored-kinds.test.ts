import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { storedKinds } from '../../../src/cli/stored-kinds.generated.ts';
import { PREPROCESSOR } from '../../../src/data/preprocess/preprocessor-json.ts';
import { DATASET, EXAMPLES, PROFILE } from '../../../src/data/stored/dataset.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { checkStore } from '../../../src/registry/check-store.ts';
import { EVALUATION } from '../../../src/reports/write-evaluation.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { liesAt } from '../../../src/storage/stored.ts';
import { WEIGHTS } from '../../../src/training/bundle/weights-file.ts';
import { TOPOLOGY } from '../../../src/training/model/model-config.ts';
import { MODEL } from '../../../src/training/model/model-meta.ts';

/** What lies inside of artifacts, or on the disk of a trainer: it is read with what it lies in. */
const INSIDE = [
  'DATASET',
  'PROFILE',
  'EXAMPLES',
  'MODEL',
  'TOPOLOGY',
  'WEIGHTS',
  'HEADER',
  'PREPROCESSOR',
  'EVALUATION',
  'EXPECTED_ERROR',
  'ANY',
];

const source = join(packageRoot(), 'src');
const files = readdirSync(source, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('storage/stored.ts'));

describe('every kind of stored record', () => {
  it('says where it lies ("at"), so that the doctor of the store looks at it, or lies inside of what is looked at', () => {
    const all = files.flatMap((file) => {
      const text = readFileSync(join(source, file), 'utf8');
      const named = [...text.matchAll(/const (\w+): StoredKind<[^;]*?= defineStored/g)].map(([, name]) => name!);
      expect([file, named.length]).toEqual([file, text.match(/= defineStored\b/g)?.length ?? 0]);
      return named;
    });
    expect(all.length).toBeGreaterThan(30);
    const index = readFileSync(join(source, 'cli/stored-kinds.generated.ts'), 'utf8');
    const unknown = all.filter((name) => !INSIDE.includes(name) && !index.includes(`\n  ${name},`));
    expect(unknown, 'export it, give it "at" (and "fix" or "remade"), and run `npm run gen`').toEqual([]);
  });

  it('lies where no other one does', () => {
    for (const kind of storedKinds)
      expect(storedKinds.filter((other) => liesAt(other, keyOf(kind.at!))).map(({ name }) => name)).toEqual([kind.name]);
  });

  it('has a schema that is one', () => {
    const ajv = new Ajv({ strict: false });
    const inside = [DATASET, PROFILE, EXAMPLES, MODEL, TOPOLOGY, WEIGHTS, PREPROCESSOR, EVALUATION];
    for (const { name, schema } of [...storedKinds, ...inside])
      expect([name, ajv.validateSchema(schema), ajv.errors]).toEqual([name, true, null]);
  });

  it.each(storedKinds.map((kind) => [kind.name, kind] as const))('%s: one that was cut off is named by the doctor', async (_, kind) => {
    const store = new MemoryStore();
    const key = keyOf(kind.at!);
    await store.put(key, Buffer.from('{"formatVersion":1,"na'));
    const { findings } = await checkStore(store, { kinds: storedKinds });
    const found = findings.filter((finding) => finding.key === key);
    expect(found).toHaveLength(1);
    expect(found[0]!.fix).toMatch(/\w/);
    expect(found[0]!.repairable).toBe(kind.remade !== undefined || ['entry of the index of models'].includes(kind.name));
  });

  it('of a newer version, or of nobody: what is no JSON is named', async () => {
    const store = new MemoryStore();
    await store.put('unheard-of/x.json', Buffer.from('{"half'));
    await store.put('unheard-of/y.json', Buffer.from('{"formatVersion":7}'));
    expect((await checkStore(store, { kinds: storedKinds })).findings.map(({ key }) => key)).toEqual(['unheard-of/x.json']);
  });
});

/** One that the pattern takes. */
const keyOf = (pattern: string): string => pattern.replaceAll('**', 'one/1').replaceAll('*', '1');
