import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../src/reports/tensorboard/crc32c.ts';
import { trainingEvents } from '../../../src/reports/tensorboard/training-events.ts';
import type { ShownTraining } from '../../../src/reports/tensorboard/training-events.ts';
import { writeEvents } from '../../../src/reports/tensorboard/write-events.ts';
import { tempDir } from '../../support/temp-dir.ts';

const here = import.meta.dirname;
const read = <T>(name: string): T => JSON.parse(readFileSync(join(here, name), 'utf8')) as T;
const training = read<ShownTraining>('training.json');

/** What TensorBoard read of the very bytes (`make_tensorboard.py`). */
interface Golden {
  readonly bytes: string;
  readonly read: {
    readonly scalars?: Readonly<Record<string, readonly (readonly [wall: number, step: number, value: number])[]>>;
    readonly histograms?: Readonly<Record<string, readonly unknown[]>>;
    readonly images?: Readonly<Record<string, readonly unknown[]>>;
    readonly texts?: Readonly<Record<string, readonly unknown[]>>;
    readonly hparams?: Readonly<Record<string, unknown>>;
    readonly graph?: readonly (readonly unknown[])[];
  };
}

test('the checksum is the one of RFC 3720', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))).toBe(0x46dd794e);
});

describe('of a training that failed', () => {
  const folder = process.env['EVENTS'];
  if (folder !== undefined)
    test('its events are written for the real TensorBoard to read', async () => {
      mkdirSync(folder, { recursive: true });
      await writeEvents(folder, training);
    });
  const golden = read<Record<string, Golden>>('tensorboard.json');
  const root = `${training.pipeline}/${training.run}/${training.step}`;
  const of = (part: string): Golden => golden[part === '' ? root : `${root}/${part}`]!;

  test('the bytes are those that TensorBoard itself writes and has read', () => {
    const events = trainingEvents(training);
    expect(Object.keys(events).sort()).toEqual(['', 'train', 'validation']);
    for (const [part, bytes] of Object.entries(events)) expect(bytes.toString('base64')).toBe(of(part).bytes);
  });

  test('it reads each epoch once, under the usual tags, on the side that it is of', () => {
    const { scalars } = of('train').read;
    expect(Object.keys(scalars!)).toEqual(['epoch_learning_rate', 'epoch_loss']);
    expect(scalars!['epoch_loss']).toEqual([
      [1769881502, 1, 0.75],
      [1769881503.25, 2, Math.fround(0.1)],
      [1769881504.25, 3, Math.fround(1e-9)],
    ]);
    expect(of('validation').read.scalars).toEqual({
      epoch_accuracy: [
        [1769881502, 1, 0.25],
        [1769881504.25, 3, 1],
      ],
      epoch_loss: [
        [1769881502, 1, 0.5],
        [1769881504.25, 3, 300000.5],
      ],
    });
  });

  test('it reads histograms, pictures, texts, the network and the hyperparameters', () => {
    expect(of('train').read.histograms).toEqual({
      'weights/dense_1/kernel': [[1769881503.25, 2, -1, 0.5, 48, 3.5, 9.25, [-0.5, 0, 0.5], [1, 20, 27]]],
    });
    const { image } = training.pictures![0]!;
    expect(of('train').read.images!['samples']).toEqual([
      [1769881502, 0, 2, 1, image],
      [1769881503.25, 2, 2, 1, image],
    ]);
    const { texts, graph, hparams, images } = of('').read;
    expect(Object.keys(texts!)).toEqual(['failure', 'mistakes/1', 'settings']);
    expect(Object.keys(images!)).toEqual(['mistakes/1']);
    expect(graph).toContainEqual(['output/dense', 'dense', ['dense_1/dense', 'output/kernel'], [[-1, 2]]]);
    expect(hparams).toEqual({
      '_hparams_/session_start_info': {
        group: root,
        start: 1769881501.5,
        hparams: { epochs: 6, 'model.architecture': 'mlp', 'model.units': '[8,4]', rate: 0.001, shuffle: true, title: 'Größe' },
      },
      '_hparams_/session_end_info': { status: 2, end: 1769881504.25 },
    });
  });
});

test('a file that is there is gone on with; one that says something else is replaced', async () => {
  const folder = tempDir('events');
  const running = { ...training, state: 'running', samples: [], points: training.points.slice(0, 1) } as const;
  const { why: _why, ...begun } = running;
  const own = await writeEvents(folder, begun);
  const [name] = readdirSync(join(own, 'train')).filter((one) => one.includes('tfevents'));
  const before = readFileSync(join(own, 'train', name!));
  await writeEvents(folder, { ...begun, points: training.points });
  const after = readFileSync(join(own, 'train', name!));
  expect(after.subarray(0, before.length).equals(before)).toBe(true);
  expect(after.equals(trainingEvents({ ...begun, points: training.points })['train']!)).toBe(true);
  await writeEvents(folder, { ...begun, points: training.points.map((point) => ({ ...point, numbers: { loss: 2 } })) });
  expect(readdirSync(join(own, 'train'))).toEqual([name!.replace(/0$/, '1')]);
});
