import type { IngestConfig } from './ingest-config.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Database } from '../table/duckdb.ts';
import { INTEGER_CLASSES_MAX } from './label-columns.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { keptKind } from './reference-classes.ts';
import type { KnownLabel, ReferenceSchema } from './reference-schema.ts';

/** What a label is learnt as. */
export interface JudgedLabel {
  readonly classes: boolean;
  /** As the last version learnt it, where its values alone would say something else. */
  readonly kept?: KnownLabel['kind'];
  readonly notes: string[];
}

/** @throws LABEL_INVALID for what cannot be learnt */
export async function checkLabel(
  db: Database,
  label: TypedColumn,
  config: IngestConfig,
  names: readonly string[],
  reference: ReferenceSchema | undefined,
): Promise<JudgedLabel> {
  const where = `label "${label.name}"`;
  if (label.type === 'image' || label.type === 'timestamp')
    throw new PerennialError('LABEL_INVALID', `The ${where} is a column of ${label.type}s; a label is text, true/false or a number.`, {
      hint: `Choose one of: ${names.filter((name) => name !== label.name).join(', ')}${label.type === 'timestamp' ? `; or declare "columns": {${JSON.stringify(label.name)}: "string"} where each date is a class` : ''}.`,
    });
  const [facts] = await db.rows(`SELECT count(DISTINCT ${label.id}), CAST(min(${label.id}) AS VARCHAR), count(*) FROM data`);
  const distinct = Number(facts![0]);
  if (distinct < 2)
    throw new PerennialError(
      'LABEL_INVALID',
      `The ${where} is constant: all ${String(facts![2])} rows are "${String(facts![1])}". There is nothing to learn.`,
      { hint: 'A label needs at least two distinct values; check "label", "window" and the source.' },
    );
  const own = label.type === 'string' || label.type === 'boolean' || (label.type === 'integer' && distinct <= INTEGER_CLASSES_MAX);
  const kind = reference === undefined ? undefined : keptKind(reference, label, distinct);
  const classes = kind === undefined ? own : kind === 'classes';
  const kept = classes === own ? {} : { kept: kind! };
  const stays =
    reference === undefined || classes === own
      ? []
      : [
          `The ${where} has ${distinct} different whole numbers and is learnt as ${classes ? 'classes' : 'a quantity'}, as it was for ${reference.text}.`,
        ];
  if (label.type === 'string' && distinct > 50 && distinct > Number(facts![2]) / 2) {
    throw new PerennialError(
      'LABEL_INVALID',
      `The ${where} has ${distinct} different texts in ${String(facts![2])} rows: it looks like an identifier, not a class.`,
      { hint: `Choose another label, or declare "columns": {"${label.name}": "number"} if it is a quantity.` },
    );
  }
  if (!classes) return { classes, ...kept, notes: stays };
  const single = await db.rows(`SELECT CAST(${label.id} AS VARCHAR) FROM data GROUP BY ${label.id} HAVING count(*) = 1 ORDER BY 1 LIMIT 5`);
  const stratified = config.split?.stratify === true;
  const notes = single.map(
    (row) =>
      `The class "${String(row[0])}" of ${where} has one row; ${stratified ? 'it goes to the train split, so validation and test never see this class' : 'it falls into one split only: use "stratify": true to have it trained on'}.`,
  );
  return { classes, ...kept, notes: [...stays, ...notes] };
}

/** @throws SPLIT_INVALID where the train split lacks a class */
export async function checkTrainClasses(db: Database, label: TypedColumn): Promise<void> {
  const absent = await db.rows(
    `SELECT CAST(${label.id} AS VARCHAR), count(*) FROM rows GROUP BY ${label.id} HAVING count_if(split = 'train') = 0 ORDER BY 1 LIMIT 5`,
  );
  if (absent.length > 0) {
    throw new PerennialError(
      'SPLIT_INVALID',
      `The train split holds no row of ${absent.map((row) => `"${String(row[0])}" (${String(row[1])} rows in all)`).join(', ')}: such classes cannot be learnt.`,
      { hint: 'Use "stratify": true, another seed, or more rows of these classes.' },
    );
  }
}
