import { PerennialError } from '../../core/errors.ts';
import { ownValue } from '../../core/json.ts';
import type { LabelOutput, OutputSpec, Tensor } from '../../core/tensor.ts';
import { INTEGER_CLASSES_MAX } from '../ingest/label-columns.ts';
import { countCategories, finiteOf, mapNumbers, Moments, numbersOfCategories, rangeOf } from '../transforms/transform.ts';
import { codedText } from '../transforms/column-data.ts';
import type { ColumnData, NumberData } from '../transforms/column-data.ts';
import { labelName, labelsOf } from '../stored/examples.ts';
import type { TrainPass } from './fit.ts';
import type { TransformSpec } from './chain.ts';
import type { Column } from '../stored/column.ts';
import type { DatasetMeta } from '../stored/dataset.ts';

export type Task = 'auto' | 'classification' | 'regression';

/** A label's values as categories, whose names are those of its classes: text as it is, true/false, whole numbers. */
export function classesOf(data: ColumnData, type: Column['type']): ColumnData {
  if (type !== 'boolean') return data;
  return codedText(
    Int32Array.from((data as NumberData).values, (value) => (Number.isNaN(value) ? -1 : value)),
    ['false', 'true'],
  );
}

/** How often each class occurs. @throws LABEL_INVALID where one is missing */
export async function countClasses(pass: TrainPass, column: Column): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { columns, firstRow } of pass([column.name])) {
    const missing = countCategories(classesOf(columns.get(column.name)!, column.type), counts);
    if (missing >= 0) throw new PerennialError('LABEL_INVALID', `row ${firstRow + missing}: the label "${column.name}" is missing.`);
  }
  return counts;
}

export interface LabelRequest {
  readonly column: Column;
  readonly task: Task;
  /** undefined: a number is standardized, since a network learns targets of another size slowly or not at all. */
  readonly transforms: readonly TransformSpec[] | undefined;
  /** All splits, and the train split alone. */
  readonly all: TrainPass;
  readonly train: TrainPass;
}

async function numberSpec({ column, transforms, train }: LabelRequest): Promise<LabelOutput> {
  const [first = undefined, ...further] = transforms ?? ['standardize'];
  const name = typeof first === 'object' ? Object.keys(first)[0] : first;
  if (further.length > 0 || (name !== undefined && name !== 'standardize' && name !== 'minMax')) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `label: a numeric label takes one of "standardize" and "minMax", not ${JSON.stringify(transforms)}.`,
      { hint: 'Only these can be undone exactly in every answer and metric.' },
    );
  }
  if (name === undefined) return { kind: 'number', name: column.name, width: 1 };
  const moments = new Moments();
  for await (const { columns } of train([column.name])) moments.addAll(finiteOf(columns.get(column.name)!, column.name));
  const scale =
    name === 'standardize' ? { mean: moments.mean, std: moments.scale } : { mean: moments.min, std: rangeOf(moments.min, moments.max) };
  return { kind: 'number', name: column.name, width: 1, scale };
}

/** Scaling and task of the label: for the only one, or by the name of each of several. */
export interface LabelConfig {
  readonly label?: readonly TransformSpec[] | Readonly<Record<string, readonly TransformSpec[]>>;
  readonly task?: Task | Readonly<Record<string, Task>>;
}

/** What labels are learnt as where the document leaves it open, as the dataset says. */
export type LabelKinds = DatasetMeta['labelKinds'];

/**
 * What the model will predict. Classes are those of all splits, sorted by code unit; each must be in the train split.
 *
 * @param columns of the labels: none, one or several
 * @throws LABEL_INVALID, SPLIT_INVALID, CONFIG_INVALID
 */
export async function fitOutput(
  columns: readonly Column[],
  config: LabelConfig,
  all: TrainPass,
  train: TrainPass,
  kinds?: LabelKinds,
): Promise<OutputSpec> {
  const [first, ...further] = columns;
  if (first === undefined) {
    if ((config.label !== undefined && Object.keys(config.label).length > 0) || (config.task ?? 'auto') !== 'auto')
      throw new PerennialError('CONFIG_INVALID', 'The preprocess step treats a label, but the dataset has none.', {
        hint: 'Name the label in the ingest step.',
      });
    return { kind: 'none', name: '' };
  }
  const names = columns.map(({ name }) => name);
  const transforms = byLabel(config.label, names, 'label', (value): value is readonly TransformSpec[] => Array.isArray(value));
  const tasks = byLabel(config.task, names, 'task', (value): value is Task => typeof value === 'string');
  const outputs: LabelOutput[] = [];
  for (const column of [first, ...further])
    outputs.push(
      await fitLabel({
        column,
        task: taskOf(tasks(column.name), ownValue(kinds, column.name)),
        transforms: transforms(column.name),
        all,
        train,
      }),
    );
  return outputs.length === 1 ? outputs[0]! : { kind: 'several', name: names.join(', '), outputs };
}

/** What the document says, else what the dataset knows. */
function taskOf(said: Task | undefined, kind: 'classes' | 'number' | undefined): Task {
  if (said !== undefined && said !== 'auto') return said;
  return kind === undefined ? 'auto' : kind === 'classes' ? 'classification' : 'regression';
}

/** A setting of the only label, or of each of several by its name. @throws CONFIG_INVALID */
function byLabel<T>(
  setting: T | Readonly<Record<string, T>> | undefined,
  labels: readonly string[],
  key: string,
  single: (value: unknown) => value is T,
): (label: string) => T | undefined {
  if (setting === undefined) return () => undefined;
  if (single(setting)) {
    if (labels.length === 1 || setting === 'auto') return () => setting;
    throw new PerennialError(
      'CONFIG_INVALID',
      `${key}: there are ${labels.length} labels, ${labels.map((name) => `"${name}"`).join(' and ')}, and ${JSON.stringify(setting)} does not say which it is for.`,
      { hint: `Write { "${labels[0]}": ${JSON.stringify(setting)} }.` },
    );
  }
  const named = setting;
  const unknown = Object.keys(named).find((name) => !labels.includes(name));
  if (unknown !== undefined)
    throw new PerennialError(
      'CONFIG_INVALID',
      `${key}: "${unknown}" is no label; ${labels.map((name) => `"${name}"`).join(' and ')} ${labels.length === 1 ? 'is' : 'are'}.`,
      { hint: 'Name the labels in the ingest step.' },
    );
  return (label) => (Object.hasOwn(named, label) ? named[label] : undefined);
}

async function fitLabel(request: LabelRequest): Promise<LabelOutput> {
  const { column, task, all, train } = request;
  const transforms = request.transforms ?? [];
  const numeric = column.type === 'number' || column.type === 'integer';
  if (task === 'regression' && !numeric)
    throw new PerennialError('CONFIG_INVALID', `task: the label "${column.name}" is a ${column.type} column; regression needs numbers.`);
  if (task === 'regression' || (column.type === 'number' && task === 'auto') || (numeric && transforms.length > 0 && task === 'auto'))
    return numberSpec(request);
  const classes = await countClasses(all, column);
  if (column.type === 'integer' && task === 'auto' && classes.size > INTEGER_CLASSES_MAX) return numberSpec(request);
  if (transforms.length > 0)
    throw new PerennialError(
      'CONFIG_INVALID',
      `label: "${column.name}" is predicted as classes, which take no transforms, not ${JSON.stringify(transforms)}.`,
      { hint: 'Remove "label" from the preprocess step.' },
    );
  if (classes.size < 2)
    throw new PerennialError(
      'LABEL_INVALID',
      `The label "${column.name}" has ${classes.size} class left: ${[...classes.keys()].join(', ')}. There is nothing to learn.`,
    );
  const learnt = await countClasses(train, column);
  const absent = [...classes.keys()].filter((name) => !learnt.has(name)).sort();
  if (absent.length > 0)
    throw new PerennialError(
      'SPLIT_INVALID',
      `The train split holds no row of the class ${absent
        .slice(0, 5)
        .map((name) => `"${name}"`)
        .join(', ')}.`,
      { hint: 'Use "stratify": true in the split of the ingest step.' },
    );
  return { kind: 'classes', name: column.name, classes: [...classes.keys()].sort() };
}

/** The label tensors of a batch. @param columns of the dataset */
export function labelTensors(
  batch: ReadonlyMap<string, ColumnData>,
  columns: readonly Column[],
  output: OutputSpec,
): Record<string, Tensor> {
  return Object.fromEntries(
    labelsOf(output).map((label) => {
      const name = labelName(output, label.name);
      return [name, labelTensor(batch.get(label.name)!, columns.find((column) => column.name === label.name)!.type, label, name)];
    }),
  );
}

function labelTensor(data: ColumnData, type: Column['type'], output: LabelOutput, name: string): Tensor {
  if (output.kind === 'classes') {
    const index = new Map(output.classes.map((known, at) => [known, at]));
    const ids = new Int32Array(numbersOfCategories(classesOf(data, type), (known) => index.get(known ?? '')!));
    return { spec: { name, shape: [1], dtype: 'int32' }, rows: ids.length, data: ids };
  }
  const { mean, std } = output.scale ?? { mean: 0, std: 1 };
  const values = new Float32Array(mapNumbers(data, (value) => (value - mean) / std).values);
  return { spec: { name, shape: [1], dtype: 'float32' }, rows: values.length, data: values };
}
