import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointFolder, decodeCheckpoint, encodeCheckpoint } from '../../../src/training/trainer/checkpoint.ts';
import type { Checkpoint } from '../../../src/training/trainer/checkpoint.ts';
import { codeOf } from '../../support/code-of.ts';
import { tempDir } from '../../support/temp-dir.ts';

const checkpoint = (step: number, best?: Map<string, Float32Array>): Checkpoint => ({
  position: { epoch: 1, batch: 0, step, sums: [], counted: 0, rows: 0, callbacks: [], bestEpoch: null, history: [] },
  state: new Map([['w', Float32Array.of(1, 2)]]),
  best,
});
type Header = Record<string, unknown>;

const sealed = (body: Buffer): Buffer => Buffer.concat([body, createHash('sha256').update(body).digest()]);

describe('a checkpoint', () => {
  it('keeps the best weights apart from the state, and knows that there are none', () => {
    const bytes = Buffer.concat(encodeCheckpoint('b', checkpoint(1)));
    expect(decodeCheckpoint(bytes).checkpoint).toEqual(checkpoint(1));
    const best = new Map([['w', Float32Array.of(9)]]);
    expect(decodeCheckpoint(Buffer.concat(encodeCheckpoint('b', checkpoint(1, best)))).checkpoint).toEqual(checkpoint(1, best));
  });

  it('says its format, and begins with its own mark', () => {
    const bytes = Buffer.concat(encodeCheckpoint('b', checkpoint(1)));
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('PRNLCKP1');
    const header = JSON.parse(bytes.toString('utf8', 12, 12 + bytes.readUInt32LE(8))) as object;
    expect(header).toMatchObject({ formatVersion: 1, binding: 'b', tensors: [{ name: 'state/w', length: 2 }] });
  });

  it('is none where the digest is right and the rest is not', () => {
    const bytes = Buffer.concat(encodeCheckpoint('b', checkpoint(1)));
    const other = Buffer.from(bytes.subarray(0, -32));
    other.write('PRNLCKP9', 'latin1');
    expect(codeOf(() => decodeCheckpoint(sealed(other)))).toBe('CHECKPOINT_CORRUPT');
    for (const length of [0, 8, 12])
      expect(codeOf(() => decodeCheckpoint(sealed(Buffer.from(bytes.subarray(0, length)))))).toBe('CHECKPOINT_CORRUPT');
    for (const length of [0, 1, 31, 32, 33]) expect(codeOf(() => decodeCheckpoint(Buffer.alloc(length)))).toBe('CHECKPOINT_CORRUPT');
  });

  it('is none whose header lacks a member, or holds another thing in its place', () => {
    const bytes = Buffer.concat(encodeCheckpoint('b', checkpoint(1)));
    const end = 12 + bytes.readUInt32LE(8);
    const withHeader = (change: (header: Header) => void): Buffer => {
      const header = JSON.parse(bytes.toString('utf8', 12, end)) as Header;
      change(header);
      const text = Buffer.from(JSON.stringify(header));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return sealed(Buffer.concat([bytes.subarray(0, 8), length, text, bytes.subarray(end, -32)]));
    };
    expect(codeOf(() => decodeCheckpoint(withHeader(() => undefined)))).toBe('none');
    const wrong: ((header: Header) => void)[] = [
      (header) => delete header['binding'],
      (header) => delete header['tensors'],
      (header) => delete header['position'],
      ...['epoch', 'batch', 'step', 'sums', 'rows', 'callbacks', 'history', 'counted'].map((name) => (header: Header) => {
        delete (header['position'] as Header)[name];
      }),
      (header) => void (header['tensors'] = [{ name: 'state/w' }]),
      (header) => void ((header['position'] as Header)['bestEpoch'] = 'x'),
      (header) => void ((header['position'] as Header)['snapshots'] = [{ epoch: 1 }]),
    ];
    for (const change of wrong)
      expect(
        codeOf(() => decodeCheckpoint(withHeader(change))),
        String(change),
      ).toBe('CHECKPOINT_CORRUPT');
  });

  it('takes tensors from any place of a file', () => {
    // The header's length decides where the tensors begin: all four alignments.
    for (const binding of ['b', 'bb', 'bbb', 'bbbb']) {
      const bytes = Buffer.concat([Buffer.alloc(1), ...encodeCheckpoint(binding, checkpoint(1))]).subarray(1);
      expect(decodeCheckpoint(bytes)).toEqual({ binding, checkpoint: checkpoint(1) });
    }
  });
});

describe('the folder of checkpoints', () => {
  it('is made, with what lies above it', () => {
    const dir = join(tempDir('checkpoints'), 'a', 'b');
    expect(new CheckpointFolder(dir, 'mine', 1).names()).toEqual([]);
    expect(existsSync(dir)).toBe(true);
    expect(new CheckpointFolder(dir, 'mine', 1).latest(() => undefined)).toBeUndefined();
  });

  it('holds whole ones under the number of updates, and leaves nothing beside them', () => {
    const dir = tempDir('checkpoints');
    const folder = new CheckpointFolder(dir, 'mine', 2);
    expect(folder.write(checkpoint(12))).toBe(join(dir, '0000000012.ckpt'));
    expect(readdirSync(dir)).toEqual(['0000000012.ckpt']);
    expect(decodeCheckpoint(readFileSync(join(dir, '0000000012.ckpt')))).toEqual({ binding: 'mine', checkpoint: checkpoint(12) });
    for (const step of [3, 4_000_000_000]) folder.write(checkpoint(step));
    expect(folder.names()).toEqual(['4000000000.ckpt', '0000000012.ckpt']);
  });

  it.runIf(process.platform === 'linux')('leaves no file open', () => {
    const folder = new CheckpointFolder(tempDir('checkpoints'), 'mine', 2);
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let step = 0; step < 30; step++) folder.write(checkpoint(step));
    expect(open()).toBeLessThan(before + 15);
  });

  it('removes what a writer left half done, and nothing of others', () => {
    const dir = tempDir('checkpoints');
    const folder = new CheckpointFolder(dir, 'mine', 2);
    folder.write(checkpoint(5));
    for (const name of ['0000000009.ckpt.77.tmp', 'notes.txt', '12.ckpt', '0000000009.ckpt.old', 'x0000000009.ckpt'])
      writeFileSync(join(dir, name), 'x');
    expect(folder.names()).toEqual(['0000000005.ckpt']);
    const notices: string[] = [];
    expect(folder.latest((message) => notices.push(message))).toEqual(checkpoint(5));
    expect(notices).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(['0000000005.ckpt', '0000000009.ckpt.old', '12.ckpt', 'notes.txt', 'x0000000009.ckpt']);
  });

  it('gives none where all are torn or of another training, and removes them', () => {
    const dir = tempDir('checkpoints');
    new CheckpointFolder(dir, 'another', 2).write(checkpoint(5));
    writeFileSync(join(dir, '0000000004.ckpt'), 'torn');
    const notices: string[] = [];
    expect(new CheckpointFolder(dir, 'mine', 2).latest((message) => notices.push(message))).toBeUndefined();
    expect(notices).toEqual([
      'checkpoint 0000000005.ckpt belongs to another configuration or other data and is not used',
      expect.stringMatching(/^checkpoint 0000000004\.ckpt is skipped: .*torn/),
    ]);
    expect(readdirSync(dir)).toEqual([]);
  });
});
