import { Prng } from '../../core/prng.ts';

/** Bytes of neighbouring rows that are read at once. */
const BLOCK_BYTES = 256 * 1024;
/** Bytes of the blocks whose rows are shuffled together: two such windows fit into the memory that a reader may take. */
const WINDOW_BYTES = 96 * 1024 * 1024;

export interface OrderFacts {
  readonly rows: number;
  /** Bytes of one row. */
  readonly rowBytes: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly blockBytes?: number;
  readonly windowBytes?: number;
}

/** A stretch of an epoch: rows of whole blocks, which can be read before the first of them is needed. */
export interface Window {
  /** Place of its first row in the order, and behind the last. */
  readonly start: number;
  readonly end: number;
  readonly blocks: Int32Array;
}

export interface EpochOrder {
  readonly order: Int32Array;
  readonly windows: readonly Window[];
  /** Rows of a block; the last one may be shorter. */
  readonly blockRows: number;
}

/**
 * The order of rows in an epoch: a function of seed, epoch and data alone, so that it needs no saving, and is the same where the data
 * fit into memory and where not. Data of one window are shuffled as a whole. Larger ones are cut into blocks, which are put into a
 * random order; windows of many blocks are then shuffled row by row.
 */
export function epochOrder(facts: OrderFacts, epoch: number): EpochOrder {
  const { rows, rowBytes, seed, shuffle, blockBytes = BLOCK_BYTES, windowBytes = WINDOW_BYTES } = facts;
  const small = rows * rowBytes <= windowBytes;
  const blockRows = small ? Math.max(1, rows) : Math.max(1, Math.floor(blockBytes / rowBytes));
  const perWindow = small ? 1 : Math.max(1, Math.floor(windowBytes / (blockRows * rowBytes)));
  const blocks = Int32Array.from({ length: Math.ceil(rows / blockRows) }, (_, index) => index);
  const prng = new Prng(seed, 'order', epoch);
  if (shuffle && !small) prng.shuffle(blocks);
  const order = new Int32Array(rows);
  const windows: Window[] = [];
  for (let first = 0, start = 0; first < blocks.length; first += perWindow) {
    const own = blocks.subarray(first, first + perWindow);
    let end = start;
    for (const block of own) for (let row = block * blockRows; row < Math.min(rows, (block + 1) * blockRows); row++) order[end++] = row;
    if (shuffle) prng.shuffle(order.subarray(start, end));
    windows.push({ start, end, blocks: own });
    start = end;
  }
  return { order, windows, blockRows };
}
