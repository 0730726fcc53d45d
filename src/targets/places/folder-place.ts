import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, mkdir, open, readFile, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { isDiskFull } from '../../core/file-trouble.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { Place } from './place.ts';

/** What killed writers left aside is removed after this long. */
const ABANDONED_MS = 3_600_000;

/** A folder of this machine, or one that it has mounted. What appears is renamed into place. */
export class FolderPlace implements Place {
  readonly location: string;

  /** @param folder absolute; made where it is absent */
  constructor(folder: string) {
    this.location = folder;
  }

  async check(bytes: number): Promise<void> {
    await this.#told('be written to', async () => {
      await mkdir(this.location, { recursive: true });
      await access(this.location, constants.W_OK | constants.X_OK);
      const probe = this.#aside('probe');
      await writeWhole(probe, Buffer.from('Perennial looks whether it can write here.\n'));
      await rm(probe);
      const { bavail, bsize } = await statfs(this.location);
      const free = bavail * bsize;
      if (free < bytes)
        throw new PerennialError('STORE_FULL', `The disk of ${this.location} has ${free} bytes left, and the version needs ${bytes}.`, {
          hint: HINTS['ENOSPC']!,
        });
    });
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#told('be read', () => orAbsent(readFile(join(this.location, path))));
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#told('be written to', async () => {
      const target = join(this.location, path);
      await mkdir(dirname(target), { recursive: true });
      const aside = this.#aside(path);
      try {
        await writeWhole(aside, bytes);
        await rename(aside, target);
        await syncFolder(dirname(target));
      } finally {
        await rm(aside, { force: true });
      }
    });
  }

  async folders(path: string): Promise<string[]> {
    const entries = await this.#told('be read', () => orAbsent(readdir(join(this.location, path), { withFileTypes: true })));
    return (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  async holds(path: string, artifact: OpenArtifact): Promise<boolean> {
    for (const [name, { size }] of Object.entries(artifact.manifest.files)) {
      const there = await this.#told('be read', () => orAbsent(stat(join(this.location, path, name))));
      if (there?.size !== size) return false;
    }
    return true;
  }

  async writeFolder(path: string, artifact: OpenArtifact): Promise<void> {
    await this.#told('be written to', async () => {
      const target = join(this.location, path);
      await mkdir(dirname(target), { recursive: true });
      await this.#sweep(dirname(target));
      const aside = this.#aside(path);
      try {
        for (const name of Object.keys(artifact.manifest.files)) {
          const file = join(aside, name);
          await mkdir(dirname(file), { recursive: true });
          await copyWhole(await artifact.path(name), file);
        }
        await syncFolder(aside);
        await this.#replace(aside, path, artifact);
        await syncFolder(dirname(target));
      } finally {
        await rm(aside, { recursive: true, force: true });
      }
    });
  }

  /** Into its place. What lies there is whole, of a writer that was faster, or lacks something and goes. */
  async #replace(aside: string, path: string, artifact: OpenArtifact): Promise<void> {
    const target = join(this.location, path);
    try {
      return await rename(aside, target);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    if (await this.holds(path, artifact)) return;
    await this.removeFolder(path);
    await rename(aside, target);
  }

  async removeFolder(path: string): Promise<void> {
    await this.#told('be written to', async () => {
      const aside = this.#aside(path);
      if ((await orAbsent(rename(join(this.location, path), aside).then(() => true))) === true)
        await rm(aside, { recursive: true, force: true });
    });
  }

  async removeFile(path: string): Promise<void> {
    await this.#told('be written to', () => rm(join(this.location, path), { force: true }));
  }

  /** Beside it, so that a rename is enough; with a name that no poller takes for a version. */
  #aside(path: string): string {
    const target = join(this.location, path);
    return join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}`);
  }

  async #sweep(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      if (!/^\..+\.\d+-[0-9a-f]{8}$/.test(name)) continue;
      const found = await orAbsent(stat(join(folder, name)));
      if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  async #told<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined || error instanceof PerennialError) throw error;
      throw folderError(this.location, doing, error as NodeJS.ErrnoException);
    }
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on that disk: with "keep" fewer versions stay there.',
  EDQUOT: 'The quota of that disk is used up.',
  EACCES: 'Let the user that the workers run as write there.',
  EPERM: 'Let the user that the workers run as write there.',
  EROFS: 'It is mounted for reading only.',
  ENOTDIR: 'Something on the way to it is a file.',
  EEXIST: 'Something on the way to it is a file.',
};

function folderError(folder: string, doing: string, error: NodeJS.ErrnoException): PerennialError {
  const full = isDiskFull(error);
  const hint = HINTS[error.code ?? ''];
  return new PerennialError(full ? 'STORE_FULL' : 'TARGET_UNAVAILABLE', `The folder ${folder} cannot ${doing}: ${messageOf(error)}.`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Copies of the cache are read-only; these belong to the one who looks at them. */
async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+').catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    const { chmod } = await import('node:fs/promises');
    await chmod(to, 0o644);
    return open(to, 'r+');
  });
  try {
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So that a power cut leaves the old name or the new one. Some file systems have no such thing for folders. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  try {
    await folder?.sync().catch(() => undefined);
  } finally {
    await folder?.close();
  }
}
