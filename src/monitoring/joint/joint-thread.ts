import { answerTasks } from '../../platform/threads.ts';
import type { Matrix } from '../trees/boosted-trees.ts';
import { jointRegistry } from './index.generated.ts';

export interface JointTask {
  readonly test: string;
  readonly reference: Matrix;
  readonly current: Matrix;
  readonly seed: number;
}

answerTasks<JointTask, null>(
  () =>
    ({ test, reference, current, seed }) =>
      jointRegistry.get(test).compute(reference, current, seed),
);
