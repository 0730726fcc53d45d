import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { EpochJury } from '../../../src/studies/epoch-jury.ts';
import type { StudyRecord } from '../../../src/studies/stored-study.ts';
import { StudyStore } from '../../../src/studies/study-store.ts';
import { keptBy } from '../../../src/training/callbacks/create-callbacks.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';

const STUDY = 'p/run/tune';
const EPOCHS = 27;

async function juries(kept: string | undefined) {
  const studies = new StudyStore(new MemoryStore());
  const tune = { objectives: [{ name: 'validationLoss', value: 'validationLoss', step: 'train', direction: 'minimize' }] };
  await studies.create({
    formatVersion: 1,
    study: STUDY,
    pipeline: 'p',
    run: 'run',
    state: 'running',
    plan: { documentDir: '/', parameters: {}, step: { id: 'tune', config: { stop: 'asha' }, tune } },
    key: '0',
    startedAt: '2026-01-01T00:00:00Z',
  } as unknown as StudyRecord);
  return async (number: number, losses: readonly number[]) => {
    await studies.begin(STUDY, { formatVersion: 1, number, point: {}, state: 'running', readings: [], startedAt: '2026-01-01T00:00:00Z' });
    const jury = new EpochJury(studies, STUDY, number, { epochs: EPOCHS, keptBy: kept });
    for (const [at, validationLoss] of losses.entries()) {
      const why = await jury.judge([{ epoch: at + 1, validationLoss }]);
      if (why !== undefined) return at + 1;
    }
    return undefined;
  };
}

describe('a trial whose best epoch is behind it', () => {
  // Learns fast, and then by heart: the model that it leaves is that of its second epoch.
  const fast = [1, 0.1, 2, 2, 2, 2, 2, 2, 2, 2];
  const slow = Array.from({ length: 10 }, (_, at) => 3 - at * 0.2);

  test('is as good as that where the training keeps the weights of its best epoch', async () => {
    const train = await juries('validationLoss');
    await train(0, slow);
    await train(1, slow);
    expect(await train(2, fast)).toBeUndefined();
    // And so it is for the others: what has not come so far is behind.
    expect(await train(3, [0.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5])).toBe(3);
  });

  test('is as good as its last epoch where the training keeps that', async () => {
    const train = await juries(undefined);
    await train(
      0,
      slow.map((loss) => loss - 1.5),
    );
    await train(1, slow);
    expect(await train(2, fast)).toBe(3);
  });
});

describe('the number by which a training keeps its weights', () => {
  const of = (config: object): string | undefined => keptBy(completeTrainConfig({ model: { architecture: 'mlp' }, ...config } as never));

  test.each([
    ['by itself', { earlyStopping: 'auto' }, 'validationLoss'],
    ['the last epoch', { earlyStopping: 'off' }, undefined],
    ['declared', { checkpoint: { best: { monitor: 'accuracy' } } }, 'accuracy'],
    ['declared, by default', { checkpoint: { best: {} } }, 'validationLoss'],
    ['of the callback', { callbacks: [{ earlyStopping: { monitor: 'loss' } }] }, 'loss'],
    ['of the callback, switched off', { callbacks: [{ earlyStopping: { restoreBest: false } }] }, undefined],
  ])('%s', (_name, config, expected) => {
    expect(of(config)).toBe(expected);
  });
});
