import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { EpochSpreads } from '../curves/curves.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, orNull, readStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { EngineState } from './engine.ts';
import type { SearchResult } from './learning-rate-search.ts';

/** Where a training stands, besides its tensors. */
export interface Position {
  /** Epochs that are complete. */
  readonly epoch: number;
  /** Batches of the epoch at work that are done. */
  readonly batch: number;
  /** Updates so far. */
  readonly step: number;
  /** Sums over the epoch at work, of what the engine reports. */
  readonly sums: readonly number[];
  /** What the sums are to be divided by: rows, or what the objective counts. */
  readonly counted: number;
  readonly rows: number;
  /** Where the learning rate was searched for: before the first update. */
  readonly search?: SearchResult;
  readonly callbacks: readonly JsonObject[];
  readonly bestEpoch: number | null;
  readonly history: readonly Readonly<Record<string, number>>[];
  /** Of what the model makes, while it is trained. */
  readonly snapshots?: readonly Snapshot[];
  /** Of weights and gradients, at the ends of epochs. */
  readonly spreads?: readonly EpochSpreads[];
}

export interface Snapshot {
  /** Epochs that were complete. */
  readonly epoch: number;
  /** A PNG as base64. */
  readonly image: string;
}

export interface Checkpoint {
  readonly position: Position;
  readonly state: EngineState;
  readonly best: EngineState | undefined;
}

/**
 * Layout: magic, header length (uint32), header (JSON), float32 values of all tensors, SHA-256 of everything before it; all
 * little-endian. The trailer tells a torn file from a whole one.
 */
const MAGIC = Buffer.from('PRNLCKP1', 'latin1');
const TRAILER_BYTES = 32;

interface Header {
  /** Absent in checkpoints of 0.1.0. */
  readonly formatVersion?: 1;
  /** Digest of what the training depends on: a checkpoint of another training is not used. */
  readonly binding: string;
  readonly position: Position;
  readonly tensors: readonly { readonly name: string; readonly length: number }[];
}

const HEADER: StoredKind<Header> = defineStored({
  name: 'header of a checkpoint',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema({
    binding: TEXT,
    position: recordSchema(
      {
        epoch: COUNT,
        batch: COUNT,
        step: COUNT,
        sums: listOf(orNull(NUMBER)),
        counted: orNull(NUMBER),
        rows: COUNT,
        callbacks: listOf(OBJECT),
        history: listOf(OBJECT),
      },
      { bestEpoch: orNull(COUNT), search: OBJECT, snapshots: listOf(recordSchema({ epoch: COUNT, image: TEXT })) },
    ),
    tensors: listOf(recordSchema({ name: TEXT, length: COUNT })),
  }),
  broken: { code: 'CHECKPOINT_CORRUPT', hint: 'The checkpoint before it is used.' },
});

export function encodeCheckpoint(binding: string, checkpoint: Checkpoint): Buffer[] {
  const tensors = [...prefixed('state/', checkpoint.state), ...prefixed('best/', checkpoint.best ?? new Map())];
  const header: Header = {
    formatVersion: 1,
    binding,
    position: checkpoint.position,
    tensors: tensors.map(([name, values]) => ({ name, length: values.length })),
  };
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const parts = [MAGIC, length, text, ...tensors.map(([, values]) => Buffer.from(values.buffer, values.byteOffset, values.byteLength))];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return [...parts, hash.digest()];
}

function prefixed(prefix: string, tensors: EngineState): [string, Float32Array][] {
  return [...tensors].map(([name, values]) => [prefix + name, values]);
}

/** @throws CHECKPOINT_CORRUPT for a file that is torn, changed, or no checkpoint */
export function decodeCheckpoint(bytes: Buffer): { readonly binding: string; readonly checkpoint: Checkpoint } {
  const body = bytes.subarray(0, Math.max(0, bytes.length - TRAILER_BYTES));
  const whole = body.length > MAGIC.length + 4 && createHash('sha256').update(body).digest().equals(bytes.subarray(body.length));
  if (!whole || !body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new PerennialError('CHECKPOINT_CORRUPT', `The checkpoint is torn: ${bytes.length} bytes that do not match their digest.`);
  const start = MAGIC.length + 4;
  const end = start + body.readUInt32LE(MAGIC.length);
  const header = readStored(HEADER, JSON.parse(body.toString('utf8', start, end)), 'The checkpoint');
  const state = new Map<string, Float32Array>();
  const best = new Map<string, Float32Array>();
  let offset = end;
  for (const { name, length } of header.tensors) {
    // A copy: the offset in the file need not be aligned.
    const values = new Float32Array(new Uint8Array(body.subarray(offset, offset + 4 * length)).buffer);
    offset += 4 * length;
    if (name.startsWith('best/')) best.set(name.slice(5), values);
    else state.set(name.slice(6), values);
  }
  return { binding: header.binding, checkpoint: { position: header.position, state, best: best.size > 0 ? best : undefined } };
}

const NAME = /^\d{10}\.ckpt$/;

/** The checkpoints of one training in a local folder, named by the number of updates. */
export class CheckpointFolder {
  readonly #dir: string;
  readonly #binding: string;
  readonly #keep: number;

  constructor(dir: string, binding: string, keep: number) {
    this.#dir = dir;
    this.#binding = binding;
    this.#keep = keep;
    mkdirSync(dir, { recursive: true });
  }

  /** Newest first. */
  names(): string[] {
    return readdirSync(this.#dir)
      .filter((name) => NAME.test(name))
      .sort()
      .reverse();
  }

  /** Written beside, flushed, renamed: a reader sees a whole checkpoint or none. Older ones beyond the number to keep go. */
  write(checkpoint: Checkpoint): string {
    const name = `${String(checkpoint.position.step).padStart(10, '0')}.ckpt`;
    const path = join(this.#dir, name);
    const temporary = `${path}.${process.pid}.tmp`;
    const file = openSync(temporary, 'w');
    try {
      for (const part of encodeCheckpoint(this.#binding, checkpoint)) writeAll(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const folder = openSync(this.#dir, 'r');
    fsyncSync(folder);
    closeSync(folder);
    for (const old of this.names().slice(this.#keep)) rmSync(join(this.#dir, old), { force: true });
    return path;
  }

  /**
   * The newest checkpoint of this training that is whole. Others are removed, and said so: a torn one makes room for the one before,
   * and one of another training can never be used here.
   */
  latest(notice: (message: string) => void): Checkpoint | undefined {
    for (const leftover of readdirSync(this.#dir).filter((name) => name.endsWith('.tmp')))
      rmSync(join(this.#dir, leftover), { force: true });
    for (const name of this.names()) {
      const path = join(this.#dir, name);
      try {
        const { binding, checkpoint } = decodeCheckpoint(readFileSync(path));
        if (binding === this.#binding) return checkpoint;
        notice(`checkpoint ${name} belongs to another configuration or other data and is not used`);
      } catch (error) {
        notice(`checkpoint ${name} is skipped: ${messageOf(error)}`);
      }
      rmSync(path, { force: true });
    }
    return undefined;
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset, bytes.length - offset);
}
