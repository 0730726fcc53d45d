import { answerTasks } from '../../platform/threads.ts';
import { boostTrees } from '../trees/boosted-trees.ts';
import type { Matrix } from '../trees/boosted-trees.ts';
import { BOOSTING } from './boosting.ts';

export interface LossTask {
  readonly features: Matrix;
  readonly targets: Float64Array;
}

answerTasks<LossTask, null>(
  () =>
    ({ features, targets }) =>
      boostTrees(features, targets, BOOSTING),
);
