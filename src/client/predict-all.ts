import { setTimeout as sleep } from 'node:timers/promises';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { Row } from '../core/tensor.ts';
import { stepsBack, timeOrder } from '../data/preprocess/series.ts';
import type { Sorted } from '../data/preprocess/series.ts';
import { cellReader, asModelReads } from '../data/reading/cells.ts';
import { writeJson } from '../data/reading/json-numbers.ts';
import type { ModelDescription, PlacedPrediction, PredictAnswer, ServerClient } from './server-client.ts';

/** A row without an answer. */
export interface RefusedRow {
  readonly row: number;
  readonly error: string;
}

export interface AllAnswers {
  readonly model: string;
  readonly version: number;
  /** Each with the `row` that it is of (of a window the last one), in their order. */
  readonly predictions: readonly (PlacedPrediction & { readonly row: number })[];
  /** In the order of the rows. */
  readonly refused: readonly RefusedRow[];
  /** Rows of a series did not stand in the order of time, and were asked in it. */
  readonly sorted?: Sorted;
  /** What ended it before its time: some rows are neither answered nor refused. */
  readonly ended?: PerennialError;
  readonly id: string;
}

export interface PredictAllOptions {
  readonly description: ModelDescription;
  readonly logged?: boolean;
  readonly rowsPerRequest?: number;
  readonly bytesPerRequest?: number;
  /** Between two attempts while the server is away or busy. */
  readonly retryMs?: number;
}

/** Rows of one request; a window that is longer travels alone. */
const ROWS_PER_REQUEST = 1_000;
/** A quarter of what the server takes. */
const BYTES_PER_REQUEST = 8 * 1024 * 1024;
/** A server that is started again answers within this many attempts. */
const ATTEMPTS = 6;
/** So many refused rows before the first answer: the file as a whole does not fit the model. */
const REFUSED_MAX = 100;

/** Rows that follow each other in one series, by their places. */
type Run = readonly number[];

/**
 * Answers for rows of any number, all by one version: in requests of bounded size, with every window of a series in one of them. A row
 * that cannot be answered is set aside with the server's words, and hurts no other one. What was answered before the server went away
 * is kept.
 *
 * @param given an error stands for a row that could not be read
 * @throws what the first request fails with, where that is not about a row; the first refusal, where so many come before any answer
 */
export async function predictAll(
  client: ServerClient,
  model: string,
  given: readonly (Row | PerennialError)[],
  options: PredictAllOptions,
): Promise<AllAnswers> {
  const all = new Collection(client, model, given, options);
  let ended: PerennialError | undefined;
  try {
    await all.run();
  } catch (error) {
    if (!isPerennialError(error) || all.first === undefined) throw error;
    ended = error;
  }
  const { first } = all;
  const refused = [...all.refused].map(([row, error]) => ({ row, error })).sort((a, b) => a.row - b.row);
  const predictions = all.predictions.sort((a, b) => a.row - b.row);
  return {
    model,
    version: options.description.version,
    ...(first === undefined ? { id: '' } : { model: first.model, id: first.id }),
    predictions,
    refused,
    ...(all.sorted === undefined ? {} : { sorted: all.sorted }),
    ...(ended === undefined ? {} : { ended }),
  };
}

class Collection {
  readonly predictions: (PlacedPrediction & { readonly row: number })[] = [];
  readonly refused = new Map<number, string>();
  first: PredictAnswer | undefined;
  sorted: Sorted | undefined;
  readonly #client: ServerClient;
  readonly #model: string;
  readonly #rows: readonly (Row | PerennialError)[];
  readonly #options: Required<PredictAllOptions>;
  readonly #sizes: readonly number[];
  #windowless: PerennialError | undefined;

  constructor(client: ServerClient, model: string, rows: readonly (Row | PerennialError)[], options: PredictAllOptions) {
    this.#client = client;
    this.#model = model;
    this.#rows = rows;
    this.#options = { logged: true, rowsPerRequest: ROWS_PER_REQUEST, bytesPerRequest: BYTES_PER_REQUEST, retryMs: 1_000, ...options };
    this.#sizes = rows.map((row) => (isPerennialError(row) ? 0 : writeJson(row).length + 1));
    for (const [index, row] of rows.entries()) if (isPerennialError(row)) this.refused.set(index, row.message);
  }

  async run(): Promise<void> {
    const open = this.#requests(this.#series());
    while (open.length > 0) {
      const runs = open.shift()!;
      const places = runs.flat();
      try {
        this.#keep(places, await this.#ask(places));
      } catch (error) {
        if (!isPerennialError(error) || !['DATA_INVALID', 'LIMIT_EXCEEDED'].includes(error.code)) throw error;
        open.unshift(...this.#without(runs, places, error));
      }
    }
    if (this.first === undefined && this.#windowless !== undefined) throw this.#windowless;
  }

  /** The rows that can be sent, by series; without windows every row may stand beside any other. */
  #series(): Run[] {
    const isWindowed = this.#options.description.windowSize > 1;
    const order = isWindowed ? this.#order() : undefined;
    const series = new Map<string, number[][]>();
    for (const index of order ?? this.#rows.keys()) {
      const row = this.#rows[index]!;
      const key = isWindowed && !isPerennialError(row) ? this.#keyOf(row) : '';
      let runs = series.get(key);
      if (runs === undefined) series.set(key, (runs = [[]]));
      // A row that cannot be read is a gap, and nobody knows of which series. Among rows that are sorted it has no place.
      if (!isPerennialError(row)) runs.at(-1)!.push(index);
      else if (isWindowed && order === undefined) for (const each of series.values()) if (each.at(-1)!.length > 0) each.push([]);
    }
    return [...series.values()].flat().filter((run) => run.length > 0);
  }

  #keyOf(row: Row): string {
    return (this.#options.description.seriesKey ?? []).map((name) => String(row[name])).join('\n');
  }

  /** The rows as training sorts them; undefined where they stand in the order of time, or do not say when they are. */
  #order(): Int32Array | undefined {
    const { seriesBy, reading } = this.#options.description;
    if (seriesBy === undefined || seriesBy.type === 'image') return undefined;
    const { name, type } = seriesBy;
    const readTime = cellReader(asModelReads({ name, type }, reading));
    // What cannot be read the server refuses, with its place.
    const times = Float64Array.from(this.#rows, (row) => {
      const time = isPerennialError(row) ? null : readTime(Object.hasOwn(row, name) ? row[name] : null);
      return typeof time === 'number' ? time : Number.NaN;
    });
    const keys = this.#rows.map((row) => (isPerennialError(row) ? '' : this.#keyOf(row)));
    const order = timeOrder(keys, times);
    if (order === undefined) return undefined;
    const back = stepsBack(keys, times);
    this.sorted = { by: name, rows: back.length, first: back[0]! };
    return order;
  }

  /** Requests of bounded size. Runs of one series stand in requests of their own, since the server would join them. */
  #requests(series: readonly Run[]): Run[][] {
    const {
      description: { windowSize },
      rowsPerRequest,
      bytesPerRequest,
    } = this.#options;
    const requests: Run[][] = [];
    let rows = 0;
    let bytes = 0;
    const taken = new Set<string>();
    for (const run of series) {
      const key = this.#keyOf(this.#rows[run[0]!] as Row);
      for (const piece of this.#pieces(run)) {
        const size = piece.reduce((sum, index) => sum + this.#sizes[index]!, 0);
        const fits = rows + piece.length <= rowsPerRequest && bytes + size <= bytesPerRequest && (windowSize === 1 || !taken.has(key));
        if (!fits || requests.length === 0) {
          requests.push([]);
          rows = bytes = 0;
          taken.clear();
        }
        requests.at(-1)!.push(piece);
        rows += piece.length;
        bytes += size;
        taken.add(key);
      }
    }
    return requests;
  }

  /** Pieces that overlap by all but one row of a window: no window is cut, and none is there twice. */
  #pieces(run: Run): Run[] {
    const {
      description: { windowSize },
      rowsPerRequest,
      bytesPerRequest,
    } = this.#options;
    const pieces: Run[] = [];
    for (let start = 0; ;) {
      let end = start;
      for (let bytes = 0; end < run.length; end += 1) {
        bytes += this.#sizes[run[end]!]!;
        if (end - start >= windowSize && (end - start >= rowsPerRequest || bytes > bytesPerRequest)) break;
      }
      pieces.push(run.slice(start, end));
      if (end >= run.length) return pieces;
      start = end - windowSize + 1;
    }
  }

  async #ask(places: readonly number[]): Promise<PredictAnswer> {
    const { description, logged, retryMs } = this.#options;
    const rows = places.map((place) => this.#rows[place] as Row);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#client.predict(this.#model.split('@')[0]!, rows, description.version, { logged });
      } catch (error) {
        // Before the first answer the user had better hear of it at once.
        if (
          !isPerennialError(error, 'SERVER_UNAVAILABLE') ||
          error.details['status'] === 500 ||
          this.first === undefined ||
          attempt === ATTEMPTS
        )
          throw error;
        await sleep(retryMs);
      }
    }
  }

  #keep(places: readonly number[], answer: PredictAnswer): void {
    this.first ??= answer;
    const before = this.#options.description.windowSize - 1;
    answer.predictions.forEach((prediction, index) =>
      this.predictions.push({ ...prediction, row: places[prediction.row ?? before + index]! }),
    );
  }

  /** What is left of a request that was refused, in requests that may be answered. @throws the refusal, where there is no hope */
  #without(runs: readonly Run[], places: readonly number[], error: PerennialError): Run[][] {
    const { windowSize } = this.#options.description;
    const at = error.details['row'];
    if (typeof at === 'number' && at < places.length) {
      this.#refuse(places[at]!, error);
      const bad = places[at]!;
      if (windowSize === 1) {
        // Where one is bad others may be: what is sent again gets shorter and shorter.
        const middle = at + 1 + Math.ceil((places.length - at - 1) / 2);
        return [places.slice(0, at), places.slice(at + 1, middle), places.slice(middle)]
          .filter((part) => part.length > 0)
          .map((part) => [part]);
      }
      return runs
        .flatMap((run) => (run.includes(bad) ? [run.slice(0, run.indexOf(bad)), run.slice(run.indexOf(bad) + 1)] : [run]))
        .filter((run) => run.length >= windowSize)
        .map((run) => [run]);
    }
    if (windowSize === 1 && places.length > 1) {
      const half = Math.ceil(places.length / 2);
      return [[places.slice(0, half)], [places.slice(half)]];
    }
    if (runs.length > 1) return runs.map((run) => [run]);
    // Rows that hold no whole window are no mistake, unless there is nothing else.
    if (windowSize > 1 && error.code === 'DATA_INVALID') this.#windowless = error;
    else for (const place of places.slice(windowSize - 1)) this.#refuse(place, error);
    return [];
  }

  #refuse(place: number, error: PerennialError): void {
    // The server counts the rows of its request.
    this.refused.set(place, error.message.replace(/^row \d+[,:]? ?/i, ''));
    if (this.first === undefined && (this.refused.size >= REFUSED_MAX || this.refused.size === this.#rows.length)) {
      const [first] = this.refused.keys();
      throw new PerennialError(
        'DATA_INVALID',
        `${this.refused.size === this.#rows.length ? (this.#rows.length === 1 ? 'The row' : 'None of the rows') : `None of the first ${this.refused.size} rows`} ${this.#rows.length === 1 ? 'cannot' : 'can'} be answered. Row ${first}: ${this.refused.get(first!)}`,
        { hint: error.hint },
      );
    }
  }
}
