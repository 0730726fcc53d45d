/**
 * The inner loop of the search for neighbours, in WebAssembly with vector instructions: squared distances of some rows to a box and,
 * where that is near enough, to blocks of sixteen rows, in single precision. It only rules out; what it leaves is computed again exactly.
 *
 * Written down as instructions, because it is one loop and a compiler would be one more dependency:
 *
 *     for each query:
 *       found = 0
 *       if distance to the box <= bound:
 *         for each block:                         // [width][16] numbers
 *           sums = 0                              // sixteen, in four vectors
 *           for every four columns:
 *             sums += (block[column] - query[column])²
 *             if all sums > bound: break
 *           masks[query][block] = bit per row: not (sum > bound)
 *           found |= masks[query][block]
 */

/** Rows that are compared at once. */
export const LANES = 16;
/** Columns of blocks are filled up with zeros to a multiple of this. */
export const COLUMNS = 4;

/**
 * Addresses are bytes of the memory.
 *
 * @param queries float32 [count, width]
 * @param box float32: smallest values of four columns, their largest values, and so on
 * @param blocks float32 [blockCount, width, 16]
 * @param width a multiple of `COLUMNS`
 * @param bounds float32 [count]
 * @param found int32 [count]: 0 where no row is near enough
 * @param masks int32 [count, blockCount], valid where `found` is not 0
 */
export type Scan = (
  queries: number,
  count: number,
  box: number,
  blocks: number,
  blockCount: number,
  width: number,
  bounds: number,
  found: number,
  masks: number,
) => void;

const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const text = (value: string): number[] => [...unsigned(value.length), ...Buffer.from(value, 'latin1')];
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, contents: readonly number[]): number[] => [id, ...unsigned(contents.length), ...contents];

const get = (local: number): number[] => [0x20, ...unsigned(local)];
const set = (local: number): number[] => [0x21, ...unsigned(local)];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const simd = (operation: number): number[] => [0xfd, ...unsigned(operation)];
/** Alignment as a power of two, then the offset. */
const load = (offset: number): number[] => [...simd(0x00), ...unsigned(4), ...unsigned(offset)];
const loadSplat = (offset: number): number[] => [...simd(0x09), ...unsigned(2), ...unsigned(offset)];
const store = [0x36, ...unsigned(2), ...unsigned(0)];
const ADD = [0x6a];
const SUB = [0x6b];
const MULTIPLY = [0x6c];
const OR = [0x72];
const XOR = [0x73];
const SHIFT = [0x74];
const LESS = [0x49];
const FLOAT_LOAD = [0x2a, ...unsigned(2), ...unsigned(0)];
const FLOAT_ADD = [0x92];
const FLOAT_GREATER = [0x5e];
const GREATER = simd(0x44);
const AND = simd(0x4e);
const ALL_TRUE = simd(0xa3);
const BIT_MASK = simd(0xa4);
const VECTOR_ADD = simd(0xe4);
const VECTOR_SUB = simd(0xe5);
const VECTOR_MULTIPLY = simd(0xe6);
const VECTOR_MAXIMUM = simd(0xeb);
const ZERO = [...simd(0x0c), ...new Array<number>(16).fill(0)];
const lane = (index: number): number[] => [...simd(0x1f), index];
const BLOCK_START = [0x02, EMPTY];
const LOOP = [0x03, EMPTY];
const END = [0x0b];
const leaveIf = (depth: number): number[] => [0x0d, depth];

// Parameters, then integers, then vectors.
const [QUERY, COUNT, BOX, FIRST_BLOCK, BLOCK_COUNT, WIDTH, BOUNDS, FOUND, MASKS] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
const [QUERY_AT, DATA_AT, QUERY_END, BLOCK, BLOCKS_LEFT, MASK_AT, ANY, MASK] = [9, 10, 11, 12, 13, 14, 15, 16] as const;
const [LIMIT, VALUE, DIFFERENCE] = [17, 18, 19] as const;
const SUMS = [20, 21, 22, 23] as const;

const advance = (local: number, bytes: number): number[] => [...get(local), ...constant(bytes), ...ADD, ...set(local)];
const above = (sum: number): number[] => [...get(sum), ...get(LIMIT), ...GREATER];
const addSquare = (sum: number): number[] => [
  ...set(DIFFERENCE),
  ...get(sum),
  ...get(DIFFERENCE),
  ...get(DIFFERENCE),
  ...VECTOR_MULTIPLY,
  ...VECTOR_ADD,
  ...set(sum),
];

/** Leaves one level up where the box is too far away. */
const BOX_TEST = [
  ...ZERO,
  ...set(SUMS[0]),
  ...get(QUERY),
  ...set(QUERY_AT),
  ...get(BOX),
  ...set(DATA_AT),
  ...LOOP,
  ...get(QUERY_AT),
  ...load(0),
  ...set(VALUE),
  ...get(DATA_AT),
  ...load(0),
  ...get(VALUE),
  ...VECTOR_SUB,
  ...get(VALUE),
  ...get(DATA_AT),
  ...load(16),
  ...VECTOR_SUB,
  ...VECTOR_MAXIMUM,
  ...ZERO,
  ...VECTOR_MAXIMUM,
  ...addSquare(SUMS[0]),
  ...advance(QUERY_AT, 16),
  ...advance(DATA_AT, 32),
  ...get(QUERY_AT),
  ...get(QUERY_END),
  ...LESS,
  ...leaveIf(0),
  ...END,
  ...[0, 1, 2, 3].flatMap((index) => [...get(SUMS[0]), ...lane(index), ...(index === 0 ? [] : FLOAT_ADD)]),
  ...get(BOUNDS),
  ...FLOAT_LOAD,
  ...FLOAT_GREATER,
  ...leaveIf(0),
];

const addColumn = (column: number): number[] => [
  ...get(QUERY_AT),
  ...loadSplat(4 * column),
  ...set(VALUE),
  ...SUMS.flatMap((sum, part) => [
    ...get(DATA_AT),
    ...load(4 * (LANES * column + 4 * part)),
    ...get(VALUE),
    ...VECTOR_SUB,
    ...addSquare(sum),
  ]),
];

const BLOCK_SCAN = [
  ...SUMS.flatMap((sum) => [...ZERO, ...set(sum)]),
  ...get(QUERY),
  ...set(QUERY_AT),
  ...get(BLOCK),
  ...set(DATA_AT),
  ...BLOCK_START, // left once all sums are above the bound
  ...LOOP,
  ...Array.from({ length: COLUMNS }, (_, column) => addColumn(column)).flat(),
  ...advance(QUERY_AT, 4 * COLUMNS),
  ...advance(DATA_AT, 4 * COLUMNS * LANES),
  ...above(SUMS[0]),
  ...above(SUMS[1]),
  ...AND,
  ...above(SUMS[2]),
  ...above(SUMS[3]),
  ...AND,
  ...AND,
  ...ALL_TRUE,
  ...leaveIf(1),
  ...get(QUERY_AT),
  ...get(QUERY_END),
  ...LESS,
  ...leaveIf(0),
  ...END,
  ...END,
  ...SUMS.flatMap((sum, part) => [...above(sum), ...BIT_MASK, ...constant(4 * part), ...SHIFT, ...(part === 0 ? [] : OR)]),
  ...constant(0xffff),
  ...XOR,
  ...set(MASK),
  ...get(MASK_AT),
  ...get(MASK),
  ...store,
  ...get(ANY),
  ...get(MASK),
  ...OR,
  ...set(ANY),
];

const BODY = [
  ...LOOP, // over the queries
  ...get(BOUNDS),
  ...loadSplat(0),
  ...set(LIMIT),
  ...get(QUERY),
  ...get(WIDTH),
  ...constant(2),
  ...SHIFT,
  ...ADD,
  ...set(QUERY_END),
  ...constant(0),
  ...set(ANY),
  ...BLOCK_START,
  ...BOX_TEST,
  ...get(FIRST_BLOCK),
  ...set(BLOCK),
  ...get(BLOCK_COUNT),
  ...set(BLOCKS_LEFT),
  ...get(MASKS),
  ...set(MASK_AT),
  ...LOOP,
  ...BLOCK_SCAN,
  ...advance(MASK_AT, 4),
  ...get(BLOCK),
  ...get(WIDTH),
  ...constant(6),
  ...SHIFT,
  ...ADD,
  ...set(BLOCK),
  ...get(BLOCKS_LEFT),
  ...constant(1),
  ...SUB,
  ...set(BLOCKS_LEFT),
  ...get(BLOCKS_LEFT),
  ...leaveIf(0),
  ...END,
  ...END,
  ...get(FOUND),
  ...get(ANY),
  ...store,
  ...get(QUERY_END),
  ...set(QUERY),
  ...advance(BOUNDS, 4),
  ...advance(FOUND, 4),
  ...get(MASKS),
  ...get(BLOCK_COUNT),
  ...constant(4),
  ...MULTIPLY,
  ...ADD,
  ...set(MASKS),
  ...get(COUNT),
  ...constant(1),
  ...SUB,
  ...set(COUNT),
  ...get(COUNT),
  ...leaveIf(0),
  ...END,
  ...END,
];

const PAGES_MAX = 65_536;
const PAGE_BYTES = 65_536;
/** What 32-bit addresses reach. */
export const MEMORY_BYTES_MAX = PAGES_MAX * PAGE_BYTES;

/** Memory of WebAssembly that threads share. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** What is used of WebAssembly: the types of Node.js leave its values out. */
interface Api {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number; readonly shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly e: { readonly m: SharedMemory } },
  ) => { readonly exports: { readonly scan: Scan } };
}

const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;

/** @param bytes up to `MEMORY_BYTES_MAX` */
export function createMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new Memory({ initial: pages, maximum: pages, shared: true });
}

let compiled: object | undefined;

function compile(): object {
  const parameters = new Array<number>(9).fill(I32);
  const locals = [
    [8, I32],
    [7, V128],
  ];
  const code = [...vector(locals.map(([count, type]) => [...unsigned(count!), type!])), ...BODY];
  return new Module(
    Uint8Array.from([
      0x00,
      0x61,
      0x73,
      0x6d,
      0x01,
      0x00,
      0x00,
      0x00,
      ...section(1, vector([[0x60, ...vector(parameters.map((type) => [type])), 0x00]])),
      // A memory that threads share, of any size.
      ...section(2, vector([[...text('e'), ...text('m'), 0x02, 0x03, ...unsigned(0), ...unsigned(PAGES_MAX)]])),
      ...section(3, vector([[0]])),
      ...section(7, vector([[...text('scan'), 0x00, 0]])),
      ...section(10, vector([[...unsigned(code.length), ...code]])),
    ]),
  );
}

/** The loop over this memory. */
export function scanOver(memory: SharedMemory): Scan {
  compiled ??= compile();
  return new Instance(compiled, { e: { m: memory } }).exports.scan;
}
