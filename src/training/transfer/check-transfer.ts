import type { ConfigProblem } from '../../core/step.ts';
import type { TransferConfig } from './transfer-config.ts';

/** Mistakes of a model that starts from another one, as far as the configuration shows them. All of them. */
export function checkTransfer(model: TransferConfig, epochs: unknown): ConfigProblem[] {
  const { from, head = 'keep', until, freeze, unfreeze = [], onMissing = 'fail' } = model;
  const problems: ConfigProblem[] = [];
  if (until !== undefined && head === 'keep') {
    problems.push({
      pointer: '/model/until',
      message: 'The head is kept, so nothing ends at "until".',
      fix: 'Give a new head with "head": "replace" or its layers, or remove "until".',
    });
  }
  if (freeze === undefined && unfreeze.length > 0)
    problems.push({
      pointer: '/model/unfreeze',
      message: 'Nothing is frozen that could be unfrozen.',
      fix: 'Say with "freeze" which layers rest at first.',
    });
  if (onMissing !== 'fail' && !('model' in from)) {
    problems.push({
      pointer: '/model/onMissing',
      message: `Only registered models can be missing; this one comes from ${'file' in from ? 'a file' : 'a step of the run'}.`,
      fix: 'Remove "onMissing", or start from { "model": … }.',
    });
  }
  for (const [index, { atEpoch }] of unfreeze.entries()) {
    // A parameter that is itself wrong stands here as text; that is reported where it is wrong.
    if (typeof epochs !== 'number' || typeof atEpoch !== 'number' || atEpoch <= epochs) continue;
    problems.push({
      pointer: `/model/unfreeze/${index}/atEpoch`,
      message: `These layers would be trained from epoch ${atEpoch} on, but there are only ${epochs}.`,
      fix: `Give at most ${epochs}, or more epochs.`,
    });
  }
  return problems;
}
