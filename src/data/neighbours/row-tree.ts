import { COLUMNS, LANES, MEMORY_BYTES_MAX, createMemory } from './distance-kernel.ts';
import type { SharedMemory } from './distance-kernel.ts';

/** Rows, their tree and the answers in one piece of memory that threads share. Offsets are bytes. */
export interface Layout {
  readonly rows: number;
  readonly width: number;
  /** Neighbours that are asked for. */
  readonly k: number;
  readonly threads: number;
  /** Columns of the blocks, with those that fill up. */
  readonly blockWidth: number;
  /** Rows of a leaf, a multiple of the rows of a block. */
  readonly leafRows: number;
  readonly leaves: number;
  readonly nodes: number;
  /** float32 [rows, width], as they were given. */
  readonly values: number;
  /** int32: which row stands at a position of the tree. */
  readonly order: number;
  /** float32 [blocks, blockWidth, 16]: the rows in the order of the tree, columns first. */
  readonly blocks: number;
  /** int32: the columns of the blocks, the most spread ones first: sums pass the bound early. */
  readonly columns: number;
  /** float32 [nodes, 2, width]: smallest and largest values. */
  readonly boxes: number;
  /** int32 [rows, k]: the answer. */
  readonly neighbours: number;
  /** float32 [leaves, blockWidth / 4, 2, 4]: the boxes of the leaves with the columns of the blocks, four by four. */
  readonly leafBoxes: number;
  /** Per thread: the queries of a leaf, their bounds, and what the loop of distances says of them. */
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly bytes: number;
}

/** Of the tree; more columns make boxes overlap, and then larger leaves are cheaper. */
const leafRowsFor = (width: number): number => (width <= 4 ? 32 : width <= 16 ? 64 : 128);

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

export function layoutOf(rows: number, width: number, k: number, threads: number): Layout {
  const leafRows = leafRowsFor(width);
  const blockWidth = roundUp(width, COLUMNS);
  const leaves = Math.ceil(rows / leafRows);
  const nodes = 2 * leaves - 1;
  let bytes = 0;
  const take = (size: number): number => {
    const at = bytes;
    bytes = roundUp(at + size, 64);
    return at;
  };
  const values = take(4 * rows * width);
  const order = take(4 * rows);
  const blocks = take(4 * roundUp(rows, LANES) * blockWidth);
  const columns = take(4 * width);
  const boxes = take(8 * nodes * width);
  const neighbours = take(4 * rows * k);
  const leafBoxes = take(8 * leaves * blockWidth);
  const scratchBytes = roundUp(4 * leafRows * (blockWidth + 2 + leafRows / LANES), 64);
  const scratch = take(scratchBytes * threads);
  return {
    rows,
    width,
    k,
    threads,
    blockWidth,
    leafRows,
    leaves,
    nodes,
    values,
    order,
    blocks,
    columns,
    boxes,
    neighbours,
    leafBoxes,
    scratch,
    scratchBytes,
    bytes,
  };
}

/** @returns undefined where the rows do not fit into what the loop of distances can address */
export function memoryFor(layout: Layout): SharedMemory | undefined {
  return layout.bytes > MEMORY_BYTES_MAX ? undefined : createMemory(layout.bytes);
}

export interface RowMemory {
  readonly values: Float32Array;
  readonly order: Int32Array;
  readonly blocks: Float32Array;
  readonly columns: Int32Array;
  readonly boxes: Float32Array;
  readonly neighbours: Int32Array;
  readonly leafBoxes: Float32Array;
}

export function viewsOf(memory: SharedMemory, layout: Layout): RowMemory {
  const { buffer } = memory;
  return {
    values: new Float32Array(buffer, layout.values, layout.rows * layout.width),
    order: new Int32Array(buffer, layout.order, layout.rows),
    blocks: new Float32Array(buffer, layout.blocks, roundUp(layout.rows, LANES) * layout.blockWidth),
    columns: new Int32Array(buffer, layout.columns, layout.width),
    boxes: new Float32Array(buffer, layout.boxes, 2 * layout.nodes * layout.width),
    neighbours: new Int32Array(buffer, layout.neighbours, layout.rows * layout.k),
    leafBoxes: new Float32Array(buffer, layout.leafBoxes, 2 * layout.leaves * layout.blockWidth),
  };
}

/**
 * How the leaves below a node are divided. A node is its number and its leaves, from … to − 1; its first child follows it, its second
 * one follows the nodes of the first: nothing of it has to be stored.
 */
export function divide(node: number, from: number, to: number): { readonly middle: number; readonly second: number } {
  const middle = from + ((to - from) >> 1);
  return { middle, second: node + 2 * (middle - from) };
}

/** Orders the rows into a k-d tree: each node is cut at the middle of its most spread column. */
export function buildTree(memory: SharedMemory, layout: Layout): void {
  const { rows, width, blockWidth, leafRows, leaves } = layout;
  const { values, order, columns, boxes, leafBoxes } = viewsOf(memory, layout);
  const boxesOfLeaves: number[] = [];
  for (let row = 0; row < rows; row += 1) order[row] = row;
  const build = (node: number, from: number, to: number): void => {
    const start = from * leafRows;
    const end = Math.min(rows, to * leafRows);
    const column = enclose(values, width, order, start, end, boxes.subarray(2 * node * width, 2 * (node + 1) * width));
    if (to - from === 1) {
      boxesOfLeaves[from] = 2 * node * width;
      return;
    }
    const { middle, second } = divide(node, from, to);
    select(values, width, column, order, start, end - 1, middle * leafRows);
    build(node + 1, from, middle);
    build(second, middle, to);
  };
  build(0, 0, leaves);
  columns.set(bySpread(values, width));
  for (const [leaf, at] of boxesOfLeaves.entries()) {
    const start = 2 * leaf * blockWidth;
    columns.forEach((column, place) => {
      const to = start + 2 * COLUMNS * Math.floor(place / COLUMNS) + (place % COLUMNS);
      leafBoxes[to] = boxes[at + column]!;
      leafBoxes[to + COLUMNS] = boxes[at + width + column]!;
    });
  }
  fillBlocks(memory, layout);
}

/** The smallest and largest values of some rows. @returns the most spread column */
function enclose(values: Float32Array, width: number, order: Int32Array, start: number, end: number, box: Float32Array): number {
  box.fill(Infinity, 0, width).fill(-Infinity, width);
  for (let position = start; position < end; position += 1) {
    const at = order[position]! * width;
    for (let column = 0; column < width; column += 1) {
      const value = values[at + column]!;
      if (value < box[column]!) box[column] = value;
      if (value > box[width + column]!) box[width + column] = value;
    }
  }
  let widest = 0;
  for (let column = 1; column < width; column += 1) {
    if (box[width + column]! - box[column]! > box[width + widest]! - box[widest]!) widest = column;
  }
  return widest;
}

/** Puts the row that belongs there to `position`: smaller ones before, larger ones behind (Hoare; the middle of three as the pivot). */
function select(
  values: Float32Array,
  width: number,
  column: number,
  order: Int32Array,
  first: number,
  last: number,
  position: number,
): void {
  const valueAt = (place: number): number => values[order[place]! * width + column]!;
  let low = first;
  let high = last;
  while (low < high) {
    const a = valueAt(low);
    const b = valueAt((low + high) >> 1);
    const c = valueAt(high);
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let left = low;
    let right = high;
    while (left <= right) {
      while (valueAt(left) < pivot) left += 1;
      while (valueAt(right) > pivot) right -= 1;
      if (left > right) break;
      const kept = order[left]!;
      order[left] = order[right]!;
      order[right] = kept;
      left += 1;
      right -= 1;
    }
    if (position <= right) high = right;
    else if (position >= left) low = left;
    else return;
  }
}

function bySpread(values: Float32Array, width: number): Int32Array {
  const rows = values.length / width;
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let row = 0, at = 0; row < rows; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      const change = values[at]! - means[column]!;
      means[column]! += change / (row + 1);
      squares[column]! += change * (values[at]! - means[column]!);
    }
  }
  return Int32Array.from(squares.keys()).sort((a, b) => squares[b]! - squares[a]! || a - b);
}

function fillBlocks(memory: SharedMemory, layout: Layout): void {
  const { rows, width, blockWidth } = layout;
  const { values, order, blocks, columns } = viewsOf(memory, layout);
  for (let position = 0; position < rows; position += 1) {
    const from = order[position]! * width;
    const to = Math.floor(position / LANES) * LANES * blockWidth + (position % LANES);
    for (let column = 0; column < width; column += 1) blocks[to + column * LANES] = values[from + columns[column]!]!;
  }
}
