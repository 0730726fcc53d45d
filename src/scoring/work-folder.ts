import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError, messageOf } from '../core/errors.ts';
import { isDiskFull } from '../core/file-trouble.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import { entryPoint } from '../platform/paths.ts';
import { tryLock } from '../platform/lock.ts';
import { sha256, sha256File } from '../storage/digest.ts';
import { ROWS_FILE } from './score-task.ts';
import type { OpenedSource } from './open-source.ts';
import type { ScoreTask } from './score-task.ts';

/** What decides the answers, in words → value: parts are of one scoring where all of it is the same. */
export type Binding = Readonly<Record<string, Json>>;

export async function bindingOf(task: ScoreTask, source: OpenedSource): Promise<Binding> {
  const { path: _path, ...settings } = task.source;
  return {
    'the source': source.digest,
    'how the source is read': settings,
    'the model': task.model.ref.digest,
    'the columns that are kept': task.keep === 'all' ? 'all' : [...task.keep],
    'the format': task.format,
    'the prefix of the answers': task.prefix,
    'the rows of a part': task.partRows,
    // Names its chunks by their digests.
    'the code': await sha256File(entryPoint('scorer')).catch(() => 'not built'),
  };
}

/** The folder of one scoring, held by one process. */
export class WorkFolder {
  readonly folder: string;
  readonly partsDir: string;
  /** Of the binding. */
  readonly digest: string;
  readonly #release: () => void;

  private constructor(folder: string, digest: string, release: () => void) {
    this.folder = folder;
    this.partsDir = join(folder, 'parts');
    this.digest = digest;
    this.#release = release;
  }

  /** Lets others have the folder. One in which nothing was begun goes. */
  async leave(): Promise<void> {
    const begun = (await readdir(this.folder)).some((name) => name === ROWS_FILE) || (await readdir(this.partsDir)).length > 0;
    this.#release();
    if (!begun) await rm(this.folder, { recursive: true, force: true });
  }

  /**
   * What an earlier try of the same scoring left stays; of another one it goes, and the note says why.
   *
   * @throws USAGE where another process holds the folder, or it cannot be written
   */
  static async open(folder: string, binding: Binding, onNote?: (text: string) => void): Promise<WorkFolder> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    const lock = lockOf(folder);
    try {
      const before = await readBinding(folder);
      const changed = before === undefined ? [] : differences(before, binding);
      if (changed.length > 0) onNote?.(`An earlier try is thrown away, since ${changed.join(' and ')} changed.`);
      if (before === undefined || changed.length > 0) {
        for (const name of await readdir(folder)) if (name !== LOCK) await rm(join(folder, name), { recursive: true, force: true });
        await writeFile(join(folder, `${BINDING}.part`), JSON.stringify(binding));
        await rename(join(folder, `${BINDING}.part`), join(folder, BINDING));
      }
      const work = new WorkFolder(folder, sha256(canonicalJson(binding as Json)), lock);
      await mkdir(work.partsDir, { recursive: true });
      return work;
    } catch (error) {
      lock();
      throw (error as NodeJS.ErrnoException).syscall === undefined ? error : cannotWrite(folder, error);
    }
  }
}

const LOCK = 'lock';
const BINDING = 'scoring.json';

function lockOf(folder: string): () => void {
  let lock: ReturnType<typeof tryLock>;
  try {
    lock = tryLock(join(folder, LOCK));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  if (lock.taken) return lock.release;
  throw new PerennialError(
    'USAGE',
    `Process ${lock.holder.pid} on ${lock.holder.host} is scoring into the same place since ${lock.holder.since}.`,
    { hint: `Wait for it, or write elsewhere. (${join(folder, LOCK)} says so; it counts as long as that process lives.)` },
  );
}

async function readBinding(folder: string): Promise<Binding | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, BINDING), 'utf8')) as Binding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function differences(before: Binding, now: Binding): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (name) => canonicalJson(before[name] ?? null) !== canonicalJson(now[name] ?? null),
  );
}

/** An error of the disk where something is written. */
export function cannotWrite(path: string, error: unknown): PerennialError {
  if (isDiskFull(error))
    return new PerennialError('STORE_FULL', `No space is left for ${path}.`, {
      hint: 'Free space on this disk; the same command goes on then.',
      cause: error,
    });
  return new PerennialError('USAGE', `${path} cannot be written: ${messageOf(error)}.`, {
    hint: 'Give a place that exists and may be written.',
    cause: error,
  });
}
