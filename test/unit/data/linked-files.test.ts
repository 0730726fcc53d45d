import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listFolder, listSource } from '../../../src/data/ingest/source-files.ts';
import { readerRegistry } from '../../../src/data/readers/index.generated.ts';
import { failure } from './support.ts';

let folder: string;
const at = (path: string): string => join(folder, path);
const names = async (format: string, path: string): Promise<string[]> =>
  (await listSource(readerRegistry.get(format), { format, path }, folder)).map(({ name, className }) =>
    className === undefined ? name : `${className}: ${name}`,
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-links-'));
  for (const path of ['data/a', 'elsewhere/deep']) await mkdir(at(path), { recursive: true });
  for (const path of ['data/a/1.csv', 'data/a/1.png', 'elsewhere/2.csv', 'elsewhere/2.png', 'elsewhere/deep/3.csv', 'elsewhere/deep/3.png'])
    await writeFile(at(path), 'x');
  await symlink(at('elsewhere'), at('data/b'));
  await symlink(at('elsewhere/2.csv'), at('data/a/c.csv'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a pattern finds what lies behind links of folders and files', async () => {
  expect(await names('csv', 'data/**/*.csv')).toEqual(['a/1.csv', 'a/c.csv', 'b/2.csv', 'b/deep/3.csv']);
});

test('a link of a folder is a class like any other', async () => {
  expect(await names('images', 'data')).toEqual(['a: a/1.png', 'b: b/2.png', 'b: b/deep/3.png']);
  expect((await listFolder(at('data'), ['.png'])).map(({ name }) => name)).toEqual(['a/1.png', 'b/2.png', 'b/deep/3.png']);
});

test('a link that leads back up, or to itself, ends', async () => {
  await symlink(at('data'), at('elsewhere/deep/up'));
  await symlink(at('data/self'), at('data/self'));
  expect(await names('csv', 'data/**/*.csv')).toEqual(['a/1.csv', 'a/c.csv', 'b/2.csv', 'b/deep/3.csv']);
});

test('a link to what is not there is named', async () => {
  await symlink(at('gone.csv'), at('data/a/d.csv'));
  expect(await failure(names('csv', 'data/a/*.csv'))).toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    message: `${at('data/a/d.csv')} is a link to what is not there, or was taken away meanwhile.`,
  });
});
