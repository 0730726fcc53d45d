import { isPerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { PredictionLogSettings } from '../core/prediction-log.ts';
import type { RequestLimits } from '../core/request-limits.ts';
import type { RolloutRouting } from '../core/rollout.ts';
import type { StepLogger } from '../core/step.ts';
import type { OutputSpec } from '../core/tensor.ts';
import { measure } from '../telemetry/telemetry.ts';
import { hasPassed } from '../platform/passed.ts';
import { CHAMPION } from '../registry/decisions.ts';
import { Batcher } from './batcher.ts';
import { SERVING_LIMITS } from './limits.ts';
import { ModelMemory } from './model-memory.ts';
import type { MemoryOptions } from './model-memory.ts';
import { RequestError } from './request-error.ts';
import { errorOf, isDegraded, mayRetry, rolloutStateOf, stateOf } from './model-slot.ts';
import type { LoadFailure, ModelState, Slot } from './model-slot.ts';
import type { FollowedRollout } from './rollout-counter.ts';
import type { Lease } from './servable.ts';
import type { ServingMetrics } from './serving-metrics.ts';
import { VersionHandle } from './version-handle.ts';
import type { RoutingState, VersionSource } from './version-source.ts';

const MODEL_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export interface RouterOptions {
  readonly pollMs?: number;
  readonly discoverMs?: number;
  readonly extraVersionsMax?: number;
  readonly loadRetryMs?: number;
  /** What the loaded versions may count together, in bytes. Default: without bound. */
  readonly memoryBytes?: number;
  /** How long a load waits for room under `memoryBytes`, in milliseconds. */
  readonly memoryWaitMs?: number;
}

type MemorySettings = Pick<RouterOptions, 'memoryBytes' | 'memoryWaitMs'>;

/** Which version a request is for: the champion where neither is given. */
export interface Target {
  readonly model: string;
  readonly version?: number;
  readonly alias?: string;
}

/** A rollout that decides about requests. */
export interface ActiveRollout {
  readonly rollout: RolloutRouting;
  /** Of the champion. */
  readonly output: OutputSpec;
}

/** What a version that cannot be loaded, now or later, is told as. */
const DAMAGED: readonly ErrorCode[] = [
  'BLOB_CORRUPT',
  'OBJECT_NOT_FOUND',
  'MODEL_INVALID',
  'PIPELINE_OUTDATED',
  'SERVING_MEMORY',
  'SERVING_PROCESS',
];

/**
 * Follows the routing of every model. A new champion is read, verified and warmed up before the swap; requests in flight end on
 * the version they began with. What is loaded stays loaded when the store is away, or when the version asked for is broken; where
 * nothing is loaded yet, the newest former champion that can be loaded answers (or nothing, where the routing says so). What is broken
 * about one model is told in the log, the metrics and the states, and touches no other one.
 */
export class Router {
  readonly #source: VersionSource;
  readonly #log: StepLogger;
  readonly #metrics: ServingMetrics;
  readonly #options: Required<Omit<RouterOptions, keyof MemorySettings>>;
  readonly #memory: ModelMemory;
  readonly #slots = new Map<string, Slot>();
  /** Versions besides the champions, least recently used first. */
  readonly #extras = new Map<string, VersionHandle>();
  readonly #loading = new Map<string, Promise<VersionHandle>>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #discoveredAt = -Infinity;
  #storeFailures = 0;
  /** Since when the store does not answer, in milliseconds since 1970. */
  #cutOffAt: number | undefined;
  #ready = false;
  #stopped = false;
  #lookups = { second: 0, count: 0 };

  constructor(source: VersionSource, dependencies: { log: StepLogger; metrics: ServingMetrics }, options: RouterOptions = {}) {
    this.#source = source;
    this.#log = dependencies.log;
    this.#metrics = dependencies.metrics;
    this.#options = {
      pollMs: options.pollMs ?? SERVING_LIMITS.pollMs,
      discoverMs: options.discoverMs ?? SERVING_LIMITS.discoverMs,
      extraVersionsMax: options.extraVersionsMax ?? SERVING_LIMITS.extraVersionsMax,
      loadRetryMs: options.loadRetryMs ?? SERVING_LIMITS.loadRetryMs,
    };
    this.#memory = new ModelMemory(
      dependencies,
      memoryOptions(options, {
        isCompared: (model) => this.#slots.get(model)?.routing?.rollout !== undefined,
        isServing: () => this.#ready,
      }),
    );
  }

  /** True once every model that was there at the start has been loaded, or failed to. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Since when no store answers; undefined while it does. */
  get cutOffSince(): string | undefined {
    return this.#cutOffAt === undefined ? undefined : new Date(this.#cutOffAt).toISOString();
  }

  get storeReachable(): boolean {
    return this.#storeFailures === 0;
  }

  /** The first round, then one every `pollMs`; a store that is away is asked less and less often, at least every 5 s. */
  async start(): Promise<void> {
    this.#round = this.#poll();
    await this.#round;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
    await Promise.allSettled([...this.#loading.values()]);
    for (const slot of this.#slots.values()) {
      slot.current?.retire();
      delete slot.current;
      slot.candidate?.retire();
      delete slot.candidate;
    }
    for (const handle of this.#extras.values()) handle.retire();
    this.#extras.clear();
  }

  states(): ModelState[] {
    return [...this.#slots.values()]
      .filter((slot) => slot.routing !== undefined || slot.current !== undefined || slot.unread !== undefined)
      .map((slot) => this.#stateOf(slot));
  }

  /** @throws RequestError 404 */
  async state(model: string): Promise<ModelState> {
    return this.#stateOf(await this.#slotOf(model));
  }

  #stateOf(slot: Slot): ModelState {
    const extras = [...this.#extras.values()].filter(({ servable }) => servable.model === slot.model);
    const handles = [slot.current, slot.next, slot.candidate, ...extras].filter((handle) => handle !== undefined && !handle.retired);
    const versions = [...new Set(handles)].sort((a, b) => a!.servable.version - b!.servable.version);
    const isOnShelf = (handle: VersionHandle): boolean => this.#memory.residence(handle.servable) === 'shelf';
    const problem = slot.current === undefined ? undefined : this.#memory.problem(slot.current.servable);
    return stateOf(
      slot,
      versions.filter((handle) => !isOnShelf(handle!)).map((handle) => handle!.servable.version),
      versions.filter((handle) => isOnShelf(handle!)).map((handle) => handle!.servable.version),
      problem,
    );
  }

  /** All registered versions; while the store is away, those seen last, at least the one that is served. */
  async versions(model: string): Promise<readonly number[]> {
    const slot = await this.#slotOf(model);
    const patience = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), SERVING_LIMITS.versionListMs).unref());
    const found = await Promise.race([this.#source.versions(model).catch(() => undefined), patience]);
    if (found !== undefined) slot.versions = found;
    return slot.versions ?? (slot.current === undefined ? [] : [slot.current.servable.version]);
  }

  /**
   * The rollout that decides who answers; undefined where the target names a version or an alias, there is none, or the champion that it
   * is about does not answer here; and where the store is out of reach, as nobody could end it.
   */
  rolloutOf({ model, version, alias }: Target): ActiveRollout | undefined {
    const slot = this.#slots.get(model);
    const rollout = slot?.routing?.rollout;
    if (this.#cutOffAt !== undefined && hasPassed(this.#cutOffAt, SERVING_LIMITS.rolloutAloneMs)) return undefined;
    if (rollout === undefined || version !== undefined || (alias !== undefined && alias !== CHAMPION)) return undefined;
    const champion = slot!.current?.servable;
    return champion?.version === rollout.champion ? { rollout, output: champion.predictor.meta.output } : undefined;
  }

  /** undefined while the candidate is not in memory. */
  leaseCandidate(model: string, { candidate }: RolloutRouting): Lease | undefined {
    const handle = this.#slots.get(model)?.candidate;
    return handle !== undefined && !handle.retired && handle.servable.version === candidate ? handle.acquire() : undefined;
  }

  /** What the deployment of a model says of its predictions; undefined while the model is not known, or it says nothing. */
  predictionLogOf(model: string): PredictionLogSettings | undefined {
    return this.#slots.get(model)?.routing?.predictionLog;
  }

  /** What may be asked of a model; undefined while it is not known, or its deployment says nothing. */
  limitsOf(model: string): RequestLimits | undefined {
    return this.#slots.get(model)?.routing?.limits;
  }

  /** Those that go on. */
  rollouts(): FollowedRollout[] {
    return [...this.#slots.values()].flatMap((slot) => {
      const state = rolloutStateOf(slot);
      if (state === undefined) return [];
      const { loaded, error, ...rollout } = state;
      return [{ model: slot.model, rollout, revision: slot.routing!.revision, loaded, ...(error === undefined ? {} : { error }) }];
    });
  }

  /** The champion, where that is asked for and answers; otherwise see {@link lease}. */
  leaseNow({ model, version, alias }: Target): Lease | undefined {
    return version === undefined && (alias === undefined || alias === CHAMPION) ? this.#slots.get(model)?.current?.acquire() : undefined;
  }

  /** The version that answers this request. @throws RequestError 404, 503 */
  async lease(target: Target): Promise<Lease> {
    const slot = this.#slots.get(target.model) ?? (await this.#slotOf(target.model));
    const version =
      target.version ?? (target.alias === undefined || target.alias === CHAMPION ? undefined : this.#aliased(slot, target.alias));
    if (version !== undefined) return this.#leaseVersion(slot, version);
    if (slot.current !== undefined) return slot.current.acquire();
    if (slot.failure !== undefined || slot.unread !== undefined)
      throw new RequestError(503, `The model "${slot.model}" cannot be served: ${errorOf(slot)}.`, { retryAfter: 1 });
    if (slot.routing?.aliases[CHAMPION] === undefined)
      throw new RequestError(404, `The model "${slot.model}" has no champion: promote a version first.`);
    throw new RequestError(503, `The model "${slot.model}" is not loaded yet.`, { retryAfter: 1 });
  }

  #aliased(slot: Slot, alias: string): number {
    const aliases = slot.routing?.aliases ?? {};
    if (!Object.hasOwn(aliases, alias)) {
      const known = Object.keys(aliases).join(', ') || 'none';
      throw new RequestError(404, `The model "${slot.model}" has no alias ${JSON.stringify(alias)}. There is: ${known}.`);
    }
    return aliases[alias]!;
  }

  async #leaseVersion(slot: Slot, version: number): Promise<Lease> {
    for (;;) {
      const loaded = [slot.current, slot.next, slot.candidate, this.#extras.get(keyOf(slot.model, version))].find(
        (handle) => handle?.servable.version === version,
      );
      const handle = loaded ?? (await this.#loadAsked(slot.model, version));
      if (handle.retired) continue;
      if (handle !== slot.current && handle !== slot.next && handle !== slot.candidate) this.#keepExtra(handle);
      return handle.acquire();
    }
  }

  /** A version that somebody names. @throws RequestError 503 where it is damaged, which is no fault of the request, nor of the server */
  async #loadAsked(model: string, version: number): Promise<VersionHandle> {
    try {
      return await this.#load(model, version);
    } catch (error) {
      if (!isPerennialError(error) || !DAMAGED.includes(error.code)) throw error;
      this.#metrics.loadFailures.add({ model });
      // That has been said when it was met first.
      if (error.code !== 'SERVING_MEMORY')
        this.#log.error('a version that was asked for cannot be loaded', { model, version, error: error.message });
      throw new RequestError(503, `Version ${version} of "${model}" cannot be loaded: ${error.message}`);
    }
  }

  #keepExtra(handle: VersionHandle): void {
    const key = keyOf(handle.servable.model, handle.servable.version);
    this.#extras.delete(key);
    this.#extras.set(key, handle);
    for (const [oldest, victim] of this.#extras) {
      if (this.#extras.size <= this.#options.extraVersionsMax) break;
      this.#extras.delete(oldest);
      victim.retire();
    }
  }

  /** A model that is not known yet may have been registered a moment ago: the store is asked, a bounded number of times a second. */
  async #slotOf(model: string): Promise<Slot> {
    const known = this.#slots.get(model);
    if (known !== undefined) return known;
    const unknown = new RequestError(404, `There is no model ${JSON.stringify(model)} on this server.`);
    if (!MODEL_NAME.test(model) || this.#stopped || !this.#mayLookUp()) throw unknown;
    try {
      if ((await this.#source.routingEtag(model)) === undefined) throw unknown;
    } catch (error) {
      if (error instanceof RequestError) throw error;
      this.#log.warn('the store could not be asked for a model', { model, error: messageOf(error) });
      throw unknown;
    }
    const slot = this.#slotNamed(model);
    await this.#sync(slot);
    return slot;
  }

  #mayLookUp(): boolean {
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#lookups.second) this.#lookups = { second, count: 0 };
    this.#lookups.count += 1;
    return this.#lookups.count <= 50;
  }

  #slotNamed(model: string): Slot {
    let slot = this.#slots.get(model);
    if (slot === undefined) this.#slots.set(model, (slot = { model }));
    return slot;
  }

  #schedule(): void {
    if (this.#stopped) return;
    const delay = Math.min(this.#options.pollMs * 2 ** Math.min(this.#storeFailures, 10), Math.max(5_000, this.#options.pollMs));
    this.#timer = setTimeout(() => {
      this.#round = this.#poll().finally(() => this.#schedule());
    }, delay);
  }

  async #poll(): Promise<void> {
    try {
      if (hasPassed(this.#discoveredAt, this.#options.discoverMs)) {
        for (const model of await this.#source.models()) this.#slotNamed(model);
        this.#discoveredAt = Date.now();
      }
      const results = await Promise.allSettled([...this.#slots.values()].map((slot) => this.#sync(slot)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      if (this.#storeFailures > 0) this.#log.info('the store answers again');
      this.#storeFailures = 0;
      this.#cutOffAt = undefined;
      this.#ready = true;
    } catch (error) {
      if (this.#storeFailures === 0) this.#log.error('the store does not answer; what is loaded stays served', { error: messageOf(error) });
      this.#storeFailures += 1;
      this.#cutOffAt ??= Date.now();
    }
    this.#metrics.storeUp.set({}, this.storeReachable ? 1 : 0);
  }

  #sync(slot: Slot): Promise<void> {
    slot.syncing ??= this.#follow(slot).finally(() => {
      delete slot.syncing;
      this.#metrics.degraded.set({ model: slot.model }, isDegraded(slot) ? 1 : 0);
    });
    return slot.syncing;
  }

  async #follow(slot: Slot): Promise<void> {
    await this.#readRouting(slot);
    await this.#followChampion(slot);
    this.#followCandidate(slot);
  }

  /** The candidate of a rollout is in memory as long as the rollout goes on. */
  #followCandidate(slot: Slot): void {
    const rollout = slot.routing?.rollout;
    if (slot.candidate !== undefined && slot.candidate.servable.version !== rollout?.candidate) {
      const before = slot.candidate;
      delete slot.candidate;
      before.retire();
      this.#log.info('the rollout of a version ended', { model: slot.model, version: before.servable.version });
    }
    if (rollout === undefined || slot.candidate !== undefined || slot.candidateLoading === true || this.#stopped) return;
    if (rollout.candidate === slot.current?.servable.version) return;
    if (slot.candidateFailure?.version === rollout.candidate && !mayRetry(slot.candidateFailure)) return;
    // Beside the polls: a rollback does not wait for it.
    slot.candidateLoading = true;
    void this.#loadCandidate(slot, rollout).finally(() => delete slot.candidateLoading);
  }

  async #loadCandidate(slot: Slot, { id, kind, candidate, share }: RolloutRouting): Promise<void> {
    try {
      const key = keyOf(slot.model, candidate);
      const handle = this.#extras.get(key) ?? (await this.#load(slot.model, candidate));
      this.#extras.delete(key);
      delete slot.candidateFailure;
      if (this.#stopped) return handle.retire();
      if (slot.routing?.rollout?.candidate !== candidate || slot.candidate !== undefined) return this.#keepExtra(handle);
      slot.candidate = handle;
      this.#log.info('a version takes its share of the traffic', { model: slot.model, version: candidate, rollout: id, kind, share });
    } catch (error) {
      const before = slot.candidateFailure?.version === candidate ? slot.candidateFailure : undefined;
      slot.candidateFailure = this.#failureOf(candidate, error, before);
      this.#metrics.loadFailures.add({ model: slot.model });
      this.#log.error('the candidate of a rollout cannot be loaded; the champion answers', {
        model: slot.model,
        version: candidate,
        attempts: slot.candidateFailure.attempts,
        error: messageOf(error),
      });
    }
  }

  #failureOf(version: number, error: unknown, before: LoadFailure | undefined): LoadFailure {
    const attempts = (before?.attempts ?? 0) + 1;
    // What is too large stays so, until the routing says something else.
    const isForGood = isPerennialError(error, 'SERVING_MEMORY');
    const wait = isForGood ? Infinity : Math.min(this.#options.loadRetryMs * 2 ** (attempts - 1), SERVING_LIMITS.loadRetryMaxMs);
    return { version, message: messageOf(error), attempts, failedAt: Date.now(), waitMs: wait };
  }

  async #followChampion(slot: Slot): Promise<void> {
    for (;;) {
      const wanted = slot.routing?.aliases[CHAMPION];
      if (slot.routing === undefined || wanted === slot.current?.servable.version || this.#stopped) return;
      if (wanted === undefined) return this.#withdraw(slot);
      if (slot.failure?.version === wanted && !mayRetry(slot.failure)) return;
      const handle = await this.#loadNext(slot, wanted);
      if (handle === undefined) return this.#standIn(slot, wanted);
      // It may have been rolled back while it loaded; a store that is away by now does not hold the swap up.
      await this.#readRouting(slot).catch(() => {});
      delete slot.next;
      if (this.#stopped) return handle.retire();
      if (slot.routing.aliases[CHAMPION] === wanted) return this.#swap(slot, handle);
      this.#keepExtra(handle);
    }
  }

  /** An absent routing never unloads: a store that lost its disk looks just like that. */
  async #readRouting(slot: Slot): Promise<void> {
    const etag = await this.#source.routingEtag(slot.model);
    if (etag === undefined) return;
    if (etag === slot.routing?.etag) {
      delete slot.unread;
      return;
    }
    if (etag === slot.unread?.etag) return;
    const routing = await this.#routingOf(slot, etag);
    if (routing === undefined) return;
    slot.routing = routing;
    delete slot.failure;
    delete slot.candidateFailure;
  }

  /** One that cannot be read leaves what was known of the model, or what its history tells. */
  async #routingOf(slot: Slot, etag: string): Promise<RoutingState | undefined> {
    try {
      const routing = await this.#source.routing(slot.model);
      if (routing !== undefined) delete slot.unread;
      return routing;
    } catch (error) {
      if (!isOfOneModel(error)) throw error;
      slot.unread = { etag, message: messageOf(error) };
      const rebuilt = slot.routing ?? (await this.#source.rebuiltRouting(slot.model));
      this.#log.error('the routing of a model cannot be read; what was known of it holds', {
        model: slot.model,
        champion: rebuilt?.aliases[CHAMPION] ?? null,
        error: messageOf(error),
      });
      return rebuilt === slot.routing ? undefined : rebuilt;
    }
  }

  /** The champion cannot be loaded: what answers already goes on, or the newest former champion that can be loaded begins to. */
  async #standIn(slot: Slot, wanted: number): Promise<void> {
    if (slot.routing?.fallback === 'nothing') {
      if (slot.current !== undefined) this.#withdraw(slot, 'the champion cannot be loaded, and the routing wants nothing in its place');
      return;
    }
    if (slot.current !== undefined) return;
    for (const version of slot.routing?.previous ?? []) {
      if (version === wanted || this.#stopped) continue;
      try {
        const handle = await this.#load(slot.model, version);
        this.#extras.delete(keyOf(slot.model, version));
        this.#swap(slot, handle, slot.failure);
        this.#log.error('the champion cannot be loaded; a former one answers in its place', {
          model: slot.model,
          champion: wanted,
          serving: version,
          error: slot.failure?.message,
        });
        return;
      } catch (error) {
        this.#metrics.loadFailures.add({ model: slot.model });
        this.#log.error('a former champion cannot be loaded either', { model: slot.model, version, error: messageOf(error) });
      }
    }
  }

  async #loadNext(slot: Slot, version: number): Promise<VersionHandle | undefined> {
    try {
      const key = keyOf(slot.model, version);
      const handle = this.#takeCandidate(slot, version) ?? this.#extras.get(key) ?? (await this.#load(slot.model, version));
      this.#extras.delete(key);
      slot.next = handle;
      return handle;
    } catch (error) {
      slot.failure = this.#failureOf(version, error, slot.failure);
      const { attempts } = slot.failure;
      this.#metrics.loadFailures.add({ model: slot.model });
      measure('perennial.server.load.failures', 1, { 'perennial.model.name': slot.model });
      this.#log.error(
        slot.current === undefined ? 'a version cannot be loaded' : 'a version cannot be loaded; the one before stays served',
        {
          model: slot.model,
          version,
          serving: slot.current?.servable.version ?? null,
          attempts,
          error: messageOf(error),
        },
      );
      return undefined;
    }
  }

  /** A candidate that becomes champion is in memory already. */
  #takeCandidate(slot: Slot, version: number): VersionHandle | undefined {
    if (slot.candidate?.servable.version !== version) return undefined;
    const handle = slot.candidate;
    delete slot.candidate;
    return handle;
  }

  /** @param failure of the champion, where it is another version that begins to answer */
  #swap(slot: Slot, handle: VersionHandle, failure?: Slot['failure']): void {
    const before = slot.current;
    slot.current = handle;
    slot.since = new Date().toISOString();
    if (failure === undefined) delete slot.failure;
    before?.retire();
    this.#metrics.modelVersion.set({ model: slot.model }, handle.servable.version);
    this.#metrics.swaps.add({ model: slot.model });
    measure('perennial.server.swaps', 1, { 'perennial.model.name': slot.model, 'perennial.model.version': handle.servable.version });
    this.#log.info('serving', { model: slot.model, version: handle.servable.version, before: before?.servable.version ?? null });
  }

  #withdraw(slot: Slot, why = 'the model has no champion any more'): void {
    const before = slot.current;
    delete slot.current;
    before?.retire();
    this.#metrics.modelVersion.set({ model: slot.model }, 0);
    this.#log.warn(why, { model: slot.model, before: before?.servable.version ?? null });
  }

  #load(model: string, version: number): Promise<VersionHandle> {
    const key = keyOf(model, version);
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#loadNow(model, version).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #loadNow(model: string, version: number): Promise<VersionHandle> {
    const weightBytes = this.#memory.isBounded ? await this.#source.weightBytes?.(model, version) : undefined;
    const servable = await this.#memory.open(model, version, () => this.#source.load(model, version), weightBytes);
    const observeRows = this.#metrics.batchRows.under({ model });
    const batcher = new Batcher(servable.predictor, {
      batchRowsMax: SERVING_LIMITS.batchRowsMax,
      queueRowsMax: SERVING_LIMITS.queueRowsMax,
      waitMsMax: SERVING_LIMITS.waitMs,
      onBatch: (rows) => {
        observeRows(rows);
        measure('perennial.server.batch.rows', rows, { 'perennial.model.name': model });
      },
    });
    return new VersionHandle(servable, batcher);
  }
}

function memoryOptions(
  { memoryBytes, memoryWaitMs, loadRetryMs }: RouterOptions,
  state: Pick<MemoryOptions, 'isCompared' | 'isServing'>,
): MemoryOptions {
  return {
    ...state,
    ...(memoryBytes === undefined ? {} : { budget: memoryBytes }),
    ...(memoryWaitMs === undefined ? {} : { waitMs: memoryWaitMs }),
    ...(loadRetryMs === undefined ? {} : { retryMs: loadRetryMs }),
  };
}

function keyOf(model: string, version: number): string {
  return `${model}/${version}`;
}

/** Anything but a store that cannot be reached. */
function isOfOneModel(error: unknown): boolean {
  return isPerennialError(error) && error.code !== 'STORE_UNAVAILABLE' && error.code !== 'STORE_FULL';
}
