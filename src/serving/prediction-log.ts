import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { PredictionLogSettings } from '../core/prediction-log.ts';
import type { StepLogger } from '../core/step.ts';
import type { Prediction, Row } from '../core/tensor.ts';
import { writeJson } from '../data/reading/json-numbers.ts';
import { imageFacts } from '../data/images/image-facts.ts';
import { DecodedImage } from '../data/table/row-values.ts';
import type { Pixels } from '../data/transforms/column-data.ts';
import type { MeasuredImages } from '../monitoring/measures/measured-images.ts';
import { hideColumns, isHidden } from '../monitoring/predictions/hidden-columns.ts';
import { dayPrefix } from '../monitoring/predictions/logged-prediction.ts';
import type { LoggedPrediction } from '../monitoring/predictions/logged-prediction.ts';
import { PREDICTION_LOG_LIMITS } from './limits.ts';
import type { Exposure, Servable } from './servable.ts';
import type { ServingMetrics } from './serving-metrics.ts';
import { imageColumns } from './source-rows.ts';

export interface PredictionLogOptions {
  readonly serverId: string;
  /** Part of the predictions that is logged, 0 to 1; of a model that declares less, that. Chosen by chance. */
  readonly sample?: number;
  /** What the deployment of a model says. */
  readonly settings?: (model: string) => PredictionLogSettings | undefined;
  /** The id of the store, which values are hashed with; undefined while it is not known. */
  readonly hashKey?: () => string | undefined;
  readonly flushMs?: number;
  readonly flushLines?: number;
  readonly bufferBytesMax?: number;
  readonly now?: () => Date;
}

interface Chunk {
  /** Given once: writing a chunk again after a lost answer overwrites the same object. */
  readonly key: string;
  /** Lines as they are written, so that thousands of them are no work for the collector of garbage; those of `bytes` are taken. */
  buffer: Buffer;
  bytes: number;
  lines: number;
}

/**
 * Writes predictions to the object store behind the back of the requests: `add` never waits and never throws, memory is bounded,
 * and what does not fit while the store is away is dropped and counted.
 */
export class PredictionLog {
  readonly #store: ObjectStore;
  readonly #log: StepLogger;
  readonly #metrics: ServingMetrics;
  readonly #setWaitingBytes: (bytes: number) => void;
  readonly #options: Required<PredictionLogOptions>;
  /** By folder and hour: the chunks that still take lines. */
  readonly #open = new Map<string, Chunk>();
  #waiting: Chunk[] = [];
  #bytes = 0;
  #openLines = 0;
  #sequence = 0;
  /** Lines whose images are measured, and pixels of these. */
  readonly #measuring = new Set<Promise<void>>();
  #pixels = 0;
  #failingSince: string | undefined;
  #dropping = false;
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #written = { ms: Number.NaN, text: '' };
  /** Where the last line went. */
  #last: { readonly model: string; readonly hour: string; readonly slot: string; readonly chunk: Chunk } | undefined;

  constructor(store: ObjectStore, dependencies: { log: StepLogger; metrics: ServingMetrics }, options: PredictionLogOptions) {
    this.#store = store;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
    this.#setWaitingBytes = dependencies.metrics.logWaitingBytes.under({});
    this.#options = {
      sample: 1,
      settings: () => undefined,
      hashKey: () => undefined,
      flushMs: PREDICTION_LOG_LIMITS.flushMs,
      flushLines: PREDICTION_LOG_LIMITS.flushLines,
      bufferBytesMax: PREDICTION_LOG_LIMITS.bufferBytesMax,
      now: () => new Date(),
      ...options,
    };
  }

  add(
    servable: Pick<Servable, 'model' | 'version' | 'preprocessor'>,
    id: string,
    row: Row | null,
    prediction: Prediction,
    exposure?: Exposure,
  ): void {
    const { sample, bufferBytesMax, hashKey } = this.#options;
    const settings = this.#options.settings(servable.model) ?? NOTHING_SAID;
    const share = Math.min(sample, settings.share ?? 1);
    if (share < 1 && Math.random() >= share) return;
    if (this.#closed || this.#bytes >= bufferBytesMax) return this.#drop();
    const time = this.#timeOf(this.#options.now().getTime());
    const images = row === null ? [] : imageColumns(servable);
    const shown = row === null ? NO_ROW : hideRow(row, images, settings, hashKey());
    const record: LoggedPrediction =
      shown.hidden === undefined && exposure === undefined
        ? { time, id, version: servable.version, row: shown.row, prediction: withoutSamples(prediction) }
        : { time, id, version: servable.version, ...shown, prediction: withoutSamples(prediction), ...exposure };
    if (images.length === 0) return this.#append(servable.model, record);
    this.#measure(servable.model, record, shownImages(row!, images, settings));
  }

  /** Pictures are measured behind the back of the request. While too many wait, rows are logged without: what was measured is a sample. */
  #measure(model: string, record: LoggedPrediction, images: ReadonlyMap<string, Pixels | null>): void {
    const pixels = [...images.values()].reduce((sum, image) => sum + (image === null ? 0 : image.width * image.height), 0);
    const isFull = this.#pixels > 0 && this.#pixels + pixels > PREDICTION_LOG_LIMITS.pixelsMax;
    if (images.size === 0 || isFull) return this.#append(model, record);
    this.#pixels += pixels;
    const measured = factsOf(images)
      .then(
        (facts) => this.#append(model, { ...record, measured: facts }),
        (error: unknown) => {
          this.#log.warn('an image cannot be measured; its prediction is logged without that', { id: record.id, error: messageOf(error) });
          this.#append(model, record);
        },
      )
      .finally(() => {
        this.#pixels -= pixels;
        this.#measuring.delete(measured);
      });
    this.#measuring.add(measured);
  }

  #append(model: string, record: LoggedPrediction): void {
    const { flushLines } = this.#options;
    const line = this.#lineOf(record);
    const chunk = this.#chunkFor(model, record.time);
    this.#bytes += write(chunk, line);
    this.#openLines += 1;
    this.#setWaitingBytes(this.#bytes);
    if (this.#openLines >= flushLines && this.#failingSince === undefined) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.#options.flushMs);
  }

  /** "waiting": the store takes nothing, and predictions wait in memory. */
  get state(): 'written' | 'waiting' {
    return this.#failingSince === undefined ? 'written' : 'waiting';
  }

  #drop(): void {
    this.#metrics.logDropped.add({});
    if (this.#dropping || this.#closed) return;
    this.#dropping = true;
    this.#log.error('predictions are not logged any more: those that wait for the store fill the memory for them', {
      bytes: this.#bytes,
      since: this.#failingSince ?? null,
    });
  }

  /** Never throws: what cannot be written stays in the buffer. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
      if (this.#bytes > 0 && !this.#closed) this.#timer ??= setTimeout(() => void this.flush(), this.#options.flushMs);
    });
    return this.#flushing;
  }

  /** The last flush; what the store does not take within {@link PREDICTION_LOG_LIMITS.closeMs} is dropped and counted. */
  async close(): Promise<void> {
    this.#closed = true;
    const patience = new Promise<void>((resolve) => setTimeout(resolve, PREDICTION_LOG_LIMITS.closeMs).unref());
    await Promise.race([this.#flushing ?? Promise.resolve(), patience]);
    await Promise.race([this.flush(), patience]);
    clearTimeout(this.#timer);
    const lost = this.#waiting.reduce((sum, chunk) => sum + chunk.lines, 0);
    if (lost === 0) return;
    this.#metrics.logDropped.add({}, lost);
    this.#log.error('predictions could not be logged before the end', { lines: lost });
  }

  /** A row that is too long, or that cannot be written, is left out: the answer does not depend on it. */
  #lineOf(record: LoggedPrediction): string {
    try {
      const line = `${writeJson(record)}\n`;
      if (line.length <= PREDICTION_LOG_LIMITS.lineBytesMax) return line;
    } catch (error) {
      this.#log.warn('a row cannot be logged; its prediction is logged without it', { id: record.id, error: messageOf(error) });
    }
    return `${writeJson({ ...record, row: null })}\n`;
  }

  /** Written once for all lines of a millisecond. */
  #timeOf(ms: number): string {
    if (ms !== this.#written.ms) this.#written = { ms, text: new Date(ms).toISOString() };
    return this.#written.text;
  }

  #chunkFor(model: string, time: string): Chunk {
    const hour = time.slice(0, 13);
    // Nearly all lines are of the model and the hour of the one before.
    const last = this.#last;
    if (last?.model === model && last.hour === hour && this.#open.get(last.slot) === last.chunk) return last.chunk;
    const slot = `${dayPrefix(model, time.slice(0, 10))}${time.slice(11, 13)}`;
    const chunk = this.#chunkAt(slot);
    this.#last = { model, hour, slot, chunk };
    return chunk;
  }

  #chunkAt(slot: string): Chunk {
    let chunk = this.#open.get(slot);
    if (chunk === undefined) {
      this.#sequence += 1;
      chunk = {
        key: `${slot}-${this.#options.serverId}-${String(this.#sequence).padStart(6, '0')}.ndjson`,
        buffer: Buffer.alloc(0),
        bytes: 0,
        lines: 0,
      };
      this.#open.set(slot, chunk);
    }
    return chunk;
  }

  async #write(): Promise<void> {
    if (this.#measuring.size > 0) await Promise.all(this.#measuring);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.push(...this.#open.values());
    this.#open.clear();
    this.#openLines = 0;
    while (this.#waiting.length > 0) {
      const chunk = this.#waiting[0]!;
      try {
        await this.#store.put(chunk.key, chunk.buffer.subarray(0, chunk.bytes), { contentType: 'application/x-ndjson' });
      } catch (error) {
        if (this.#failingSince === undefined)
          this.#log.error('predictions cannot be logged; they wait in memory', { error: messageOf(error) });
        this.#failingSince ??= new Date().toISOString();
        this.#metrics.logFailing.set({}, 1);
        return;
      }
      if (this.#failingSince !== undefined) this.#log.info('predictions are logged again', { since: this.#failingSince });
      this.#failingSince = undefined;
      this.#dropping = false;
      this.#metrics.logFailing.set({}, 0);
      this.#waiting.shift();
      this.#bytes -= chunk.bytes;
      this.#metrics.logged.add({}, chunk.lines);
      this.#setWaitingBytes(this.#bytes);
    }
  }
}

const CHUNK_BYTES_MIN = 16 * 1024;

/** @returns the bytes of the line */
function write(chunk: Chunk, line: string): number {
  // No character takes more than three bytes for each of its units.
  const needed = chunk.bytes + 3 * line.length;
  if (needed > chunk.buffer.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES_MIN, 2 * chunk.buffer.length, needed));
    chunk.buffer.copy(larger, 0, 0, chunk.bytes);
    chunk.buffer = larger;
  }
  const written = chunk.buffer.write(line, chunk.bytes);
  chunk.bytes += written;
  chunk.lines += 1;
  return written;
}

const NOTHING_SAID: PredictionLogSettings = {};
const NO_ROW: Pick<LoggedPrediction, 'row' | 'hidden'> = { row: null };

/**
 * A row as it may be written: never with its pictures. Of those that are hidden it is said, as of other columns; a digest of one would tell
 * nothing of it.
 */
function hideRow(
  row: Row,
  images: readonly string[],
  settings: PredictionLogSettings,
  key: string | undefined,
): Pick<LoggedPrediction, 'row' | 'hidden'> {
  if (images.length === 0) return hideColumns(row, settings, key);
  const { row: shown, hidden } = hideColumns(
    Object.fromEntries(Object.entries(row).filter(([name]) => !images.includes(name))),
    settings,
    key,
  );
  const unshown = images.filter((name) => isHidden(name, settings));
  if (unshown.length === 0) return { row: shown, ...(hidden === undefined ? {} : { hidden }) };
  return { row: shown, hidden: { ...hidden, leftOut: [...(hidden?.leftOut ?? []), ...unshown] } };
}

/** The pictures of a row that may be measured; null where there is none. */
function shownImages(row: Row, images: readonly string[], settings: PredictionLogSettings): Map<string, Pixels | null> {
  return new Map(
    images
      .filter((name) => !isHidden(name, settings))
      .flatMap((name): [string, Pixels | null][] => {
        const value = Object.hasOwn(row, name) ? row[name] : undefined;
        if (value instanceof DecodedImage) return [[name, value.pixels]];
        return value === undefined || value === null ? [[name, null]] : [];
      }),
  );
}

async function factsOf(images: ReadonlyMap<string, Pixels | null>): Promise<MeasuredImages> {
  const facts: Record<string, MeasuredImages[string]> = {};
  for (const [name, pixels] of images) facts[name] = pixels === null ? null : await imageFacts(pixels);
  return facts;
}

/** A sample follows from its row. */
function withoutSamples(prediction: Prediction): Prediction {
  if ('image' in prediction) return { image: '' };
  return 'sample' in prediction ? { sample: [] } : prediction;
}
