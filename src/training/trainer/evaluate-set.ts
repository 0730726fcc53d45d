import type { Objective } from '../objectives/objective.ts';
import type { TrainingEngine } from './engine.ts';
import type { RowReader } from './row-reader.ts';

export const EVALUATED_ROWS = 256;

/** Most rows that are evaluated at once. */
export function evaluatedRows({ evaluatedRows: few = EVALUATED_ROWS }: Pick<Objective, 'evaluatedRows'>): number {
  return few;
}

/** Loss and metrics over the rows of a set, or its first ones: sums over batches, divided once. */
export async function evaluateSet(
  engine: TrainingEngine,
  reader: RowReader,
  objective: Objective,
  breathe: () => Promise<void>,
  most = Infinity,
): Promise<Record<string, number>> {
  const total = Math.min(reader.rows, most);
  const atOnce = evaluatedRows(objective);
  let counted = 0;
  const sums: Record<string, number> = { loss: 0 };
  for (let start = 0; start < total; start += atOnce) {
    const rows = Math.min(atOnce, total - start);
    const batch = objective.batch(reader.read(start, rows));
    const outcome = engine.evaluate(batch);
    counted += objective.count?.(batch) ?? rows;
    sums.loss! += outcome.loss;
    for (const [name, sum] of Object.entries(outcome.metrics)) sums[name] = (sums[name] ?? 0) + sum;
    await breathe();
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / counted]));
}
