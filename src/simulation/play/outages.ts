import { setTimeout as sleep } from 'node:timers/promises';
import type { Outage } from '../../core/simulation.ts';
import type { RunView } from '../../core/run.ts';
import { OUTAGE_WAITS_DAYS } from '../scenarios/scenario.ts';
import type { World } from '../world/world.ts';
import type { Ledger } from './ledger.ts';

/** How long something is away, by the clock of this machine, in milliseconds. */
const AWAY_MS = 2_500;
/** How often it is looked whether a run has come to its training, and for how long. */
const LOOK_MS = 100;
const LOOK_MS_MAX = 60_000;

const WORDS: Readonly<Record<Exclude<Outage, 'server'>, string>> = {
  worker: 'the worker was killed, and another one started',
  store: 'the store was away, and came back',
  temporal: 'Temporal did not answer, and came back',
};

/** Outages that wait for a run to strike, and strike it in the middle of its training. */
export class Outages {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #days: number;
  readonly #armed: { readonly kind: Exclude<Outage, 'server'>; readonly day: number }[] = [];

  /** @param days that are played: what waits strikes before they end */
  constructor(world: World, ledger: Ledger, days: number) {
    this.#world = world;
    this.#days = days;
    this.#ledger = ledger;
  }

  arm(kind: Exclude<Outage, 'server'>, day: number): void {
    this.#armed.push({ kind, day });
  }

  /** What strikes a run: call it when one has begun, and await it beside the run. */
  async duringRun(workflowId: string): Promise<void> {
    const next = this.#armed.shift();
    if (next === undefined) return;
    await this.#untilTraining(workflowId);
    await this.#strike(next.kind, `in the middle of ${workflowId}`);
  }

  /** What no run has met in time strikes a check. */
  async duringCheck(workflowId: string, day: number): Promise<void> {
    const [next] = this.#armed;
    if (next === undefined || day < Math.min(next.day + OUTAGE_WAITS_DAYS, this.#days - 2)) return;
    await this.#strike(this.#armed.shift()!.kind, `in the middle of ${workflowId}`);
  }

  async #strike(kind: Exclude<Outage, 'server'>, when: string): Promise<void> {
    const world = this.#world;
    this.#ledger.incident(world.now(), kind, `${WORDS[kind]}, ${when}.`);
    if (kind === 'worker') {
      await world.killWorker();
      await world.startWorker();
    } else if (kind === 'store') {
      world.takeStoreAway();
      await sleep(AWAY_MS);
      world.bringStoreBack();
    } else {
      world.time.pause();
      await sleep(AWAY_MS);
      world.time.resume();
    }
  }

  async #untilTraining(workflowId: string): Promise<void> {
    const handle = this.#world.time.temporal.client.workflow.getHandle(workflowId);
    for (const until = Date.now() + LOOK_MS_MAX; Date.now() < until; await sleep(LOOK_MS)) {
      const view = await handle.query<RunView>('status').catch(() => undefined);
      if (view === undefined) continue;
      if (view.status !== 'running' || view.steps.some(({ type, status }) => type === 'train' && status !== 'pending')) return;
    }
  }
}
