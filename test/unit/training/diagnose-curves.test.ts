import { describe, expect, it } from 'vitest';
import { diagnoseCurves } from '../../../src/training/step/diagnose-curves.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';

const config = completeTrainConfig({ model: { architecture: 'mlp', units: [64, 32], dropout: 0 }, epochs: 20 });
const curve = (epochs: number, loss: (epoch: number) => number, validationLoss: (epoch: number) => number) =>
  Array.from({ length: epochs }, (_, at) => ({ epoch: at + 1, loss: loss(at + 1), validationLoss: validationLoss(at + 1) }));
/** A default network that was left to itself: the validation loss goes from 0.58 to 1.77. */
const overfitted = curve(
  20,
  (epoch) => 0.9 / epoch,
  (epoch) => 0.58 + Math.max(0, epoch - 4) * 0.0744,
);

describe('what the curves of a training tell', () => {
  it('overfitting, with what to write in the document', () => {
    expect(diagnoseCurves({ history: overfitted, keptEpoch: 20 }, config)).toEqual([
      'overfitting: from epoch 1 to 20 the validation loss rose from 0.58 to 1.77 while the training loss fell from 0.9 to 0.045; the weights are those of epoch 20. Try "callbacks": [{ "earlyStopping": {} }] for the weights of the best epoch, or "dropout": 0.3 in "model", or a smaller network, "units": [32,16], or more rows.',
    ]);
    const [kept] = diagnoseCurves({ history: overfitted, keptEpoch: 1 }, { ...config, model: { layers: [] } as never });
    expect(kept).toContain('the weights of epoch 1 are kept. Try a layer { "type": "dropout", "rate": 0.3 }, or more rows.');
  });

  it('underfitting: it ended too early, or learns hardly anything', () => {
    const early = curve(
      20,
      (epoch) => 1 / epoch,
      (epoch) => 1.2 / epoch,
    );
    expect(diagnoseCurves({ history: early, keptEpoch: 20 }, config)[0]).toMatch(/still falling when training ended.*Try "epochs": 40\.$/);
    const flat = curve(
      20,
      () => 0.69,
      () => 0.7,
    );
    expect(diagnoseCurves({ history: flat, keptEpoch: 20 }, config)[0]).toMatch(
      /hardly fell.*Try "learningRate": "find", or a larger network, "units": \[128,64\]\.$/,
    );
  });

  it('nothing of a training that went well, that was stopped in time, or that was never looked at', () => {
    const good = curve(
      20,
      (epoch) => 0.1 + 0.9 ** (4 * epoch),
      (epoch) => 0.12 + 0.9 ** (4 * epoch),
    );
    expect(diagnoseCurves({ history: good, keptEpoch: 20 }, config)).toEqual([]);
    expect(diagnoseCurves({ history: overfitted.slice(0, 5), keptEpoch: 1 }, config)).toEqual([expect.stringContaining('overfitting')]);
    expect(diagnoseCurves({ history: overfitted.map(({ epoch, loss }) => ({ epoch, loss })), keptEpoch: 20 }, config)).toEqual([]);
  });
});
