import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { Database, TypedVector } from '../table/duckdb.ts';
import { DIGEST_BYTES } from '../reading/digest.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { DatasetMeta, Split } from '../stored/dataset.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';

/**
 * File of a split's digests, which are those of {@link DatasetMeta.toldBy}. Those of `<split>.digests` and `<split>.digests2` were made in
 * other ways and tell nothing of these: such a dataset counts as one that keeps none.
 */
export function digestsFile(split: Split): string {
  return `${split}.digests3`;
}

/** The digests that a query gives as its only column, some rows at a time; each part is good until the next is asked for. */
async function* digestParts(db: Database, query: string): AsyncGenerator<Uint8Array> {
  for await (const {
    rows,
    columns: [digests],
  } of db.typedChunks(query))
    yield digests!.bytes.subarray(0, rows * DIGEST_BYTES);
}

/** Digests that are gathered before they are written. */
const GATHERED_ROWS = 65_536;

/** The digests of a split on their way into a file. */
class DigestsFile {
  readonly #file: FileHandle;
  readonly #halves = new Uint32Array(2 * GATHERED_ROWS);
  #filled = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Whether there is room for so many rows. */
  hasRoom(rows: number): boolean {
    return this.#filled + 2 * rows <= this.#halves.length;
  }

  add(low: number, high: number): void {
    this.#halves[this.#filled++] = low;
    this.#halves[this.#filled++] = high;
  }

  async flush(): Promise<void> {
    await this.#file.writeFile(new Uint8Array(this.#halves.buffer, 0, 4 * this.#filled));
    this.#filled = 0;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Writes the digests of the rows of a table, one after the other, as unsigned 64-bit integers (little-endian), each to the file of its
 * split.
 *
 * @param digest SQL of 64 bits
 * @param source SQL of the rows, which have a `split`, with their order
 */
export async function writeDigests(db: Database, digest: string, source: string, paths: Readonly<Record<Split, string>>): Promise<void> {
  const files: DigestsFile[] = [];
  try {
    for (const split of SPLITS) files.push(new DigestsFile(await open(paths[split], 'w')));
    const place = `CAST(CASE split ${SPLITS.map((split, index) => `WHEN '${split}' THEN ${index}`).join(' ')} END AS UTINYINT)`;
    for await (const { rows, columns } of db.typedChunks(`SELECT ${digest}, ${place} FROM ${source}`)) {
      const [digests, { bytes: places }] = columns as [TypedVector, TypedVector];
      const halves = new Uint32Array(digests.bytes.buffer, digests.bytes.byteOffset, 2 * rows);
      for (const file of files) if (!file.hasRoom(rows)) await file.flush();
      for (let row = 0; row < rows; row += 1) files[places[row]!]!.add(halves[2 * row]!, halves[2 * row + 1]!);
    }
    for (const file of files) await file.flush();
  } finally {
    for (const file of files) await file.close();
  }
}

/** The digests of a query, in its order. */
export async function digestsOfQuery(db: Database, query: string): Promise<BigUint64Array> {
  const parts: Uint8Array[] = [];
  for await (const part of digestParts(db, query)) parts.push(Uint8Array.from(part));
  const bytes = Buffer.concat(parts);
  return new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/**
 * Writes the digests of some rows of a split of a dataset.
 *
 * @param query their places in the split, from 0 on, in the order in which they are to stand
 * @returns false where the dataset keeps no digests
 */
export async function writeDigestsOf(db: Database, dataset: OpenArtifact, split: Split, query: string, path: string): Promise<boolean> {
  const digests = await digestsInOrder(dataset, split);
  if (digests === undefined) return false;
  const places = db.typedChunks(`SELECT CAST(place AS BIGINT) FROM (${query}) AS places(place)`);
  const file = await open(path, 'w');
  try {
    for await (const {
      rows,
      columns: [place],
    } of places) {
      const chosen = new BigInt64Array(place!.bytes.buffer, place!.bytes.byteOffset, rows);
      await file.writeFile(new Uint8Array(BigUint64Array.from(chosen, (at) => digests[Number(at)]!).buffer));
    }
  } finally {
    await file.close();
  }
  return true;
}

/** The digests of the rows of a split, ascending; undefined for a dataset of an earlier version, which has none that are made so. */
export async function readDigests(dataset: OpenArtifact, split: Split): Promise<BigUint64Array | undefined> {
  return (await digestsInOrder(dataset, split))?.sort();
}

/** The same in the order of the rows. */
export async function digestsInOrder(dataset: OpenArtifact, split: Split): Promise<BigUint64Array | undefined> {
  const file = digestsFile(split);
  if (dataset.manifest.files[file] === undefined) return undefined;
  const bytes = await dataset.bytes(file);
  if (bytes.length % DIGEST_BYTES !== 0)
    throw new PerennialError(
      'BLOB_CORRUPT',
      `${file} of the dataset ${dataset.ref.digest.slice(0, 12)} has ${bytes.length} bytes, which is no multiple of ${DIGEST_BYTES}.`,
    );
  const copy = new BigUint64Array(bytes.length / DIGEST_BYTES);
  Buffer.from(copy.buffer).set(bytes);
  return copy;
}

/**
 * Rows of a split of one dataset that a split of another holds too, for every pair of splits; a row that stands twice counts twice.
 *
 * @returns undefined where one of them keeps no digests, or they are of other columns
 */
export async function countOverlap(one: OpenArtifact, other: OpenArtifact): Promise<Record<Split, Record<Split, number>> | undefined> {
  const [ours, theirs] = [one, other].map((dataset) => [...(datasetMeta(dataset).toldBy ?? [])].sort().join('\n'));
  if (ours !== theirs) return undefined;
  const known: Partial<Record<Split, BigUint64Array>> = {};
  for (const split of SPLITS) {
    const digests = await readDigests(other, split);
    if (digests === undefined) return undefined;
    known[split] = digests;
  }
  const counts: Partial<Record<Split, Record<Split, number>>> = {};
  for (const split of SPLITS) {
    const own = await readDigests(one, split);
    if (own === undefined) return undefined;
    counts[split] = Object.fromEntries(SPLITS.map((there) => [there, countCommon(own, known[there]!)])) as Record<Split, number>;
  }
  return counts as Record<Split, Record<Split, number>>;
}

/** Values of the first that the second holds. Both ascend. */
function countCommon(one: BigUint64Array, other: BigUint64Array): number {
  let count = 0;
  let at = 0;
  for (const value of one) {
    while (at < other.length && other[at]! < value) at += 1;
    if (at < other.length && other[at] === value) count += 1;
  }
  return count;
}
