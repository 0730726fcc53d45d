import { outcomeTable } from '../data/preprocess/column-outcomes.ts';
import { table } from './commands/command.ts';
import type { PlannedModel } from '../planning/plan-model.ts';

/** Columns that are printed; all of them stand in the JSON. */
const COLUMNS_SHOWN = 100;

/** Which column becomes what, as a table with notes below it. */
export function featureLines({ features, notes, exact, rows }: Pick<PlannedModel, 'features' | 'notes' | 'exact' | 'rows'>): string[] {
  if (features.length === 0) return ['as in the model that the preprocessing is taken from', ...notes.map((note) => `note: ${note}`)];
  const decided = features.some(({ why }) => why !== undefined);
  return [
    ...table(outcomeTable(features.slice(0, COLUMNS_SHOWN))).split('\n'),
    ...(features.length > COLUMNS_SHOWN ? [`… and ${features.length - COLUMNS_SHOWN} more columns (--json lists all)`] : []),
    ...(decided && !exact ? [`decided by a look at ${rows.toLocaleString('en')} rows; a run decides by all of its train split`] : []),
    ...notes.map((note) => `note: ${note}`),
  ];
}
