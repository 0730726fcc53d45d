import { performance } from 'node:perf_hooks';
import { isPerennialError, messageOf } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { getJson, putJson } from '../../storage/json-objects.ts';
import { readStored } from '../../storage/stored.ts';
import { CURVES, curvesKey } from './curves.ts';
import type { CurvePicture, CurvePoint, CurveState, EpochSpreads, TrainingCurves } from './curves.ts';

/** Milliseconds between two writes, at least. */
const GAP_MS = 1_000;
/** Writing takes at most this share of the time: records of long trainings are large, and stores slow. */
const WRITING_SHARE = 0.02;
const CONFLICTS_MAX = 5;

/** What a training that begins, or goes on, knows of itself. */
export interface CurveStart {
  readonly epochs: number;
  /** Complete epochs before it, from its checkpoint. */
  readonly history: readonly Readonly<Record<string, number>>[];
  readonly bestEpoch: number | null;
  readonly trained: readonly string[];
  readonly layers?: TrainingCurves['layers'];
  readonly spreads: readonly EpochSpreads[];
  readonly pictures: readonly CurvePicture[];
}

/** One more epoch. */
export interface CurveEpoch {
  readonly numbers: Readonly<Record<string, number>>;
  readonly bestEpoch: number | null;
  readonly spreads?: EpochSpreads['spreads'];
  readonly picture?: string;
}

/**
 * Keeps the curves of a training in the store while it goes: the first epoch at once, later ones beside the training, which never waits
 * for it. A training that goes on finds what was kept, and what was lost in a kill comes from its checkpoint. A store that is away costs
 * the curves, not the training.
 */
export class CurveKeeper {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #warn: (message: string) => void;
  #record: TrainingCurves;
  #etag: string | undefined;
  #changed = false;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writtenAt = -Infinity;
  #writeMs = 0;
  #warned = false;

  constructor(
    store: ObjectStore,
    of: Pick<TrainingCurves, 'pipeline' | 'run' | 'step' | 'binding' | 'settings'>,
    warn: (message: string) => void,
  ) {
    this.#store = store;
    this.#key = curvesKey(of);
    this.#warn = warn;
    this.#record = { formatVersion: 1, ...of, state: 'running', epochs: 0, bestEpoch: null, attempts: [], points: [] };
  }

  /** Goes on with what an attempt before has kept. */
  async open(): Promise<void> {
    await this.#attempt(async () => {
      const before = await this.#stored();
      if (before === undefined) return;
      const { why: _why, ...rest } = before;
      this.#record = { ...rest, state: 'running' };
    });
  }

  /** The trainer is there. @param at milliseconds since 1970 */
  started({ epochs, history, bestEpoch, trained, layers, spreads, pictures }: CurveStart, at = Date.now()): void {
    const known = new Map(this.#record.points.map((point) => [point.epoch, point]));
    this.#record = {
      ...this.#record,
      epochs,
      bestEpoch,
      trained,
      attempts: [...this.#record.attempts, { at, afterEpoch: history.length }],
      // Epochs after the checkpoint are computed again, to the same numbers: they stay until then.
      points: withPoints(
        this.#record.points,
        history.map((entry) => pointOf(entry, known.get(entry['epoch']!)?.at ?? at)),
      ),
      ...(layers === undefined ? {} : { layers }),
      ...(spreads.length === 0 ? {} : { spreads: mergeByEpoch(this.#record.spreads, spreads) }),
      ...(pictures.length === 0 ? {} : { pictures: mergeByEpoch(this.#record.pictures, pictures) }),
    };
    this.#soon();
  }

  epoch({ numbers, bestEpoch, spreads, picture }: CurveEpoch, at = Date.now()): void {
    const point = pointOf(numbers, at);
    this.#record = {
      ...this.#record,
      bestEpoch,
      points: withPoints(this.#record.points, [point]),
      ...(spreads === undefined ? {} : { spreads: mergeByEpoch(this.#record.spreads, [{ epoch: point.epoch, spreads }]) }),
      ...(picture === undefined ? {} : { pictures: mergeByEpoch(this.#record.pictures, [{ epoch: point.epoch, image: picture }]) }),
    };
    this.#soon();
  }

  /** Waits until all of it is kept. */
  async end(state: CurveState, why?: string): Promise<void> {
    this.#record = { ...this.#record, state, ...(why === undefined ? {} : { why }) };
    this.#changed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    await this.#write();
  }

  #soon(): void {
    this.#changed = true;
    if (this.#writing !== undefined || this.#timer !== undefined) return;
    const wait = Math.max(GAP_MS, this.#writeMs / WRITING_SHARE) - (performance.now() - this.#writtenAt);
    const write = (): void => {
      this.#timer = undefined;
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        if (this.#changed) this.#soon();
      });
    };
    if (wait <= 0) write();
    else this.#timer = setTimeout(write, wait).unref();
  }

  async #write(): Promise<void> {
    const started = performance.now();
    await this.#attempt(async () => {
      for (let conflict = 0; this.#changed; conflict++) {
        this.#changed = false;
        try {
          const { etag } = await putJson(
            this.#store,
            this.#key,
            this.#record,
            this.#etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: this.#etag },
          );
          this.#etag = etag;
        } catch (error) {
          if (!isPerennialError(error, 'PRECONDITION_FAILED') || conflict >= CONFLICTS_MAX) throw error;
          // An attempt that was given up still writes, or a write of ours arrived whose answer did not.
          const before = await this.#stored();
          if (before !== undefined) this.#record = { ...this.#record, points: withPoints(before.points, this.#record.points) };
          this.#changed = true;
        }
      }
    });
    this.#writtenAt = performance.now();
    this.#writeMs = this.#writtenAt - started;
  }

  async #stored(): Promise<TrainingCurves | undefined> {
    const stored = await getJson(this.#store, this.#key);
    this.#etag = stored?.etag;
    return stored === undefined ? undefined : readStored(CURVES, stored.value, `${this.#store.location}: "${this.#key}"`);
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#warned) this.#warn(`the curves of the training cannot be kept, training goes on without: ${messageOf(error)}`);
      this.#warned = true;
    }
  }
}

function pointOf({ epoch, ...numbers }: Readonly<Record<string, number>>, at: number): CurvePoint {
  // JSON has no other numbers.
  return { epoch: epoch!, at, numbers: Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value))) };
}

/** The points with these in place of others of the same epochs; an epoch that came to the same numbers keeps its time. */
function withPoints(points: readonly CurvePoint[], more: readonly CurvePoint[]): CurvePoint[] {
  const last = points.at(-1);
  if (more.length === 1 && (last === undefined || more[0]!.epoch > last.epoch)) return [...points, more[0]!];
  const all = new Map(points.map((point) => [point.epoch, point]));
  for (const point of more) {
    const before = all.get(point.epoch);
    if (before === undefined || JSON.stringify(before.numbers) !== JSON.stringify(point.numbers)) all.set(point.epoch, point);
  }
  return [...all.values()].sort((a, b) => a.epoch - b.epoch);
}

function mergeByEpoch<T extends { readonly epoch: number }>(before: readonly T[] | undefined, more: readonly T[]): T[] {
  return [...new Map([...(before ?? []), ...more].map((one) => [one.epoch, one])).values()].sort((a, b) => a.epoch - b.epoch);
}
