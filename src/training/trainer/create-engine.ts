import { PerennialError, messageOf } from '../../core/errors.ts';
import { GraphEngine } from '../graph/graph-engine.ts';
import type { GraphSizes } from '../graph/graph-engine.ts';
import type { Tf } from '../tensorflow/tf.ts';
import { EagerEngine } from './eager-engine.ts';
import type { TrainingEngine } from './engine.ts';
import type { EngineRequest } from './update-rule.ts';

/** "auto": compiled where the model can be recorded into a graph, else eager, with a notice. */
export type EngineChoice = 'auto' | 'compiled' | 'eager';

export interface ChosenEngine {
  readonly engine: TrainingEngine;
  /** Why a compiled engine was wanted and is not there. */
  readonly reason?: string;
}

/** @throws MODEL_INVALID where "compiled" was asked for and cannot be had */
export function createEngine(tf: Tf, request: EngineRequest, sizes: GraphSizes, choice: EngineChoice): ChosenEngine {
  if (choice === 'eager') return { engine: new EagerEngine(tf, request) };
  try {
    return { engine: new GraphEngine(tf, request, sizes) };
  } catch (error) {
    const reason = messageOf(error).split('\n')[0]!;
    if (choice === 'compiled') {
      throw new PerennialError('MODEL_INVALID', `The model cannot be compiled: ${reason}.`, {
        hint: 'Leave "engine" out, so that such a model is trained operation by operation.',
        cause: error,
      });
    }
    return { engine: new EagerEngine(tf, request), reason };
  }
}
