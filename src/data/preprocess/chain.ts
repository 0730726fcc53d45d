import { andThen } from '../../core/and-then.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import type { ColumnData, DataKind, NumberData, VectorData } from '../transforms/column-data.ts';
import { KIND_NAMES } from '../transforms/column-data.ts';
import type { TransformDefinition, TransformScope } from '../transforms/transform.ts';
import { transformRegistry } from '../transforms/index.generated.ts';
import type { ColumnType } from '../stored/column.ts';

/** A transform as written: its name, or `{ name: value }`. */
export type TransformSpec = string | { readonly [name: string]: Json };

export interface Link {
  readonly definition: TransformDefinition;
  /** As written; null for the bare name. */
  readonly value: Json;
  readonly config: unknown;
}

/** @throws CONFIG_INVALID naming the column and what exists. */
export function parseChain(specs: readonly TransformSpec[], column: string): Link[] {
  return specs.map((spec) => {
    const [name, value] = typeof spec === 'string' ? [spec, null] : (Object.entries(spec)[0] ?? ['', null]);
    if (typeof spec !== 'string' && Object.keys(spec).length !== 1)
      throw new PerennialError(
        'CONFIG_INVALID',
        `features.${column}: a transform is a name or an object with one key, not ${JSON.stringify(spec)}.`,
      );
    const definition = transformRegistry.get(name);
    if (value === null && definition.needsConfig === true)
      throw new PerennialError(
        'CONFIG_INVALID',
        `features.${column}: "${name}" needs a value, for example ${JSON.stringify({ [name]: definition.examples[0]! })}.`,
      );
    // Members that a planner filled in as an empty object mean the defaults.
    const given = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0 ? null : value;
    return { definition, value: given, config: definition.resolve(given) };
  });
}

export function kindOf(type: ColumnType): DataKind {
  if (type === 'string') return 'text';
  return type === 'image' || type === 'timestamp' ? type : 'number';
}

const STARTS: Partial<Record<DataKind, string>> = {
  text: 'Add "oneHot" (categories) or {"tokenize": {…}} (language) at the end.',
  timestamp: 'Add {"cyclical": "year"} or {"dateParts": [...]} at the end.',
};

export interface ChainMistake {
  /** Position in the chain; its length where the end is wrong. */
  readonly at: number;
  readonly message: string;
  readonly fix: string;
}

/**
 * Follows the kinds of data through a chain.
 *
 * @param start kind of the column, or undefined where it is not known yet: then whatever the first transform takes.
 * @returns the first mistake, if any.
 */
export function checkChain(links: readonly Link[], start: DataKind | undefined): ChainMistake | undefined {
  let kinds: readonly DataKind[] = start === undefined ? ['number', 'text', 'timestamp', 'image'] : [start];
  for (const [at, link] of links.entries()) {
    const fitting = kinds.filter((kind) => link.definition.takes.includes(kind));
    if (fitting.length === 0) {
      const takers = transformRegistry
        .all()
        .filter((item) => item.takes.some((kind) => kinds.includes(kind)))
        .map((item) => item.name);
      return {
        at,
        message: `"${link.definition.name}" takes ${link.definition.takes.map((kind) => KIND_NAMES[kind]).join(' or ')}, but gets ${kinds.map((kind) => KIND_NAMES[kind]).join(' or ')}.`,
        fix: takers.length === 0 ? 'Remove it: nothing can follow here.' : `Here can stand: ${takers.join(', ')}.`,
      };
    }
    kinds = [...new Set(fitting.map((kind) => link.definition.gives(kind, link.config)))];
  }
  const beside = links.findIndex(({ definition, config }) => (definition.beside?.(config) ?? []).length > 0);
  if (beside !== -1 && kinds.every((kind) => kind === 'tokens' || kind === 'pixels' || kind === 'image')) {
    return {
      at: beside,
      message: `"${links[beside]!.definition.name}" puts numbers beside the values, and ${KIND_NAMES[kinds[0]!]} make an input of their own, beside which nothing stands.`,
      fix: 'Leave "indicator" out.',
    };
  }
  const open = kinds.filter((kind) => kind === 'text' || kind === 'timestamp');
  if (start !== undefined && open.length === kinds.length)
    return {
      at: links.length,
      message: `The column is still ${KIND_NAMES[kinds[0]!]} after its transforms; a model takes numbers.`,
      fix: STARTS[kinds[0]!] ?? '',
    };
  return undefined;
}

export interface FittedLink extends Link {
  readonly state: Json;
}

/**
 * Runs a batch of one column through fitted transforms. What one of them puts beside the values is carried along, as it is.
 *
 * @returns at once where no transform takes its time
 */
export function applyChain(
  data: ColumnData,
  links: readonly FittedLink[],
  scope: Omit<TransformScope, 'kind'>,
  from = 0,
): ColumnData | Promise<ColumnData> {
  let current = data;
  for (let at = from; at < links.length; at += 1) {
    const link = links[at]!;
    const carried = besideOf(current);
    const functions = numberFunctions(current, links, at, scope.column);
    if (functions.length > 0) {
      const mapped = mapAtOnce(current as NumberData, functions);
      current = carried === undefined ? mapped : { ...mapped, beside: carried };
      at += functions.length - 1;
      continue;
    }
    const next = link.definition.apply(current, link.config, link.state, { ...scope, kind: current.kind });
    if (next instanceof Promise) return next.then((later) => applyChain(carriedOn(later, carried), links, scope, at + 1));
    current = carriedOn(next, carried);
  }
  return current;
}

/** What a transform gave, with what stood beside the values before it. */
function carriedOn(next: ColumnData, carried: VectorData | undefined): ColumnData {
  const own = besideOf(next);
  const beside = carried === undefined || own === undefined || own === carried ? (own ?? carried) : sideBySide(carried, own);
  return beside === undefined ? next : ({ ...next, beside } as ColumnData);
}

/**
 * A batch that follows from its numbers one by one, without waiting; undefined where a transform needs more than that.
 *
 * @param memory takes the numbers of the result, where it is large enough
 */
export function applyAtOnce(data: ColumnData, links: readonly FittedLink[], column: string, memory?: Float64Array): ColumnData | undefined {
  if (besideOf(data) !== undefined) return undefined;
  if (links.length === 0) return data;
  const functions = numberFunctions(data, links, 0, column);
  return functions.length === links.length ? mapAtOnce(data as NumberData, functions, memory) : undefined;
}

/** What the transforms from a place on make of a number, as long as each follows from itself alone. */
function numberFunctions({ kind }: ColumnData, links: readonly FittedLink[], from: number, column: string): ((value: number) => number)[] {
  const functions: ((value: number) => number)[] = [];
  for (let at = from; kind === 'number' && at < links.length; at += 1) {
    const { definition, config, state } = links[at]!;
    const each = definition.each?.(config, state, { column, kind });
    if (each === undefined) break;
    functions.push(each);
  }
  return functions;
}

/** What a whole chain makes of each number of a column, one after the other; undefined where it takes or does more than that. */
export function functionsOfNumbers(links: readonly FittedLink[], column: string): readonly ((value: number) => number)[] | undefined {
  const functions = numberFunctions({ kind: 'number', values: new Float64Array(0) }, links, 0, column);
  return functions.length === links.length ? functions : undefined;
}

/** One new column, whatever number of transforms it goes through. */
function mapAtOnce({ values }: NumberData, functions: readonly ((value: number) => number)[], memory?: Float64Array): NumberData {
  const mapped = memory === undefined || memory.length < values.length ? values.slice() : memory.subarray(0, values.length);
  if (mapped.buffer === memory?.buffer) mapped.set(values);
  for (const each of functions) for (let row = 0; row < mapped.length; row += 1) mapped[row] = each(mapped[row]!);
  return { kind: 'number', values: mapped };
}

/** The same through a whole chain: what stands beside the values becomes part of them. */
export function applyWholeChain(...given: Parameters<typeof applyChain>): ColumnData | Promise<ColumnData> {
  return andThen(applyChain(...given), withBeside);
}

function withBeside(data: ColumnData): ColumnData {
  const beside = besideOf(data);
  if (beside === undefined || (data.kind !== 'number' && data.kind !== 'timestamp' && data.kind !== 'vector')) return data;
  return sideBySide(asVector(data), beside);
}

const besideOf = (data: ColumnData): VectorData | undefined => ('beside' in data ? data.beside : undefined);

function asVector(data: NumberData | VectorData): VectorData {
  return data.kind === 'vector' ? data : { kind: 'vector', width: 1, parts: [''], values: new Float32Array(data.values) };
}

function sideBySide(left: VectorData, right: VectorData): VectorData {
  const width = left.width + right.width;
  const rows = left.width === 0 ? right.values.length / right.width : left.values.length / left.width;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    values.set(left.values.subarray(row * left.width, (row + 1) * left.width), row * width);
    values.set(right.values.subarray(row * right.width, (row + 1) * right.width), row * width + left.width);
  }
  return { kind: 'vector', width, parts: [...left.parts, ...right.parts], values };
}
