import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { dirname, join } from 'node:path';
import { PerennialError } from '../core/errors.ts';

/**
 * The revisions of one key of the file store: compare-and-swap on a file system without any lock.
 *
 * A key that was ever replaced under a condition has a folder of its own. In it lie the bytes of revisions, `<number>~<etag>`, and
 * always exactly one empty file whose *name* says what holds, the token: `<number>~<etag>~<origin>.now`, or `….gone` where the object was
 * deleted. Every change is one rename(2) of the token: of many that start from the same revision one finds its source, and a name that
 * was left never comes again, so a writer that slept through other changes fails instead of undoing them. Nobody ever holds anything:
 * a process that is killed leaves at most bytes that no token names, wherever it ran.
 *
 * A folder begins with the token `0.import`: the plain file of the key is taken over by whoever comes first. `origin` is the etag of
 * what was taken over. A folder once made stays, for its numbers only rise.
 */

/** Keys hold no back slash, so no key can be the folder of another one. */
export const REVISIONS_SUFFIX = '\\revisions';

const IMPORT = '0.import';
const NONE = 'none';
const TOKEN = /^(\d+)~([^~]+)~([^~]+)\.(now|gone)$/;
const BYTES = /^(\d+)~([^~]+)$/;
/** Looks at a folder whose one token is not seen: only a file system that lists torn folders gets that far. */
const LOOKS_MAX = 50;

export type RevisionState =
  | { readonly kind: 'import' }
  | {
      readonly kind: 'now' | 'gone';
      readonly number: number;
      readonly etag: string;
      readonly origin: string;
      readonly token: string;
      readonly others: readonly string[];
    };
type Imported = Exclude<RevisionState, { kind: 'import' }>;

/** Every write makes a new inode with a new time in microseconds: the three together name the write. */
export function etagOf(facts: BigIntStats): string {
  return `${facts.ino.toString(36)}-${facts.mtimeNs.toString(36)}-${facts.size.toString(36)}`;
}

/** undefined: the key has no folder, so its plain file is what holds. */
export async function readRevisions(folder: string): Promise<RevisionState | undefined> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const names = await namesIn(folder);
    if (names === undefined) return undefined;
    const state = stateOf(names);
    if (state !== undefined) return state;
  }
  throw new PerennialError('STORE_UNAVAILABLE', `The folder ${folder} of the store names no revision.`, {
    hint: 'A file was removed from it by hand, or its file system lists folders torn: restore it from a copy, or use an S3 store (PERENNIAL_STORE=s3://…).',
  });
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** A rename under way can show its old and its new name: the newer one holds. */
function stateOf(names: readonly string[]): RevisionState | undefined {
  let top: Imported | undefined;
  for (const token of names) {
    const match = TOKEN.exec(token);
    if (match === null) continue;
    const number = Number(match[1]);
    if (top === undefined || number > top.number)
      top = { kind: match[4] as 'now' | 'gone', number, etag: match[2]!, origin: match[3]!, token, others: names };
  }
  return top ?? (names.includes(IMPORT) ? { kind: 'import' } : undefined);
}

/** The state, after taking the plain file over where that was begun and not ended. @returns undefined where there is no folder. */
export async function readImported(folder: string, plain: string, aside: string): Promise<Imported | undefined> {
  for (;;) {
    const state = await readRevisions(folder);
    if (state === undefined || state.kind !== 'import') return state;
    await takeOver(folder, plain, aside);
  }
}

/** Makes a folder, and those above it up to one that has to be there. @throws ENOENT where that is not there */
export async function makeFolder(folder: string, root: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === root) throw error;
    await makeFolder(dirname(folder), root);
    await makeFolder(folder, root);
  }
}

/** Gives the key a folder; nothing where it has one. */
export async function beginRevisions(folder: string, aside: string): Promise<void> {
  const draft = asideName(aside);
  await makeFolder(draft, dirname(aside));
  await writeFile(join(draft, IMPORT), '');
  try {
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * Any number of processes may try: one rename of the first token wins. Whoever writes to the plain name later sees the folder afterwards.
 */
async function takeOver(folder: string, plain: string, aside: string): Promise<void> {
  const copy = asideName(aside);
  try {
    await makeFolder(aside, dirname(aside));
    await link(plain, copy);
    const facts = await stat(copy, { bigint: true });
    const etag = etagOf(facts);
    await link(copy, join(folder, `1~${etag}`)).catch(ignore('EEXIST'));
    await moveToken(folder, IMPORT, `1~${etag}~${etag}.now`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // A folder cannot be linked: the key was no object.
    if (!['ENOENT', 'EPERM', 'EISDIR', 'ENOTDIR'].includes(code)) throw error;
    if (await isFile(plain)) {
      // Replaced between two looks, which the next look sees.
      if (code === 'ENOENT') return;
      throw error;
    }
    await moveToken(folder, IMPORT, `1~${NONE}~${NONE}.gone`);
  } finally {
    await unlink(copy).catch(ignore('ENOENT'));
  }
  await removePlain(plain);
}

/** Harmless once the folder took over what was there: then nothing asks for the plain file any more. */
export async function removePlain(plain: string): Promise<void> {
  await unlink(plain).catch(ignore('ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM'));
}

export function bytesOf(folder: string, state: Imported): string {
  return join(folder, `${state.number}~${state.etag}`);
}

/**
 * Moves from `state` to new bytes, whose file stays where it is. The old bytes go.
 *
 * @returns the new etag; undefined where somebody else was faster.
 */
export async function advance(folder: string, state: Imported, written: string): Promise<string | undefined> {
  const etag = `r${randomBytes(10).toString('hex')}`;
  const number = state.number + 1;
  const bytes = `${number}~${etag}`;
  await link(written, join(folder, bytes));
  if (!(await moveToken(folder, state.token, `${bytes}~${state.origin}.now`))) {
    await unlink(join(folder, bytes)).catch(ignore('ENOENT'));
    return undefined;
  }
  await removeOld(folder, state);
  return etag;
}

/** @returns false where somebody else was faster. */
export async function retire(folder: string, state: Imported): Promise<boolean> {
  if (!(await moveToken(folder, state.token, `${state.number + 1}~${NONE}~${state.origin}.gone`))) return false;
  await removeOld(folder, state);
  return true;
}

/** Bytes up to the next number were all written for a revision that was left: they can never hold any more. */
async function removeOld(folder: string, left: Imported): Promise<void> {
  const old = left.others.filter((name) => BYTES.test(name) && Number.parseInt(name, 10) <= left.number + 1);
  await Promise.all(old.map((name) => unlink(join(folder, name)).catch(ignore('ENOENT'))));
}

async function moveToken(folder: string, from: string, to: string): Promise<boolean> {
  try {
    await rename(join(folder, from), join(folder, to));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // A network file system that repeats a rename whose answer was lost says that the source is gone.
    return (await namesIn(folder))?.includes(to) === true;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}

export function asideName(aside: string): string {
  return join(aside, randomBytes(12).toString('hex'));
}

export function ignore(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
