import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartRecord } from './score-task.ts';
import { partName } from './score-task.ts';
import { sha256File } from '../storage/digest.ts';

/** Parts that are kept somewhere else too, so that another machine can go on. */
export interface PartKeeper {
  /** Records of the parts that are kept. */
  list(): Promise<readonly PartRecord[]>;
  /** Brings the files of a part into the folder. */
  fetch(record: PartRecord, folder: string): Promise<void>;
  /** Keeps a part whose files lie in the folder. */
  keep(record: PartRecord, folder: string): Promise<void>;
}

/**
 * The parts of an earlier try that are whole: each record says what its files held. What is not whole goes.
 *
 * @returns by their numbers
 */
export async function wholeParts(folder: string, keeper: PartKeeper | undefined): Promise<Map<number, PartRecord>> {
  const found = new Map<number, PartRecord>();
  for (const name of await readdir(folder)) {
    if (!/^\d{6}\.json$/.test(name)) continue;
    const record = await readRecord(join(folder, name));
    if (record !== undefined && (await isWhole(record, folder))) found.set(record.part, record);
  }
  for (const record of (await keeper?.list()) ?? []) {
    if (found.has(record.part)) continue;
    await keeper!.fetch(record, folder);
    if (await isWhole(record, folder)) found.set(record.part, record);
  }
  const named = new Set([...found.values()].flatMap(({ part, files }) => [`${partName(part)}.json`, ...Object.keys(files)]));
  for (const name of await readdir(folder)) if (!named.has(name)) await rm(join(folder, name), { force: true });
  return found;
}

async function readRecord(path: string): Promise<PartRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as PartRecord;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isWhole({ files }: PartRecord, folder: string): Promise<boolean> {
  for (const [name, { digest, size }] of Object.entries(files)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== size || (await sha256File(path)) !== digest) return false;
  }
  return true;
}
