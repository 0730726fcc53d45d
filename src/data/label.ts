import { PerennialError } from '../core/errors.ts';
import type { OutputSpec, Tensor } from '../core/tensor.ts';
import { INTEGER_CLASSES_MAX } from './ingest-tables.ts';
import { categoriesOf, eachFinite, Moments } from './transform.ts';
import type { ColumnData, NumberData } from './column-data.ts';
import { LABEL } from './examples.ts';
import type { TrainPass } from './fit.ts';
import type { TransformSpec } from './chain.ts';
import type { Column } from './types.ts';

export type Task = 'auto' | 'classification' | 'regression';

/** Class names of a label's values: text as it is, true/false, whole numbers. */
export function classNames(data: ColumnData, type: Column['type']): readonly (string | null)[] {
  if (type === 'boolean') return Array.from((data as NumberData).values, (value) => (Number.isNaN(value) ? null : value === 1 ? 'true' : 'false'));
  return categoriesOf(data);
}

export interface LabelRequest {
  readonly column: Column | undefined;
  readonly task: Task;
  /** undefined: a number is standardized, since a network learns targets of another size slowly or not at all. */
  readonly transforms: readonly TransformSpec[] | undefined;
  /** All splits, and the train split alone. */
  readonly all: TrainPass;
  readonly train: TrainPass;
}

async function countClasses(pass: TrainPass, column: Column): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { columns, firstRow } of pass([column.name])) {
    classNames(columns.get(column.name)!, column.type).forEach((name, row) => {
      if (name === null) throw new PerennialError('LABEL_INVALID', `row ${firstRow + row}: the label "${column.name}" is missing.`);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    });
  }
  return counts;
}

async function numberSpec({ column, transforms, train }: LabelRequest & { column: Column }): Promise<OutputSpec> {
  const [first = undefined, ...further] = transforms ?? ['standardize'];
  const name = typeof first === 'object' ? Object.keys(first)[0] : first;
  if (further.length > 0 || (name !== undefined && name !== 'standardize' && name !== 'minMax')) {
    throw new PerennialError('CONFIG_INVALID', `label: a numeric label takes one of "standardize" and "minMax", not ${JSON.stringify(transforms)}.`, { hint: 'Only these can be undone exactly in every answer and metric.' });
  }
  if (name === undefined) return { kind: 'number', name: column.name, width: 1 };
  const moments = new Moments();
  for await (const { columns } of train([column.name])) eachFinite(columns.get(column.name)!, column.name, (value) => moments.add(value));
  const scale = name === 'standardize' ? { mean: moments.mean, std: moments.std || 1 } : { mean: moments.min, std: moments.max - moments.min || 1 };
  return { kind: 'number', name: column.name, width: 1, scale };
}

/**
 * What the model will predict. Classes are those of all splits, sorted by code unit; each must be in the train split.
 *
 * @throws LABEL_INVALID, SPLIT_INVALID, CONFIG_INVALID
 */
export async function labelSpec(request: LabelRequest): Promise<OutputSpec> {
  const { column, task, all, train } = request;
  const transforms = request.transforms ?? [];
  if (column === undefined) {
    if (transforms.length > 0 || task !== 'auto') throw new PerennialError('CONFIG_INVALID', 'The preprocess step treats a label, but the dataset has none.', { hint: 'Name the label in the ingest step.' });
    return { kind: 'none', name: '' };
  }
  const numeric = column.type === 'number' || column.type === 'integer';
  if (task === 'regression' && !numeric) throw new PerennialError('CONFIG_INVALID', `task: the label "${column.name}" is a ${column.type} column; regression needs numbers.`);
  if (task === 'regression' || (column.type === 'number' && task === 'auto') || (numeric && transforms.length > 0 && task === 'auto')) return numberSpec({ ...request, column });
  const classes = await countClasses(all, column);
  if (column.type === 'integer' && task === 'auto' && classes.size > INTEGER_CLASSES_MAX) return numberSpec({ ...request, column });
  if (transforms.length > 0) throw new PerennialError('CONFIG_INVALID', `label: "${column.name}" is predicted as classes, which take no transforms, not ${JSON.stringify(transforms)}.`, { hint: 'Remove "label" from the preprocess step.' });
  if (classes.size < 2) throw new PerennialError('LABEL_INVALID', `The label "${column.name}" has ${classes.size} class left: ${[...classes.keys()].join(', ')}. There is nothing to learn.`);
  const learnt = await countClasses(train, column);
  const absent = [...classes.keys()].filter((name) => !learnt.has(name)).sort();
  if (absent.length > 0) throw new PerennialError('SPLIT_INVALID', `The train split holds no row of the class ${absent.slice(0, 5).map((name) => `"${name}"`).join(', ')}.`, { hint: 'Use "stratify": true in the split of the ingest step.' });
  return { kind: 'classes', name: column.name, classes: [...classes.keys()].sort() };
}

/** The label tensor of a batch. */
export function labelTensor(data: ColumnData, type: Column['type'], output: OutputSpec): Tensor {
  if (output.kind === 'classes') {
    const index = new Map(output.classes.map((name, at) => [name, at]));
    const ids = Int32Array.from(classNames(data, type), (name) => index.get(name ?? '')!);
    return { spec: { name: LABEL, shape: [1], dtype: 'int32' }, rows: ids.length, data: ids };
  }
  const { mean, std } = (output.kind === 'number' ? output.scale : undefined) ?? { mean: 0, std: 1 };
  const values = Float32Array.from((data as NumberData).values, (value) => (value - mean) / std);
  return { spec: { name: LABEL, shape: [1], dtype: 'float32' }, rows: values.length, data: values };
}
