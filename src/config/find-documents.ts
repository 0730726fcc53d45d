import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Json } from '../core/json.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { isObject } from './schema-walk.ts';

/** What lies at the paths that somebody gave. */
export interface FoundDocuments {
  /** To be read as documents: those that were given by name, and those that folders hold, each once. */
  readonly files: readonly string[];
  /** Absolute paths of the folders that were given. */
  readonly folders: readonly string[];
  /** JSON files of the folders that are no pipelines. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
}

/** Folders that hold what programs made or fetched. */
const SKIPPED = new Set(['node_modules', '__pycache__']);

/**
 * The documents of files and folders. A file that is given by name is one, whatever it holds; in a folder and the folders below it, links
 * followed, it is what says that it is one, so that a broken document is a mistake and a `package.json` is none. Folders whose names begin
 * with a dot, and `node_modules`, are not looked into.
 *
 * @throws DOCUMENT_UNREADABLE for a folder or file in which a document could lie unseen
 */
export async function findDocuments(paths: readonly string[]): Promise<FoundDocuments> {
  const files: string[] = [];
  const folders: string[] = [];
  const leftOut: { path: string; why: string }[] = [];
  const seen = new Set<string>();
  const take = async (file: string): Promise<void> => {
    const real = await realpath(file).catch(() => resolve(file));
    if (seen.has(real)) return;
    seen.add(real);
    files.push(file);
  };
  const walk = async (folder: string): Promise<void> => {
    const real = await reading(folder, () => realpath(folder));
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of (await reading(folder, () => readdir(folder))).sort()) {
      const path = join(folder, name);
      if (name.startsWith('.') || SKIPPED.has(name)) continue;
      const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined;
        throw unreadable(path, error);
      });
      if (facts?.isDirectory() === true) await walk(path);
      else if (!name.endsWith('.json')) continue;
      else if (facts === undefined) leftOut.push({ path, why: 'a link that leads nowhere' });
      else if (!facts.isFile()) leftOut.push({ path, why: 'no regular file' });
      else if (facts.size > limits.documentBytesMax) leftOut.push({ path, why: `larger than a document can be (${facts.size} bytes)` });
      else {
        const why = whyNone(await reading(path, () => readFile(path, 'utf8')));
        if (why === undefined) await take(path);
        else leftOut.push({ path, why });
      }
    }
  };
  // By name first: what is given by name is not left out with its folder.
  const given = await Promise.all(
    paths.map(async (path) => ({ path, folder: (await stat(path).catch(() => undefined))?.isDirectory() === true })),
  );
  for (const { path, folder } of given) if (!folder) await take(path);
  for (const { path, folder } of given) {
    if (!folder) continue;
    folders.push(resolve(path));
    await walk(path);
  }
  return { files, folders, leftOut };
}

/** Why a text is no pipeline; undefined: it says that it is one, or is to be one as far as can be told of a text that is cut off. */
function whyNone(text: string): string | undefined {
  let value: Json;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, '')) as Json;
  } catch {
    return /"(apiVersion|\$schema)"\s*:\s*"[^"]*(perennial\/|pipeline\.schema\.json)/.test(text) || /"uses"\s*:/.test(text)
      ? undefined
      : 'no JSON';
  }
  if (!isObject(value)) return 'no pipeline: it is no object';
  const { apiVersion, $schema, steps } = value;
  if (typeof apiVersion === 'string' && apiVersion.startsWith('perennial/')) return undefined;
  if (typeof $schema === 'string' && $schema.endsWith('pipeline.schema.json')) return undefined;
  // Without the line that says what it is, by what it looks like: that the line is missing is told as a mistake.
  if (Array.isArray(steps) && steps.some((step) => isObject(step) && typeof step['uses'] === 'string') && apiVersion === undefined)
    return undefined;
  return 'no pipeline: "apiVersion" is not "perennial/…"';
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): PerennialError {
  return new PerennialError('DOCUMENT_UNREADABLE', `${path}: it cannot be read, and a document may lie there: ${messageOf(error)}`, {
    hint: 'Correct its permissions, or name the documents one by one.',
    cause: error,
  });
}
