import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { findDocuments } from '../../../src/config/find-documents.ts';
import { tempDir } from '../../support/temp-dir.ts';

const document = (name: string): string => JSON.stringify({ apiVersion: 'perennial/v1', name, steps: [{ uses: 'ingest' }] });

function folderOf(files: Readonly<Record<string, string>>): string {
  const root = tempDir('documents');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const found = async (root: string, paths: readonly string[] = [root]) => {
  const { files, folders, leftOut } = await findDocuments(paths);
  return {
    files: files.map((file) => relative(root, file)),
    folders,
    leftOut: Object.fromEntries(leftOut.map(({ path, why }) => [relative(root, path), why])),
  };
};

it('takes the documents of a folder and of those below it, and says what it leaves out', async () => {
  const root = folderOf({
    'b.json': document('b'),
    'a/deep/c.json': document('c'),
    'package.json': '{"name":"x","scripts":{}}',
    'kubernetes.json': '{"apiVersion":"v1","kind":"Pod"}',
    'list.json': '[]',
    'torn.json': '{"a":',
    'notes.md': document('no'),
    'node_modules/x/d.json': document('d'),
    '.git/e.json': document('e'),
    '.hidden.json': document('h'),
    'large.json': `${document('large')}${' '.repeat(2_000_000)}`,
  });
  const { files, folders, leftOut } = await found(root);
  expect(files).toEqual(['a/deep/c.json', 'b.json']);
  expect(folders).toEqual([root]);
  expect(Object.keys(leftOut).sort()).toEqual(['kubernetes.json', 'large.json', 'list.json', 'package.json', 'torn.json']);
  expect(leftOut['package.json']).toBe('no pipeline: "apiVersion" is not "perennial/…"');
  expect(leftOut['torn.json']).toBe('no JSON');
});

it('takes for a document what is to be one, so that its mistakes are told', async () => {
  const root = folderOf({
    'torn.json': document('torn').slice(0, 50),
    'future.json': '{"apiVersion":"perennial/v9","name":"future"}',
    'nameless.json': '{"name":"nameless","steps":[{"uses":"ingest"}]}',
    'schema.json': '{"$schema":"../schemas/generated/pipeline.schema.json"}',
    'marked.json': `\ufeff${document('marked')}`,
  });
  const { files, leftOut } = await found(root);
  expect(files).toEqual(['future.json', 'marked.json', 'nameless.json', 'schema.json', 'torn.json']);
  expect(leftOut).toEqual({});
});

it('follows links, ends where they go round, and takes a file once', async () => {
  const root = folderOf({ 'a.json': document('a'), 'below/b.json': document('b') });
  const other = folderOf({ 'c.json': document('c') });
  symlinkSync(root, join(root, 'below/round'));
  symlinkSync('self', join(root, 'self'));
  symlinkSync(join(root, 'a.json'), join(root, 'also-a.json'));
  symlinkSync(other, join(root, 'other'));
  symlinkSync('/nowhere/at-all', join(root, 'nowhere.json'));
  const { files, leftOut } = await found(root, [root, join(root, 'below'), join(root, 'a.json')]);
  expect(files).toEqual(['a.json', 'below/b.json', 'other/c.json']);
  expect(leftOut).toEqual({ 'nowhere.json': 'a link that leads nowhere' });
});

it('takes what is given by name for a document, whatever it holds', async () => {
  const root = folderOf({ 'package.json': '{}' });
  expect((await found(root, [join(root, 'package.json'), join(root, 'missing.json')])).files).toEqual(['package.json', 'missing.json']);
});
