import { createHash, randomUUID } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { perennialHome } from '../../platform/paths.ts';
import { lookAtFirstBytes, whereNotUtf8 } from '../reading/text-files.ts';
import type { ReaderDefinition, SourceFile } from '../readers/reader.ts';
import { SAMPLE_DATASETS } from '../samples/sample-table.ts';

export interface SourceFingerprint {
  /** SHA-256 (hex) over names and contents; independent of where the files lie. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
}

interface SourceConfig {
  readonly format: string;
  readonly path: string;
}

function notFound(config: SourceConfig, documentDir: string): PerennialError {
  const full = resolve(documentDir, config.path);
  const sample = SAMPLE_DATASETS.find(
    (item) => config.path.split('/').includes(item.name) || full.includes(`${sep}data${sep}${item.name}`),
  );
  const hint =
    sample === undefined
      ? `Check the path; relative paths start at ${documentDir}.`
      : `This is a sample data set that is installed on demand: npm run datasets -- ${sample.name}`;
  return new PerennialError('SOURCE_NOT_FOUND', `There is no file or folder "${config.path}" (looked for ${full}).`, {
    hint,
    details: { path: full },
  });
}

function globToRegExp(pattern: string): RegExp {
  const body = pattern
    .split('/')
    .map((segment) => {
      if (segment === '**') return '(?:.+/)?';
      return `${segment
        .replace(/[.+^${}()|\\[\]]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]')}/`;
    })
    .join('');
  return new RegExp(`^${body.replace(/\/$/, '')}$`);
}

/** Whether a file of this name would be one of those that the path of a source names, be it there or not. */
export function namesFile(path: string, folder: string, file: string): boolean {
  const full = (name: string): string => resolve(folder, name).split(sep).join('/');
  return /[*?]/.test(path) && globToRegExp(full(path)).test(full(file));
}

/**
 * The files of a folder and of those in it. Links are followed as folders and files are; one that leads back to a folder above itself leads
 * to nothing that is not found already.
 */
async function walk(folder: string, above: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  const { dev, ino } = await stat(folder);
  const own = `${dev}:${ino}`;
  if (above.includes(own)) return found;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (await isFolder(entry, path)) found.push(...(await walk(path, [...above, own])));
    else found.push(path);
  }
  return found;
}

async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return (await statOf(path))?.isDirectory() === true;
}

/** What changes when a file is written or replaced. */
export function stampOfFile(info: Stats): string {
  return `${info.dev}:${info.ino}:${info.size}:${info.mtimeMs}:${info.ctimeMs}`;
}

async function describe(path: string, root: string, className?: string): Promise<SourceFile> {
  const info = await statOf(path);
  if (info === undefined)
    throw new PerennialError('SOURCE_NOT_FOUND', `${path} is a link to what is not there, or was taken away meanwhile.`, {
      hint: 'Correct the link, or take it away.',
    });
  if (!info.isFile()) {
    const folder = info.isDirectory();
    throw new PerennialError('SOURCE_INVALID', `${path} is ${folder ? 'a folder' : 'no ordinary file'}; a file is expected.`, {
      hint: folder
        ? `Name the file, or several by a pattern such as "${join(relative(root, path), '*.csv')}".`
        : 'Copy its contents into a file.',
    });
  }
  const stamp = stampOfFile(info);
  return {
    path,
    // The file may be the root itself.
    name: relative(root, path).split(sep).join('/') || basename(path),
    size: info.size,
    stamp,
    ...(className === undefined ? {} : { className }),
  };
}

/** undefined: there is nothing. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    // ELOOP: a link to itself.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const exists = async (path: string): Promise<boolean> => (await statOf(path)) !== undefined;

async function listFiles(config: SourceConfig, documentDir: string): Promise<SourceFile[]> {
  const full = isAbsolute(config.path) ? config.path : resolve(documentDir, config.path);
  if (await exists(full)) return [await describe(full, dirname(full))];
  if (!/[*?]/.test(config.path)) throw notFound(config, documentDir);
  const segments = full.split(sep);
  const root =
    segments
      .slice(
        0,
        segments.findIndex((segment) => /[*?]/.test(segment)),
      )
      .join(sep) || sep;
  if (!(await exists(root))) throw notFound(config, documentDir);
  const matcher = globToRegExp(segments.join('/'));
  const paths = (await walk(root)).filter((path) => matcher.test(path.split(sep).join('/')));
  if (paths.length === 0) throw new PerennialError('SOURCE_NOT_FOUND', `No file matches "${config.path}" below ${documentDir}.`);
  return Promise.all(paths.map((path) => describe(path, root)));
}

async function listClassFolders(config: SourceConfig, documentDir: string, extensions: readonly string[]): Promise<SourceFile[]> {
  const root = resolve(documentDir, config.path);
  if (!(await exists(root))) throw notFound(config, documentDir);
  const folders: Dirent[] = [];
  for (const entry of await readdir(root, { withFileTypes: true }))
    if (!entry.name.startsWith('.') && (await isFolder(entry, join(root, entry.name)))) folders.push(entry);
  if (folders.length === 0)
    throw new PerennialError(
      'SOURCE_INVALID',
      `${root} holds no folders; one folder per class is expected, for example ${join(config.path, 'cat')}.`,
    );
  const files: SourceFile[] = [];
  for (const folder of folders) {
    const paths = (await walk(join(root, folder.name))).filter((path) => extensions.some((ending) => path.toLowerCase().endsWith(ending)));
    for (let start = 0; start < paths.length; start += 256) {
      files.push(...(await Promise.all(paths.slice(start, start + 256).map((path) => describe(path, root, folder.name)))));
    }
  }
  if (files.length === 0)
    throw new PerennialError('SOURCE_EMPTY', `The class folders of ${root} hold no file ending in ${extensions.join(', ')}.`);
  return files;
}

/** The files of a source, sorted by name. @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID */
export async function listSource(reader: ReaderDefinition, config: SourceConfig, documentDir: string): Promise<SourceFile[]> {
  const files =
    reader.layout === 'files' ? await listFiles(config, documentDir) : await listClassFolders(config, documentDir, reader.extensions ?? []);
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The files of a folder that end in one of these, wherever they lie in it, sorted by name. @throws SOURCE_NOT_FOUND, SOURCE_EMPTY */
export async function listFolder(folder: string, extensions: readonly string[]): Promise<SourceFile[]> {
  if (!(await exists(folder))) throw new PerennialError('SOURCE_NOT_FOUND', `There is no folder ${folder}.`);
  const paths = (await walk(folder)).filter((path) => extensions.some((ending) => path.toLowerCase().endsWith(ending)));
  if (paths.length === 0) throw new PerennialError('SOURCE_EMPTY', `${folder} holds no file ending in ${extensions.join(', ')}.`);
  const files: SourceFile[] = [];
  for (let start = 0; start < paths.length; start += 256)
    files.push(...(await Promise.all(paths.slice(start, start + 256).map((path) => describe(path, folder)))));
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** One number for the state of the files on disk: it changes when one is written, replaced, added or removed. */
export function stampOf(files: readonly SourceFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.name}\0${file.stamp}\n`);
  return hash.digest('hex');
}

const STATS_AT_ONCE = 64;

/** Whether the files of a source are listed otherwise by now: one was written to, replaced, removed or added. */
export async function areListedOtherwise(files: readonly SourceFile[], list: () => Promise<readonly SourceFile[]>): Promise<boolean> {
  try {
    return stampOf(await list()) !== stampOf(files);
  } catch (error) {
    if (isPerennialError(error)) return true; // none is left, or one is no file any more
    throw error;
  }
}

/** Whether one of the files was written to, replaced or removed since it was located. */
export async function haveChanged(files: readonly SourceFile[]): Promise<boolean> {
  for (let start = 0; start < files.length; start += STATS_AT_ONCE) {
    const some = files.slice(start, start + STATS_AT_ONCE);
    const now = await Promise.all(some.map(({ path }) => statOf(path)));
    if (some.some(({ stamp }, index) => now[index] === undefined || stampOfFile(now[index]) !== stamp)) return true;
  }
  return false;
}

/**
 * Reads files to which nobody may write meanwhile. Where somebody did, neither what came of reading nor what a reader says of them counts:
 * half of a file may be no table, or be one with fewer rows.
 *
 * @param path as it was given
 * @param haveChanged whether the files are others than before
 * @throws SOURCE_CHANGED; what `read` throws where they are as they were
 */
export async function readUnchanged<T>(path: string, haveChanged: () => Promise<boolean>, read: () => Promise<T>): Promise<T> {
  const result = await readOrChanged(path, haveChanged, read);
  if (await haveChanged()) throw sourceChanged(path);
  return result;
}

/** The same where what comes of reading is looked at later: the files are looked at where it fails alone. */
export async function readOrChanged<T>(path: string, haveChanged: () => Promise<boolean>, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isCalledOff(error) || !(await haveChanged())) throw error;
    throw sourceChanged(path, error);
  }
}

/** It says nothing about the files. */
function isCalledOff(error: unknown): boolean {
  return isPerennialError(error, 'CANCELLED') || (error instanceof Error && error.name === 'AbortError');
}

function sourceChanged(path: string, cause?: unknown): PerennialError {
  return new PerennialError('SOURCE_CHANGED', `${path} was written to while it was read.`, {
    hint: 'Read it again when whoever writes it is done. A file that is written under another name, and gets this one by a rename, is never seen half.',
    cause,
  });
}

/** Files up to so many bytes are read at once: opening a stream per file costs more than the file. */
const WHOLE_BYTES_MAX = 1 << 20;

/** Number of the line in which a byte stands. */
async function linesBefore(file: SourceFile, offset: number): Promise<number> {
  let lines = 1;
  if (offset > 0)
    for await (const chunk of createReadStream(file.path, { end: offset - 1 }) as AsyncIterable<Buffer>)
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  return lines;
}

async function hashFile(file: SourceFile, wanted: boolean): Promise<string> {
  const hash = createHash('sha256');
  // What is packed or says that it is UTF-16 is decoded, and checked, when it is read.
  const first = wanted && file.size > 0 ? await lookAtFirstBytes(file) : {};
  const text = wanted && first.packing === undefined && (first.encoding === undefined || first.encoding === 'utf-8');
  if (file.size <= WHOLE_BYTES_MAX) {
    const bytes = await readFile(file.path);
    if (text && !isUtf8(bytes)) throw notUtf8(file, bytes, 0, 1);
    return hash.update(bytes).digest('hex');
  }
  let offset = 0;
  let carry: Uint8Array = Buffer.alloc(0);
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (!text) continue;
    const joined = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const cut = completeLength(joined);
    const body = joined.subarray(0, cut);
    if (!isUtf8(body)) throw notUtf8(file, body, offset, await linesBefore(file, offset));
    offset += cut;
    carry = joined.subarray(cut);
  }
  if (carry.length > 0) throw notUtf8(file, carry, offset, await linesBefore(file, offset));
  return hash.digest('hex');
}

/** Bytes up to the last character that is whole. */
function completeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function notUtf8(file: SourceFile, bytes: Uint8Array, offset: number, line: number): PerennialError {
  const { place, hint } = whereNotUtf8(bytes, offset, line);
  return new PerennialError('SOURCE_INVALID', `${file.name} is not UTF-8: ${place}.`, {
    hint: `${hint[0]!.toUpperCase()}${hint.slice(1)}: if that is right, give "encoding": "windows-1252" in the source of a csv; otherwise the encoding that it has, or convert it (iconv -f … -t utf-8).`,
  });
}

const cacheFile = () => join(perennialHome(), 'cache', 'source-digests.json');
const DIGESTS_MAX = 200_000;
let remembered: { home: string; digests: Map<string, string> } | undefined;

async function loadDigests(): Promise<Map<string, string>> {
  if (remembered?.home === cacheFile()) return remembered.digests;
  let digests = new Map<string, string>();
  try {
    digests = new Map(Object.entries(JSON.parse(await readFile(cacheFile(), 'utf8')) as Record<string, string>));
  } catch {
    // Absent or torn: everything is hashed again.
  }
  remembered = { home: cacheFile(), digests };
  return digests;
}

async function saveDigests(digests: Map<string, string>): Promise<void> {
  const kept = [...digests].slice(-DIGESTS_MAX);
  await mkdir(dirname(cacheFile()), { recursive: true });
  const temporary = `${cacheFile()}.${process.pid}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(Object.fromEntries(kept)));
  await rename(temporary, cacheFile());
}

/**
 * SHA-256 over the names and contents of the files. Digests of files are remembered by device, inode, size and times, so that a
 * second look at an unchanged source reads nothing.
 *
 * @throws SOURCE_INVALID where `text` is set and a byte is not UTF-8, naming file, offset and line.
 */
export async function fingerprintFiles(files: readonly SourceFile[], text: boolean): Promise<SourceFingerprint> {
  const digests = await loadDigests();
  const hash = createHash('sha256');
  let bytes = 0;
  let learned = false;
  for (let start = 0; start < files.length; start += 16) {
    const batch = files.slice(start, start + 16);
    const results = await Promise.all(
      batch.map(async (file) => {
        const key = createHash('sha256')
          .update(`${text ? 't' : 'b'}:${file.path}:${file.stamp}`)
          .digest('base64')
          .slice(0, 27);
        const known = digests.get(key);
        if (known !== undefined) return known;
        const digest = await hashFile(file, text);
        // A file written within the last two seconds may change again without its times showing it.
        if (Date.now() - Number(file.stamp.split(':')[3]) > 2_000) {
          digests.set(key, digest);
          learned = true;
        }
        return digest;
      }),
    );
    batch.forEach((file, index) => {
      hash.update(`${files.length === 1 ? '' : file.name}\0${results[index]}\n`);
      bytes += file.size;
    });
  }
  if (learned) await saveDigests(digests);
  return { digest: hash.digest('hex'), files: files.length, bytes };
}
