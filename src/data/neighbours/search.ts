import { LANES, scanOver } from './distance-kernel.ts';
import type { SharedMemory } from './distance-kernel.ts';
import { divide, viewsOf } from './row-tree.ts';
import type { Layout } from './row-tree.ts';

/**
 * Finds the nearest rows of the rows of one leaf after the other. Exact: distances are sums of squares in double precision, column by
 * column; the nearer row comes first, and of equally near ones that with the lower number; a row is no neighbour of itself.
 *
 * Leaves and blocks are ruled out by bounds that are never above the true distance: a box's sum is rounded as the row's, term by
 * term, and single precision gets room for its error.
 *
 * @returns a function that answers for the rows of one leaf
 */
export function leafSearch(memory: SharedMemory, layout: Layout, thread: number): (leaf: number) => void {
  const { rows, width, k, blockWidth, leafRows, leaves } = layout;
  const { values, order, columns, boxes, neighbours } = viewsOf(memory, layout);
  const scan = scanOver(memory);
  const queriesAt = layout.scratch + thread * layout.scratchBytes;
  const limitsAt = queriesAt + 4 * leafRows * blockWidth;
  const foundAt = limitsAt + 4 * leafRows;
  const masksAt = foundAt + 4 * leafRows;
  const queries = new Float32Array(memory.buffer, queriesAt, leafRows * blockWidth);
  const limits = new Float32Array(memory.buffer, limitsAt, leafRows);
  const found = new Int32Array(memory.buffer, foundAt, leafRows);
  const masks = new Int32Array(memory.buffer, masksAt, (leafRows * leafRows) / LANES);
  // Every operation of single precision is off by 2^-24 of its result at most; below the smallest normal numbers by 2^-150.
  const room = 1 + (width + 8) * 2 ** -23;
  const least = width * 2 ** -126;
  /** Of the rows of the leaf: the nearest ones so far, sorted, and how many. */
  const distances = new Float64Array(leafRows * k);
  const nearest = new Int32Array(leafRows * k);
  const bounds = new Float64Array(leafRows);
  const own = new Float32Array(2 * width);

  /** From the rows' own box to that of a node. */
  const betweenBoxes = (node: number): number => {
    const low = 2 * node * width;
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const gap = Math.max(boxes[low + column]! - own[width + column]!, own[column]! - boxes[low + width + column]!, 0);
      sum += gap * gap;
    }
    return sum;
  };

  const offer = (slot: number, row: number, other: number): void => {
    const bound = bounds[slot]!;
    const a = row * width;
    const b = other * width;
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const difference = values[a + column]! - values[b + column]!;
      sum += difference * difference;
    }
    const start = slot * k;
    const last = start + k - 1;
    if (sum > bound || (sum === bound && other > nearest[last]!)) return;
    let place = last;
    for (; place > start && (distances[place - 1]! > sum || (distances[place - 1] === sum && nearest[place - 1]! > other)); place -= 1) {
      distances[place] = distances[place - 1]!;
      nearest[place] = nearest[place - 1]!;
    }
    distances[place] = sum;
    nearest[place] = other;
    bounds[slot] = distances[last]!;
  };

  /** All rows of the leaf that is asked for with all rows of another, or with themselves. */
  const compare = (count: number, own: number, leaf: number): void => {
    const first = leaf * leafRows;
    const end = Math.min(rows, first + leafRows);
    const blocks = Math.ceil((end - first) / LANES);
    for (let slot = 0; slot < count; slot += 1) limits[slot] = bounds[slot]! * room + least;
    scan(
      queriesAt,
      count,
      layout.leafBoxes + 8 * leaf * blockWidth,
      layout.blocks + 4 * first * blockWidth,
      blocks,
      blockWidth,
      limitsAt,
      foundAt,
      masksAt,
    );
    for (let slot = 0; slot < count; slot += 1) {
      if (found[slot] === 0) continue;
      const row = order[own * leafRows + slot]!;
      for (let block = 0; block < blocks; block += 1) {
        for (let mask = masks[slot * blocks + block]!; mask !== 0; mask &= mask - 1) {
          const position = first + block * LANES + 31 - Math.clz32(mask & -mask);
          if (position < end && order[position] !== row) offer(slot, row, order[position]!);
        }
      }
    }
  };

  return (leaf) => {
    const first = leaf * leafRows;
    const end = Math.min(rows, first + leafRows);
    const count = end - first;
    distances.fill(Infinity);
    nearest.fill(-1);
    bounds.fill(Infinity, 0, count);
    let ownNode = 0;
    for (let node = 0, from = 0, to = leaves; ;) {
      if (to - from === 1) {
        ownNode = node;
        break;
      }
      const { middle, second } = divide(node, from, to);
      if (leaf < middle) {
        node += 1;
        to = middle;
      } else {
        node = second;
        from = middle;
      }
    }
    own.set(boxes.subarray(2 * ownNode * width, 2 * (ownNode + 1) * width));
    for (let slot = 0; slot < count; slot += 1) {
      const at = order[first + slot]! * width;
      for (let column = 0; column < width; column += 1) queries[slot * blockWidth + column] = values[at + columns[column]!]!;
    }
    compare(count, leaf, leaf);
    let farthest = largest(bounds, count);
    const visit = (node: number, from: number, to: number): void => {
      if (to - from > 1) {
        const { middle, second } = divide(node, from, to);
        const toFirst = betweenBoxes(node + 1);
        const toSecond = betweenBoxes(second);
        const firstIsNearer = toFirst < toSecond || (toFirst === toSecond && leaf < middle);
        if (firstIsNearer && toFirst <= farthest) visit(node + 1, from, middle);
        if (toSecond <= farthest) visit(second, middle, to);
        if (!firstIsNearer && toFirst <= farthest) visit(node + 1, from, middle);
        return;
      }
      if (from === leaf) return;
      compare(count, leaf, from);
      farthest = largest(bounds, count);
    };
    visit(0, 0, leaves);
    for (let slot = 0; slot < count; slot += 1) neighbours.set(nearest.subarray(slot * k, (slot + 1) * k), order[first + slot]! * k);
  };
}

function largest(values: Float64Array, count: number): number {
  let found = values[0]!;
  for (let index = 1; index < count; index += 1) if (values[index]! > found) found = values[index]!;
  return found;
}
