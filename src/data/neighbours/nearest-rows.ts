import { PerennialError } from '../../core/errors.ts';
import { threadsFor, workInThreads } from '../../platform/threads.ts';
import { MEMORY_BYTES_MAX } from './distance-kernel.ts';
import type { SharedMemory } from './distance-kernel.ts';
import type { NeighboursData, NeighboursTask } from './neighbours-thread.ts';
import { buildTree, layoutOf, memoryFor, viewsOf } from './row-tree.ts';
import type { Layout } from './row-tree.ts';
import { leafSearch } from './search.ts';

/** Up to so many squares, milliseconds of work, it is done at once: a thread needs longer to start. */
const AT_ONCE_MAX = 5_000_000;
/** Leaves of one task: a task is a fraction of a second. */
const LEAVES_PER_TASK = 8;

export interface SearchOptions {
  /** As errors call it. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Default: as many as are worth it on this machine. The answer does not depend on it. */
  readonly threads?: number | undefined;
  /** 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** Room for rows whose nearest neighbours are asked for. */
export interface NearestRows {
  readonly rows: number;
  readonly width: number;
  /** Neighbours of each row. */
  readonly k: number;
  /** To be filled: row-major [rows, width], finite. It is left as it is. */
  readonly values: Float32Array;
  /**
   * The `k` nearest rows of each row, [rows, k]: by Euclidean distance, computed in double precision column by column; of equally near
   * ones the lower number comes first; a row is no neighbour of itself. Exact, in threads.
   *
   * @throws the reason of the signal; STEP_FAILED where a thread fails
   */
  find(options: SearchOptions): Promise<Int32Array>;
}

/**
 * @param k below `rows`
 * @throws LIMIT_EXCEEDED where the rows do not fit into the memory of the search
 */
export function nearestRows(rows: number, width: number, k: number, what: string): NearestRows {
  if (!(rows > 0 && width > 0 && k > 0 && k < rows))
    throw new PerennialError('INTERNAL', `${k} neighbours of ${rows} rows of ${width} columns`);
  const most = threadsFor(Number.POSITIVE_INFINITY);
  const layout = layoutOf(rows, width, k, most);
  const memory = memoryFor(layout);
  if (memory === undefined) {
    throw new PerennialError(
      'LIMIT_EXCEEDED',
      `${what}: ${rows} rows of ${width} columns with ${k} neighbours each take ${layout.bytes} bytes; neighbours are searched within ${MEMORY_BYTES_MAX}.`,
      { hint: 'Use fewer rows, columns or neighbours; or "balance": "oversample".' },
    );
  }
  const { values, neighbours } = viewsOf(memory, layout);
  return {
    rows,
    width,
    k,
    values,
    async find(options) {
      if (rows * rows * width <= AT_ONCE_MAX && options.threads === undefined) searchAtOnce(memory, layout);
      else await searchInThreads(memory, layout, { ...options, threads: Math.min(options.threads ?? most, most) });
      return neighbours;
    },
  };
}

function searchAtOnce(memory: SharedMemory, layout: Layout): void {
  buildTree(memory, layout);
  const search = leafSearch(memory, layout, 0);
  for (let leaf = 0; leaf < layout.leaves; leaf += 1) search(leaf);
}

async function searchInThreads(
  memory: SharedMemory,
  layout: Layout,
  { what, signal, threads, onProgress }: SearchOptions & { readonly threads: number },
): Promise<void> {
  const data: NeighboursData = { memory, layout };
  const work = { entry: 'neighbours', what, data, signal };
  await workInThreads<NeighboursTask, void>({ ...work, tasks: ['tree'], threads: 1 });
  const tasks: NeighboursTask[] = [];
  for (let from = 0; from < layout.leaves; from += LEAVES_PER_TASK)
    tasks.push({ from, to: Math.min(layout.leaves, from + LEAVES_PER_TASK) });
  await workInThreads<NeighboursTask, void>({
    ...work,
    tasks,
    threads: Math.min(threads, threadsFor(tasks.length)),
    onDone: (done, all) => onProgress?.(done / all),
  });
}
