import { canonicalJson } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { OutputSpec, Row } from '../../core/tensor.ts';
import { labelsOf } from '../../data/stored/examples.ts';
import type { DatasetProfile, SourceReading } from '../../data/stored/dataset.ts';
import type { ReferenceValues } from '../../data/stored/reference-values.ts';
import type { Unread } from '../../storage/unread.ts';
import type { TrainingProfile } from '../detect.ts';
import { readFeedbackLines } from './feedback-reader.ts';
import type { FeedbackRecord } from './feedback-record.ts';

/** The labels of a training, and how the truth that was told becomes a row of their columns. */
export interface LabelReference extends TrainingProfile {
  readonly reading?: SourceReading;
  /** undefined: nothing of it is a label of the model. */
  rowOf(label: NonNullable<FeedbackRecord['label']>): Row | undefined;
}

/**
 * The labels of a model as they were in training: the column `label`, of several `label.NAME`.
 *
 * @param output of the model
 * @returns undefined where it has none, or their column is not known
 */
export function labelReference(
  output: OutputSpec,
  { profile, values, reading }: { readonly profile: DatasetProfile; readonly values?: ReferenceValues; readonly reading?: SourceReading },
): LabelReference | undefined {
  const isSeveral = output.kind === 'several';
  // A label that is a list of numbers is none that somebody tells.
  const labels = labelsOf(output).filter((label) => label.kind === 'classes' || label.width === 1);
  const named = new Map(labels.map(({ name }) => [name, isSeveral ? `label.${name}` : 'label']));
  const columns = profile.columns.flatMap((column) => (named.has(column.name) ? [{ ...column, name: named.get(column.name)! }] : []));
  if (columns.length === 0) return undefined;
  const isText = new Set(columns.filter(({ type }) => type === 'string').map(({ name }) => name));
  // Classes may be told as the numbers that their names are.
  const told = (name: string, value: unknown): unknown => (isText.has(name) && value !== undefined ? String(value) : value);
  return {
    profile: { ...profile, columns },
    ...(values === undefined ? {} : { values: renamedValues(values, named) }),
    ...(reading === undefined ? {} : { reading: renamedReading(reading, named) }),
    rowOf(label) {
      if (typeof label !== 'object') return isSeveral ? undefined : { label: told('label', label) };
      const own = [...named].filter(([name]) => Object.hasOwn(label, name)).map(([name, column]) => [column, told(column, label[name])]);
      return own.length === 0 ? undefined : (Object.fromEntries(own) as Row);
    },
  };
}

function renamedValues(values: ReferenceValues, named: ReadonlyMap<string, string>): ReferenceValues {
  return new Map(
    [...values].flatMap(([name, one]) => (named.has(name) ? [[named.get(name)!, { ...one, name: named.get(name)! }] as const] : [])),
  );
}

function renamedReading(reading: SourceReading, named: ReadonlyMap<string, string>): SourceReading {
  return {
    ...reading,
    columns: reading.columns.flatMap((column) => (named.has(column.name) ? [{ ...column, name: named.get(column.name)! }] : [])),
  };
}

/** What came of one prediction. */
interface Told {
  readonly time: string;
  readonly label: FeedbackRecord['label'] | undefined;
  readonly flag: boolean | undefined;
}

/**
 * Labels that arrived with `from ≤ time < to`, of each prediction the last one. What somebody flagged, as wrong or as right, was chosen for
 * what the answer was, and is left out: it says nothing of how labels are distributed.
 *
 * @param unread is told of lines that cannot be read
 */
export async function labelsBetween(
  store: ObjectStore,
  model: string,
  { from, to, unread }: { readonly from: Date; readonly to: Date; readonly unread: Unread },
): Promise<NonNullable<FeedbackRecord['label']>[]> {
  const latest = new Map<string, Told>();
  for await (const records of readFeedbackLines(store, model, from, unread)) {
    for (const { id, key, time, label, flag } of records) {
      const at = Date.parse(time);
      if (!(at >= from.getTime() && at < to.getTime())) continue;
      const name = canonicalJson([id ?? null, key ?? null]);
      const before = latest.get(name);
      const own: Told = { time, label, flag };
      const [first, last] = before === undefined || before.time <= time ? [before, own] : [own, before];
      latest.set(name, { time: last.time, label: last.label ?? first?.label, flag: last.flag ?? first?.flag });
    }
  }
  return [...latest.values()].flatMap(({ label, flag }) => (label === undefined || flag !== undefined ? [] : [label]));
}
