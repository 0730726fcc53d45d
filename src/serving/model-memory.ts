import { sizeText } from '../core/byte-size.ts';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { StepLogger } from '../core/step.ts';
import type { TensorBatch } from '../core/tensor.ts';
import type { ModelMeta, Predictor } from '../training/model/model-meta.ts';
import { hasPassed } from '../platform/passed.ts';
import { SERVING_LIMITS } from './limits.ts';
import { RequestError } from './request-error.ts';
import type { NetworkSource, PredictorApart, Servable, WaitingPredictor } from './servable.ts';
import type { ServingMetrics } from './serving-metrics.ts';
import { isSlow, neutralExamples, warmUp } from './warm-up.ts';

export interface MemoryOptions {
  /** What the loaded versions may count together, in bytes. Default: without bound. */
  readonly budget?: number;
  /** How long a load waits for room, in milliseconds. */
  readonly waitMs?: number;
  readonly retryMs?: number;
  /** Whether a model is in the middle of a rollout: its versions are put away last, as their times are compared. */
  readonly isCompared?: (model: string) => boolean;
  /** Whether others are answered meanwhile. Default: yes. */
  readonly isServing?: () => boolean;
}

/** A load that waits until there is room. */
interface Claim {
  readonly bytes: number;
  grant(): void;
}

/** Where a loaded version is at the moment. */
export type Residence = 'memory' | 'process' | 'shelf';

/**
 * The memory of the networks that are served. Under a budget, the one that was used least recently is put on the shelf when another needs
 * the room, and is brought back when it is asked for: once, for all who ask meanwhile. What is amid an answer stays until it is given.
 * Everything else of a version (preprocessing, names, routing) stays where it is: a version on the shelf is served.
 */
export class ModelMemory {
  readonly #log: StepLogger;
  readonly #metrics: ServingMetrics;
  readonly #options: Required<MemoryOptions>;
  readonly #residents = new Set<Resident>();
  readonly #claims: Claim[] = [];
  /** Versions that were said to be too large. */
  readonly #told = new Set<string>();
  #reserved = 0;
  #clock = 0;

  constructor(dependencies: { log: StepLogger; metrics: ServingMetrics }, options: MemoryOptions = {}) {
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
    this.#options = {
      budget: options.budget ?? Infinity,
      waitMs: options.waitMs ?? SERVING_LIMITS.waitMs,
      retryMs: options.retryMs ?? SERVING_LIMITS.loadRetryMs,
      isCompared: options.isCompared ?? (() => false),
      isServing: options.isServing ?? (() => true),
    };
  }

  /**
   * Loads a version, warms it up, and moves a network that is slow into a process of its own; one that is so by its size begins there.
   * One that would load the library while others are answered begins there, too, and stays.
   *
   * @param weightBytes where that is known before
   * @throws SERVING_MEMORY where it is larger than the whole budget; RequestError 503 where no room came free; what `load` throws
   */
  async open(model: string, version: number, load: () => Promise<Servable>, weightBytes = 0): Promise<Servable> {
    const expected = countedBytes(weightBytes);
    this.#requireFits(model, version, expected);
    await this.#claim(expected);
    let resident: Resident | undefined;
    let isApart = false;
    try {
      const servable = await load();
      try {
        resident = new Resident(servable, this.#hostOf(model, version), {
          bytes: countedBytes(servable.network?.weightBytes ?? weightBytes),
          retryMs: this.#options.retryMs,
        });
        const isLikelySlow = servable.network?.isLikelySlow === true;
        const wouldHoldUp = servable.network?.loadsLibrary?.() === true && this.#options.isServing();
        const begins = isLikelySlow || wouldHoldUp;
        if (!begins || !(await resident.beginApart(servable, wouldHoldUp ? 'library' : 'slow'))) {
          await warmUp(servable);
          isApart = !begins && servable.network !== undefined && (await isSlow(servable));
        }
        this.#requireFits(model, version, resident.bytes);
      } catch (error) {
        if (resident === undefined) servable.predictor.dispose();
        else resident.dispose();
        throw error;
      }
      resident.stamp(++this.#clock);
      this.#residents.add(resident);
      this.#metrics.modelLoads.add({ model });
      // A promotion does not wait for a process to start: until then the version answers from here.
      if (isApart) void resident.moveApart();
      return { ...servable, predictor: resident };
    } finally {
      this.#reserved -= expected;
      this.#advance();
    }
  }

  /** Where the network of a version is; undefined where it was not opened here. */
  residence({ predictor }: Servable): Residence | undefined {
    return predictor instanceof Resident ? predictor.residence : undefined;
  }

  /** Why a version cannot be brought back; undefined where it can, or was not tried. */
  problem({ predictor }: Servable): string | undefined {
    return predictor instanceof Resident ? predictor.problem : undefined;
  }

  /** Whether there is a budget. */
  get isBounded(): boolean {
    return this.#options.budget !== Infinity;
  }

  /** What the loaded versions count, in bytes. */
  get #used(): number {
    return this.#reserved + [...this.#residents].reduce((sum, resident) => sum + resident.held, 0);
  }

  #hostOf(model: string, version: number): Host {
    return {
      budget: this.#options.budget,
      claim: (bytes) => this.#claim(bytes),
      unclaim: (bytes) => {
        this.#reserved -= bytes;
        this.#advance();
      },
      used: (resident) => resident.stamp(++this.#clock),
      changed: () => this.#advance(),
      gone: (resident) => {
        this.#residents.delete(resident);
        this.#advance();
      },
      cameBack: () => {
        this.#metrics.modelLoads.add({ model });
        this.#log.info('a version is in memory again', { model, version });
      },
      failed: (error) => {
        this.#metrics.loadFailures.add({ model });
        this.#log.error('a version cannot be brought back into memory', { model, version, error: messageOf(error) });
      },
      died: (problem) => {
        this.#metrics.processDeaths.add({ model });
        this.#log.error('the process of a network ended; those who waited for it get 503, and it is started again', {
          model,
          version,
          error: problem,
        });
      },
      moved: (why) => {
        this.#log.info(MOVED[why], { model, version });
        this.#advance();
      },
      stayed: (error) => {
        this.#log.warn('a network that takes long has no process of its own, and holds up all others while it computes', {
          model,
          version,
          error: messageOf(error),
        });
      },
      revived: () => {
        this.#log.info('the process of a network answers again', { model, version });
        this.#advance();
      },
    };
  }

  #requireFits(model: string, version: number, bytes: number): void {
    const { budget } = this.#options;
    if (bytes <= budget) return;
    const error = tooLarge(`Version ${version} of "${model}"`, bytes, budget);
    const key = `${model}/${version}`;
    if (!this.#told.has(key))
      this.#log.error('a version is larger than the memory of all models', { model, version, error: error.message });
    this.#told.add(key);
    throw error;
  }

  /** Room for so many bytes, kept until it is given back. @throws RequestError 503 */
  async #claim(bytes: number): Promise<void> {
    const { budget, waitMs } = this.#options;
    if (budget === Infinity) {
      this.#reserved += bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const claim: Claim = {
        bytes,
        grant: () => {
          clearTimeout(late);
          this.#reserved += bytes;
          resolve();
        },
      };
      const late = setTimeout(() => {
        const at = this.#claims.indexOf(claim);
        if (at === -1) return;
        this.#claims.splice(at, 1);
        this.#advance();
        reject(
          new RequestError(503, `The models that are answering leave no room in the memory of the server. Try again in a second.`, {
            retryAfter: 1,
          }),
        );
      }, waitMs);
      late.unref();
      this.#claims.push(claim);
      this.#advance();
    });
  }

  /**
   * Gives room to those who wait for it, in their order; makes it by putting away what was used least recently. Where that is amid an
   * answer, nothing more begins on it: the others would wait for ever for a version that is asked all the time.
   */
  #advance(): void {
    const { budget } = this.#options;
    if (budget !== Infinity) {
      for (const resident of this.#residents) resident.closing = false;
      while (this.#makeRoom(this.#claims[0]?.bytes ?? 0) && this.#claims.length > 0) this.#claims.shift()!.grant();
    }
    this.#report();
  }

  /** Whether there is room for so many bytes more. */
  #makeRoom(bytes: number): boolean {
    let over = this.#used + bytes - this.#options.budget;
    if (over <= 0) return true;
    const { isCompared } = this.#options;
    const candidates = [...this.#residents]
      .filter((resident) => resident.isMovable)
      .map((resident) => ({ resident, isCompared: isCompared(resident.model), isBusy: resident.isBusy }))
      .sort(
        (a, b) =>
          Number(a.isCompared) - Number(b.isCompared) || Number(a.isBusy) - Number(b.isBusy) || a.resident.usedAt - b.resident.usedAt,
      );
    let coming = 0;
    for (const { resident, isBusy } of candidates) {
      if (over - coming <= 0) break;
      if (isBusy) {
        // Only for somebody who waits.
        if (bytes === 0) continue;
        resident.closing = true;
        coming += resident.held;
        continue;
      }
      over -= resident.held;
      resident.putAway();
      this.#metrics.modelEvictions.add({ model: resident.model });
      this.#log.info('a version was put on the shelf: the memory is needed for another', {
        model: resident.model,
        version: resident.version,
        bytes: resident.bytes,
      });
    }
    return over <= 0;
  }

  #report(): void {
    const { modelBytes } = this.#metrics;
    modelBytes.clear();
    for (const { model, version, held } of this.#residents) modelBytes.set({ model, version: String(version) }, held);
  }
}

/**
 * What a version in the memory of the server counts. What the server grows by while one is loaded says little: others are answered
 * meanwhile, and TensorFlow itself is loaded with the first.
 */
function countedBytes(weightBytes: number): number {
  return 2 * weightBytes + SERVING_LIMITS.versionBytesMin;
}

function tooLarge(what: string, bytes: number, budget: number): PerennialError {
  return new PerennialError(
    'SERVING_MEMORY',
    `${what} takes ${sizeText(bytes)}, and all models together may take ${sizeText(budget)} (PERENNIAL_SERVE_MEMORY).`,
  );
}

/** Why a network has a process of its own: a call of it takes long, or TensorFlow was not loaded here when others were answered. */
type WhyApart = 'slow' | 'library';

const MOVED: Readonly<Record<WhyApart, string>> = {
  slow: 'a network answers from a process of its own: a call of it takes long',
  library:
    'a network answers from a process of its own: loading TensorFlow here would have held up those who are answered; a server that is started anew loads it before it is ready',
};

/** What a resident asks of the memory. */
interface Host {
  /** Of all models together, in bytes. */
  readonly budget: number;
  claim(bytes: number): Promise<void>;
  unclaim(bytes: number): void;
  used(resident: Resident): void;
  changed(): void;
  gone(resident: Resident): void;
  cameBack(): void;
  failed(error: unknown): void;
  died(problem: string): void;
  revived(): void;
  /** It has a process of its own now. */
  moved(why: WhyApart): void;
  /** It could not get one. */
  stayed(error: unknown): void;
}

/** A network that is loaded, and how many calls of it go on. */
interface Loaded {
  readonly predictor: WaitingPredictor;
  /** The same, where it has a process of its own. */
  readonly apart?: PredictorApart;
  calls: number;
  isRetired: boolean;
}

/** The network of one version, wherever it is. */
class Resident implements WaitingPredictor {
  readonly meta: ModelMeta;
  readonly model: string;
  readonly version: number;
  readonly #host: Host;
  readonly #network: NetworkSource | undefined;
  readonly #warm: () => TensorBatch;
  readonly #retryMs: number;
  #loaded: Loaded | undefined;
  /** What it takes in the memory of the server. */
  readonly #bytesHere: number;
  /** What its process was last seen to take. */
  #bytesApart: number | undefined;
  #isApart = false;
  #held: NodeJS.Timeout | undefined;
  #returning: Promise<void> | undefined;
  #failure: { readonly error: unknown; readonly attempts: number; readonly failedAt: number; readonly waitMs: number } | undefined;
  #disposed = false;
  /** Nothing more begins on it. */
  closing = false;
  usedAt = 0;

  constructor(servable: Servable, host: Host, { bytes, retryMs }: { readonly bytes: number; readonly retryMs: number }) {
    this.meta = servable.predictor.meta;
    this.model = servable.model;
    this.version = servable.version;
    this.#host = host;
    this.#network = servable.network;
    this.#warm = () => neutralExamples(servable.preprocessor);
    this.#retryMs = retryMs;
    this.#loaded = loadedOf(servable.predictor);
    this.#bytesHere = bytes;
  }

  /** What it takes when it is in memory. */
  get bytes(): number {
    this.#bytesApart = this.#loaded?.apart?.bytes ?? this.#bytesApart;
    const isApart = this.#loaded === undefined ? this.#isApart : this.#loaded.apart !== undefined;
    return isApart ? (this.#bytesApart ?? this.#bytesHere) : this.#bytesHere;
  }

  /** What it takes now. */
  get held(): number {
    return this.#loaded === undefined ? 0 : this.bytes;
  }

  get residence(): Residence {
    if (this.#loaded === undefined) return 'shelf';
    return this.#loaded.apart === undefined ? 'memory' : 'process';
  }

  get problem(): string | undefined {
    return this.#failure === undefined ? undefined : messageOf(this.#failure.error);
  }

  get isBusy(): boolean {
    return this.#loaded !== undefined && this.#loaded.calls > 0;
  }

  /** It is in memory, can be brought back, and nobody waited for it whom it has not answered yet. */
  get isMovable(): boolean {
    return this.#loaded !== undefined && this.#network !== undefined && this.#held === undefined;
  }

  stamp(clock: number): void {
    this.usedAt = clock;
  }

  /**
   * Begins in a process of its own, before anything is loaded here. Where no process can be had, or it is quick after all and was to be
   * apart for that alone, nothing is loaded.
   *
   * @returns whether it answers from the process @throws what loading throws
   */
  async beginApart(servable: Servable, why: WhyApart): Promise<boolean> {
    let apart: PredictorApart;
    try {
      apart = await this.#startApart();
    } catch (error) {
      if (!NO_PROCESS.some((code) => isPerennialError(error, code))) throw error;
      this.#host.stayed(error);
      return false;
    }
    try {
      const there = { ...servable, predictor: apart };
      await warmUp(there);
      if (why === 'slow' && !(await isSlow(there))) {
        apart.dispose();
        return false;
      }
    } catch (error) {
      apart.dispose();
      throw error;
    }
    const before = this.#loaded!;
    this.#isApart = true;
    this.#loaded = loadedApart(apart);
    retire(before);
    this.#host.moved(why);
    return true;
  }

  /** From now on in a process of its own; where none can be had it stays where it is. Never rejects. */
  async moveApart(): Promise<void> {
    this.#isApart = true;
    const before = this.#loaded;
    try {
      const apart = await this.#startApart();
      // It was put on the shelf meanwhile, or is not wanted any more: from the shelf it comes back into a process.
      if (this.#disposed || this.#loaded !== before || before === undefined) return apart.dispose();
      this.#loaded = loadedApart(apart);
      retire(before);
      this.#host.moved('slow');
    } catch (error) {
      if (this.#disposed) return;
      this.#isApart = false;
      this.#host.stayed(error);
    }
  }

  ready(): Promise<void> | undefined {
    if (this.#loaded !== undefined && !this.closing) return this.#loaded.predictor.ready?.();
    return this.#bringBack();
  }

  predictNow(batch: TensorBatch): Float32Array | undefined {
    if (this.#disposed || this.closing || this.#loaded === undefined) return undefined;
    const values = this.#loaded.predictor.predictNow?.(batch);
    if (values === undefined) return undefined;
    this.#letGo();
    this.#host.used(this);
    return values;
  }

  async predict(batch: TensorBatch): Promise<Float32Array> {
    for (;;) {
      if (this.#disposed) throw new PerennialError('INTERNAL', 'A model was asked after it was disposed of.');
      if (this.#loaded !== undefined && !this.closing) break;
      await this.#bringBack();
    }
    this.#letGo();
    this.#host.used(this);
    const loaded = this.#loaded;
    loaded.calls += 1;
    try {
      return await loaded.predictor.predict(batch);
    } finally {
      loaded.calls -= 1;
      if (loaded.calls === 0 && loaded.isRetired) loaded.predictor.dispose();
      if (loaded.calls === 0 && this.closing) this.#host.changed();
    }
  }

  /** To the shelf. */
  putAway(): void {
    this.closing = false;
    if (this.#loaded !== undefined) retire(this.#loaded);
    this.#loaded = undefined;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#letGo();
    this.putAway();
    this.#host.gone(this);
  }

  /** Once for all who ask. @throws RequestError 503 */
  #bringBack(): Promise<void> {
    if (this.#returning !== undefined) return this.#returning;
    if (this.#failure !== undefined && !hasPassed(this.#failure.failedAt, this.#failure.waitMs))
      return Promise.reject(unavailable(this, this.#failure.error));
    this.#returning = this.#return().finally(() => {
      this.#returning = undefined;
    });
    return this.#returning;
  }

  async #return(): Promise<void> {
    // Behind those for whom it is about to go.
    // A process that grew beyond everything is a small one when it begins anew, or none: see `#startApart`.
    const bytes = Math.min(this.bytes, this.#host.budget);
    await this.#host.claim(bytes);
    try {
      if (this.#loaded !== undefined || this.#disposed) return;
      const loaded = await this.#loadWhereItWas();
      if (this.#disposed) {
        loaded.predictor.dispose();
        throw new RequestError(503, `Version ${this.version} of "${this.model}" was taken out of service. Try again.`, { retryAfter: 1 });
      }
      this.#loaded = loaded;
      this.#failure = undefined;
      this.#held = setTimeout(() => {
        this.#letGo();
        this.#host.changed();
      }, SERVING_LIMITS.heldMs).unref();
      this.#host.used(this);
      this.#host.cameBack();
    } catch (error) {
      if (error instanceof RequestError) throw error;
      const attempts = (this.#failure?.attempts ?? 0) + 1;
      const wait = Math.min(this.#retryMs * 2 ** (attempts - 1), SERVING_LIMITS.loadRetryMaxMs);
      this.#failure = { error, attempts, failedAt: Date.now(), waitMs: wait };
      this.#host.failed(error);
      throw unavailable(this, error);
    } finally {
      this.#host.unclaim(bytes);
    }
  }

  async #loadWhereItWas(): Promise<Loaded> {
    if (this.#isApart)
      try {
        return loadedApart(await this.#startApart());
      } catch (error) {
        if (!isPerennialError(error, 'SERVING_MEMORY')) throw error;
        this.#isApart = false;
        this.#host.stayed(error);
      }
    return loadedOf(await this.#load());
  }

  async #load(): Promise<Predictor> {
    const predictor = await this.#network!.again();
    try {
      await predictor.predict(this.#warm());
      return predictor;
    } catch (error) {
      predictor.dispose();
      throw error;
    }
  }

  /** @throws SERVING_MEMORY where the process takes more than all models may: it would be put away for ever */
  async #startApart(): Promise<PredictorApart> {
    const apart = await this.#network!.apart({
      warm: this.#warm(),
      died: (problem) => this.#host.died(problem),
      revived: () => this.#host.revived(),
    });
    const { bytes } = apart;
    if (bytes === undefined || bytes <= this.#host.budget) return apart;
    apart.dispose();
    throw tooLarge(`The process of version ${this.version} of "${this.model}"`, bytes, this.#host.budget);
  }

  #letGo(): void {
    clearTimeout(this.#held);
    this.#held = undefined;
  }
}

/** Why a network stays with its server. */
const NO_PROCESS = ['SERVING_MEMORY', 'SERVING_PROCESS', 'PROVISIONING_FAILED'] as const;

const loadedOf = (predictor: WaitingPredictor): Loaded => ({ predictor, calls: 0, isRetired: false });

const loadedApart = (apart: PredictorApart): Loaded => ({ ...loadedOf(apart), apart });

/** Disposed of when its last call is over. */
function retire(loaded: Loaded): void {
  loaded.isRetired = true;
  if (loaded.calls === 0) loaded.predictor.dispose();
}

function unavailable({ model, version }: Resident, error: unknown): RequestError {
  const why = isPerennialError(error) && error.code !== 'INTERNAL' ? `: ${error.message}` : '; the log of the server tells why.';
  return new RequestError(503, `Version ${version} of "${model}" cannot be brought back into memory${why}`, { retryAfter: 1 });
}
