import { ExactSum } from './exact-sum.ts';
import { undefinedMetric } from '../metric.ts';
import type { TokenChunk } from '../metric.ts';

/** How well next tokens were foreseen, over all places of a set. */
export interface TokenState {
  rows: number;
  hits: number;
  readonly losses: ExactSum;
}

/** What metrics of language models gather. */
export const foreseen = {
  init: (): TokenState => ({ rows: 0, hits: 0, losses: new ExactSum() }),
  update(state: TokenState, { rows, losses, hits }: TokenChunk): void {
    for (let place = 0; place < rows; place++) {
      state.losses.add(losses[place]!);
      state.hits += hits[place]!;
    }
    state.rows += rows;
  },
  merge(state: TokenState, other: TokenState): void {
    state.losses.merge(other.losses);
    state.hits += other.hits;
    state.rows += other.rows;
  },
  /** In nats. */
  meanLoss(metric: string, { rows, losses }: TokenState): number {
    if (rows === 0) throw undefinedMetric(metric, 'the texts have no token that follows another');
    return losses.value() / rows;
  },
};
