import type { Objective } from '../objective.ts';
import type { TrainingEngine } from './engine.ts';
import type { RowReader } from './row-reader.ts';

/** Most rows that are evaluated at once. */
export const EVALUATED_ROWS = 256;

/** Loss and metrics over the rows of a set, or its first ones: sums over batches, divided once. */
export async function evaluateSet(engine: TrainingEngine, reader: RowReader, objective: Objective, breathe: () => Promise<void>, most = Infinity): Promise<Record<string, number>> {
  const total = Math.min(reader.rows, most);
  const sums: Record<string, number> = { loss: 0 };
  for (let start = 0; start < total; start += EVALUATED_ROWS) {
    const rows = Math.min(EVALUATED_ROWS, total - start);
    const outcome = engine.evaluate(objective.batch(reader.read(start, rows)));
    sums.loss! += outcome.loss;
    for (const [name, sum] of Object.entries(outcome.metrics)) sums[name] = (sums[name] ?? 0) + sum;
    await breathe();
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total]));
}
