import type { LoadedRows } from '../../data/stored/examples.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import { Prng } from '../../core/prng.ts';
import { epochOrder } from './epoch-order.ts';
import type { EpochOrder, OrderFacts } from './epoch-order.ts';
import type { StreamReader } from './row-reader.ts';
import { cutTexts, lengthOf, orderByLength } from './text-lengths.ts';
import type { TextLengths } from './text-lengths.ts';

export interface SourceSettings extends Pick<OrderFacts, 'seed' | 'shuffle' | 'blockBytes' | 'windowBytes'> {
  readonly batchSize: number;
  /** Epochs there will be at most: nothing is read ahead of the last. */
  readonly epochs: number;
  /** Where texts of similar length come into one batch. */
  readonly lengths?: TextLengths;
}

/** A window in memory, or on its way there. */
interface Held {
  readonly epoch: number;
  readonly window: number;
  readonly reading: Promise<LoadedRows>;
  loaded?: LoadedRows;
}

interface Epoch extends EpochOrder {
  readonly epoch: number;
  /** Block → place of its first row among those of its window. */
  readonly places: Int32Array;
}

/**
 * The batches of a training, numbered through all epochs. Data that fit into memory are gathered from there. Of larger ones, the window
 * at work is in memory and the next one is read by other threads in the meantime; the batches are the same.
 */
export class BatchSource {
  readonly #reader: StreamReader;
  readonly #settings: SourceSettings;
  readonly #perEpoch: number;
  #epochs: Epoch[] = [];
  #held: Held[] = [];
  #spare: LoadedRows[] = [];

  constructor(reader: StreamReader, settings: SourceSettings) {
    this.#reader = reader;
    this.#settings = settings;
    this.#perEpoch = Math.ceil(reader.rows / settings.batchSize);
  }

  /**
   * Resolves once the rows of some batches of one epoch are in memory; what follows them is then on its way.
   *
   * @throws BLOB_CORRUPT, and what reading a file throws
   */
  async ready(first: number, count: number): Promise<void> {
    if (this.#reader.fits) return;
    const { epoch, windows } = this.#epochOf(first);
    const { start } = this.#rowsOf(first);
    const { end } = this.#rowsOf(first + count - 1);
    const needed = windows.flatMap((window, index) => (window.start < end && window.end > start ? [index] : []));
    const next = needed.at(-1)! + 1;
    const wanted = needed.map((window) => ({ epoch, window }));
    if (next < windows.length) wanted.push({ epoch, window: next });
    else if (epoch + 1 < this.#settings.epochs) wanted.push({ epoch: epoch + 1, window: 0 });
    await this.#letGo(wanted);
    for (const window of wanted) this.#read(window);
    for (const held of this.#held) if (held.epoch === epoch && needed.includes(held.window)) held.loaded ??= await held.reading;
  }

  /** A batch, after {@link ready}. */
  batch(index: number): TensorBatch {
    const { lengths } = this.#settings;
    const batch = this.#whole(index);
    return lengths === undefined ? batch : cutTexts(batch, lengths.input, this.#length(index)!);
  }

  /** How many batches from one on, in one epoch, have texts of one length. @param most that is asked for */
  alike(first: number, most: number): number {
    let count = 1;
    while (count < most && this.#length(first + count) === this.#length(first)) count++;
    return count;
  }

  #length(index: number): number | undefined {
    const { lengths, batchSize } = this.#settings;
    if (lengths === undefined) return undefined;
    const { start, end } = this.#rowsOf(index);
    return lengthOf(this.#epochOf(index).order.subarray(start, end), lengths, batchSize);
  }

  #whole(index: number): TensorBatch {
    const { epoch, order, windows, blockRows, places } = this.#epochOf(index);
    const { start, end } = this.#rowsOf(index);
    if (this.#reader.fits) return this.#reader.gather(order.slice(start, end));
    const parts = this.#held.flatMap(({ epoch: of, window, loaded }) => {
      if (of !== epoch || loaded === undefined) return [];
      const rows = order.subarray(Math.max(windows[window]!.start, start), Math.max(start, Math.min(windows[window]!.end, end)));
      return rows.length === 0 ? [] : [{ loaded, places: rows.map((row) => places[Math.floor(row / blockRows)]! + (row % blockRows)) }];
    });
    return this.#reader.gatherLoaded(parts);
  }

  /** Waits for what is on its way: memory and files are in use until then. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#held.map(({ reading }) => reading));
    this.#held = [];
    this.#spare = [];
    this.#reader.close();
  }

  /** Places in the order of an epoch. */
  #rowsOf(index: number): { start: number; end: number } {
    const { batchSize } = this.#settings;
    const start = (index % this.#perEpoch) * batchSize;
    return { start, end: Math.min(this.#reader.rows, start + batchSize) };
  }

  #epochOf(index: number): Epoch {
    return this.#epoch(Math.floor(index / this.#perEpoch));
  }

  #epoch(epoch: number): Epoch {
    const known = this.#epochs.find((each) => each.epoch === epoch);
    if (known !== undefined) return known;
    const { rows, rowBytes, fits } = this.#reader;
    const plain = epochOrder({ ...this.#settings, rows, rowBytes }, epoch);
    const { lengths, seed, batchSize } = this.#settings;
    const made =
      lengths === undefined
        ? plain
        : { ...plain, order: orderByLength(plain.order, plain.windows, lengths, batchSize, new Prng(seed, 'batches', epoch)) };
    const places = new Int32Array(fits ? 0 : Math.ceil(rows / made.blockRows));
    if (!fits)
      for (const { blocks } of made.windows) blocks.reduce((place, block) => (places[block] = place) + this.#rowsOfBlock(made, block), 0);
    // The epoch at work, and the next one while it is read ahead.
    this.#epochs = [...this.#epochs.slice(-1), { ...made, epoch, places }];
    return this.#epochs.at(-1)!;
  }

  #rowsOfBlock({ blockRows }: EpochOrder, block: number): number {
    return Math.min(blockRows, this.#reader.rows - block * blockRows);
  }

  #read({ epoch, window }: { epoch: number; window: number }): void {
    if (this.#held.some((held) => held.epoch === epoch && held.window === window)) return;
    const made = this.#epoch(epoch);
    const ranges = Array.from(made.windows[window]!.blocks, (block) => ({
      start: block * made.blockRows,
      count: this.#rowsOfBlock(made, block),
    }));
    const reading = this.#reader.load(ranges, this.#spare.pop());
    // Where it fails, ready() says so when the rows are needed.
    reading.catch(() => undefined);
    this.#held.push({ epoch, window, reading });
  }

  /** Lets go of all windows but these; their memory is used again. */
  async #letGo(wanted: readonly { epoch: number; window: number }[]): Promise<void> {
    const isWanted = (held: Held): boolean => wanted.some(({ epoch, window }) => held.epoch === epoch && held.window === window);
    for (const held of this.#held.filter((each) => !isWanted(each))) {
      const rows = await held.reading.catch(() => undefined);
      if (rows !== undefined) this.#spare.push(rows);
    }
    this.#held = this.#held.filter(isWanted);
  }
}
