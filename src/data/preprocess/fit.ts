import { PerennialError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { applyChain, applyWholeChain, checkChain, kindOf } from './chain.ts';
import type { FittedLink, Link } from './chain.ts';
import type { ColumnData, ImageData } from '../transforms/column-data.ts';
import { FEATURES } from './fitted-column.ts';
import type { FittedColumn } from './fitted-column.ts';
import type { Fitter } from '../transforms/transform.ts';
import type { Column } from '../stored/column.ts';

/** Runs over the train split once, with the named columns. */
export type TrainPass = (
  names: readonly string[],
) => AsyncIterable<{ readonly firstRow: number; readonly columns: ReadonlyMap<string, ColumnData> }>;

interface Work {
  readonly column: Column;
  readonly links: readonly Link[];
  readonly fitted: FittedLink[];
}

const scopeOf = (column: string, seed: number, firstRow: number) => ({ column, seed, firstRow });

/** Takes over the transforms that learn nothing; stops at one that does. */
function advance(work: Work): Link | undefined {
  for (;;) {
    const link = work.links[work.fitted.length];
    if (link === undefined || link.definition.fit !== undefined) return link;
    work.fitted.push({ ...link, state: null });
  }
}

function emptyColumn(column: Column, size?: readonly [number, number]): ColumnData {
  const kind = kindOf(column.type);
  if (kind === 'text') return { kind, values: [] };
  return kind === 'image' ? { kind, channels: 3, size: size ?? null, values: [] } : { kind: kind as 'number', values: new Float64Array(0) };
}

function missingColumn(column: Column, size?: readonly [number, number]): ColumnData {
  const kind = kindOf(column.type);
  if (kind === 'text') return { kind, values: [null] };
  return kind === 'image'
    ? { kind, channels: 3, size: size ?? null, values: [null] }
    : { kind: kind as 'number', values: Float64Array.of(Number.NaN) };
}

/** Hears of what was learnt, and in which pass over the data. */
export type NoteTaker = (text: string, pass: number) => void;

async function fitPass(works: readonly Work[], pass: TrainPass, seed: number, note: (text: string) => void): Promise<void> {
  const pending = works.filter((work) => advance(work) !== undefined);
  const fitters = new Map<Work, Fitter<Json>>();
  for (const work of pending) {
    const link = work.links[work.fitted.length]!;
    const { kind } = await applyChain(emptyColumn(work.column), work.fitted, scopeOf(work.column.name, seed, 0));
    fitters.set(work, link.definition.fit!(link.config, { ...scopeOf(work.column.name, seed, 0), kind }));
  }
  for await (const { firstRow, columns } of pass(pending.map((work) => work.column.name))) {
    for (const [work, fitter] of fitters)
      fitter.add(await applyChain(columns.get(work.column.name)!, work.fitted, scopeOf(work.column.name, seed, firstRow)));
  }
  for (const [work, fitter] of fitters) {
    work.fitted.push({ ...work.links[work.fitted.length]!, state: finite(fitter.finish(), work) });
    for (const text of fitter.notes?.() ?? []) note(text);
  }
}

/** What was learnt, unless sums over huge values have left what a double holds. @throws DATA_INVALID */
function finite(state: Json, { column, links, fitted }: Work): Json {
  const holds = (value: Json): boolean =>
    typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'object' || value === null || Object.values(value).every(holds);
  if (holds(state)) return state;
  throw new PerennialError(
    'DATA_INVALID',
    `features.${column.name}: the values are too large for the statistics of "${links[fitted.length]!.definition.name}": they overflow.`,
    { hint: `Put {"clip": [low, high]} before it, or divide "${column.name}" in the source.` },
  );
}

/** Size of the first image, for columns whose images no transform resizes. */
async function imageSize(work: Work, pass: TrainPass, seed: number): Promise<[number, number] | undefined> {
  if (work.column.type !== 'image') return undefined;
  const probe = await applyChain(emptyColumn(work.column), work.fitted, scopeOf(work.column.name, seed, 0));
  if ((probe.kind === 'image' && probe.size !== null) || (probe.kind === 'pixels' && probe.shape[0] > 0)) return undefined;
  for await (const { columns } of pass([work.column.name])) {
    const image = (columns.get(work.column.name) as ImageData).values.find((item) => item !== null);
    if (image) return [image.height, image.width];
  }
  throw new PerennialError('DATA_INVALID', `Column "${work.column.name}" holds no image in the train split.`);
}

async function specOf({ column, fitted }: Work, size: [number, number] | undefined, seed: number): Promise<FittedColumn['spec']> {
  const result = await applyWholeChain(emptyColumn(column, size), fitted, scopeOf(column.name, seed, 0));
  switch (result.kind) {
    case 'number':
      return { name: FEATURES, shape: [1], dtype: 'float32', parts: [column.name] };
    case 'vector':
      return {
        name: FEATURES,
        shape: [result.width],
        dtype: 'float32',
        parts: result.parts.map((part) => (part === '' ? column.name : `${column.name}: ${part}`)),
      };
    case 'tokens':
      return { name: column.name, shape: [result.length], dtype: 'int32', vocabularySize: result.vocabularySize };
    case 'pixels':
      return { name: column.name, shape: [...result.shape], dtype: 'float32', ...rangeOf(fitted) };
    case 'image':
      return { name: column.name, shape: [result.size![0], result.size![1], result.channels], dtype: 'uint8' };
    default:
      throw new PerennialError(
        'CONFIG_INVALID',
        `features.${column.name}: ${checkChain([], result.kind)?.message ?? 'no tensor follows from it'}`,
        { hint: checkChain([], result.kind)?.fix ?? '' },
      );
  }
}

/** What pixels from 0 to 255 became, where nothing changed them after that. */
function rangeOf(fitted: readonly FittedLink[]): { range?: readonly [number, number] } {
  const last = fitted.at(-1);
  if (last?.definition.name !== 'rescale') return {};
  const { low, high } = last.config as { low: number; high: number };
  return { range: [low, high] };
}

/** Whether a row without this column can be served: its transforms make something finite of a missing value. */
async function isRequired({ column, fitted }: Work, size: [number, number] | undefined, seed: number): Promise<boolean> {
  try {
    const result = await applyWholeChain(missingColumn(column, size), fitted, scopeOf(column.name, seed, 0));
    if (result.kind === 'number' || result.kind === 'vector' || result.kind === 'pixels')
      return !result.values.every((value) => Number.isFinite(value));
    return result.kind === 'image';
  } catch (error) {
    if (error instanceof PerennialError) return true;
    throw error;
  }
}

/**
 * Learns the transforms of all columns from the train split: one pass over the data per level of the longest chain of learning
 * transforms, each with only the columns that need it.
 *
 * @param note hears what a reader of the run should know of what was learnt
 * @throws DATA_INVALID, CONFIG_INVALID
 */
export async function fitColumns(
  chains: readonly { readonly column: Column; readonly links: readonly Link[] }[],
  pass: TrainPass,
  seed: number,
  note: NoteTaker = () => undefined,
): Promise<FittedColumn[]> {
  const works: Work[] = chains.map(({ column, links }) => ({ column, links, fitted: [] }));
  for (let number = 0; works.some((work) => advance(work) !== undefined); number += 1)
    await fitPass(works, pass, seed, (text) => note(text, number));
  const columns: FittedColumn[] = [];
  for (const work of works) {
    const size = await imageSize(work, pass, seed);
    const spec = await specOf(work, size, seed);
    const required = await isRequired(work, size, seed);
    columns.push({
      name: work.column.name,
      type: work.column.type,
      required,
      links: work.fitted,
      spec,
      ...(size === undefined ? {} : { size }),
    });
  }
  const taken = columns.find(
    (column) =>
      column.spec.name === column.name && (column.name === FEATURES || column.name === '@label') && column.spec.dtype !== 'float32',
  );
  if (taken !== undefined)
    throw new PerennialError('CONFIG_INVALID', `The column "${taken.name}" makes an input of its own, and that name is taken.`, {
      hint: 'Rename the column in the source.',
    });
  return columns;
}
