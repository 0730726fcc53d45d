import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { RolloutRouting } from '../core/rollout.ts';
import type { StepLogger } from '../core/step.ts';
import { countsKey } from '../registry/keys.ts';
import { StepCounter } from '../rollouts/counts.ts';
import type { CountedRequest, ServerCounts } from '../rollouts/counts.ts';
import { COUNTS_EVERY_MS } from '../rollouts/evidence.ts';
import { putJson } from '../storage/json-objects.ts';
import type { Prediction } from '../core/tensor.ts';
import { hasPassed } from '../platform/passed.ts';
import { SERVING_LIMITS } from './limits.ts';

/** A rollout as this server follows it. */
export interface FollowedRollout {
  readonly model: string;
  readonly rollout: RolloutRouting;
  readonly revision: number;
  readonly loaded: boolean;
  readonly error?: string;
}

interface Kept {
  readonly model: string;
  readonly id: string;
  readonly steps: Record<string, StepCounter>;
  /** What was written last, but for the counts. */
  told: string;
  changed: boolean;
  writtenAt: number;
  writing?: Promise<void>;
}

/**
 * Counts requests of rollouts by version, and writes the sums to the store twice a second: whoever judges needs no way to this server,
 * and a server that is killed takes half a second with it. Nothing of this waits for the store or throws.
 */
export class RolloutCounter {
  readonly #store: ObjectStore;
  readonly #log: StepLogger;
  readonly #server: string;
  #url = '';
  readonly #kept = new Map<string, Kept>();
  #followed: () => readonly FollowedRollout[] = () => [];
  #timer: NodeJS.Timeout | undefined;
  #failing = false;

  constructor(store: ObjectStore, { log, server }: { readonly log: StepLogger; readonly server: string }) {
    this.#store = store;
    this.#log = log;
    this.#server = server;
  }

  /** @param followed the rollouts of now */
  start(url: string, followed: () => readonly FollowedRollout[]): void {
    this.#url = url;
    this.#followed = followed;
    this.#timer = setInterval(() => void this.flush(), SERVING_LIMITS.rolloutFlushMs);
    this.#timer.unref();
  }

  request(model: string, rollout: RolloutRouting, request: CountedRequest): void {
    this.#counterOf(model, rollout).request(request);
  }

  outside(model: string, rollout: RolloutRouting): void {
    this.#counterOf(model, rollout).outside();
  }

  compared(model: string, rollout: RolloutRouting, champion: readonly Prediction[], candidate: readonly Prediction[]): void {
    this.#counterOf(model, rollout).compared(champion, candidate);
  }

  dropped(model: string, rollout: RolloutRouting): void {
    this.#counterOf(model, rollout).dropped();
  }

  /** Writes what changed; what the store does not take now is part of what is written next. */
  async flush(): Promise<void> {
    const followed = this.#followed();
    for (const each of followed) this.#keptOf(each.model, each.rollout);
    await Promise.all(
      [...this.#kept.values()].map((kept) => {
        const state = followed.find(({ model, rollout }) => model === kept.model && rollout.id === kept.id);
        return (kept.writing ??= this.#write(kept, state).finally(() => delete kept.writing));
      }),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #counterOf(model: string, rollout: RolloutRouting): StepCounter {
    const kept = this.#keptOf(model, rollout);
    kept.changed = true;
    return (kept.steps[String(rollout.step)] ??= new StepCounter());
  }

  #keptOf(model: string, { id }: RolloutRouting): Kept {
    const key = `${model}/${id}`;
    let kept = this.#kept.get(key);
    if (kept === undefined) this.#kept.set(key, (kept = { model, id, steps: {}, told: '', changed: true, writtenAt: 0 }));
    return kept;
  }

  async #write(kept: Kept, state: FollowedRollout | undefined): Promise<void> {
    const told = state === undefined ? '' : JSON.stringify([state.revision, state.loaded, state.error]);
    const isDue = kept.changed || told !== kept.told || (state !== undefined && hasPassed(kept.writtenAt, COUNTS_EVERY_MS));
    if (!isDue) {
      if (state === undefined) this.#kept.delete(`${kept.model}/${kept.id}`);
      return;
    }
    const { rollout, revision, loaded, error } = state ?? { rollout: undefined, revision: 0, loaded: false, error: undefined };
    const counts: ServerCounts = {
      formatVersion: 1,
      server: this.#server,
      url: this.#url,
      revision,
      step: rollout?.step ?? 0,
      share: rollout?.share ?? 0,
      loaded,
      ...(error === undefined ? {} : { error }),
      steps: Object.fromEntries(Object.entries(kept.steps).map(([step, counter]) => [step, counter.counts])),
    };
    kept.changed = false;
    try {
      await putJson(this.#store, countsKey(kept.model, kept.id, this.#server), counts);
      kept.told = told;
      kept.writtenAt = Date.now();
      this.#failing = false;
    } catch (problem) {
      kept.changed = true;
      if (!this.#failing)
        this.#log.warn('what was counted of a rollout cannot be written; it is written later', { error: messageOf(problem) });
      this.#failing = true;
    }
  }
}
