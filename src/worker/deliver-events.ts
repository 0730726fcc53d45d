import { hostname } from 'node:os';
import type { ActivityDeps } from '../../activities/deps.ts';
import { changesOfToken, listTokens } from '../access/tokens.ts';
import { messageOf } from '../core/errors.ts';
import { PEOPLE } from '../core/notices.ts';
import { SinkDelivery } from '../events/deliver.ts';
import type { DeliveryContext } from '../events/deliver.ts';
import { LEASE_MS, Lease } from '../events/lease.ts';
import { tellChanges } from '../events/outbox.ts';
import { readSinks, sinkId } from '../events/sink-records.ts';
import type { SinkRecord } from '../events/sink-records.ts';
import { sinkRegistry } from '../events/sinks/index.generated.ts';
import { changeOfVersion } from '../registry/changes.ts';
import { createRegistry } from '../registry/registry.ts';
import { recordLastChange } from '../registry/routing.ts';
import { readVersion, versionNumbers } from '../registry/versions.ts';
import { mask, resolveSecrets } from '../steps/secrets.ts';
import { pause } from './pack-logs.ts';
import { People } from './tell-people.ts';

/** Between two looks for events that wait, and for sinks where there are none, in milliseconds. */
const LOOK_MS = 500;
const IDLE_MS = 3_000;
/** Between two looks for changes whose makers died before they could tell, in milliseconds; they are looked for so far back. */
const SWEEP_MS = 600_000;
const SWEPT_MS = 7 * 24 * 3_600_000;

/**
 * Delivers events as long as the worker works. Of several workers one does; where it goes away, another one takes over.
 *
 * @param options leaseMs: without a sign of life for so long it has gone away
 */
export async function deliverEvents(
  { store, artifacts }: Pick<ActivityDeps, 'store' | 'artifacts'>,
  signal: AbortSignal,
  { leaseMs = LEASE_MS }: { readonly leaseMs?: number } = {},
): Promise<void> {
  const lease = new Lease(store, `${process.pid}@${hostname()}`, leaseMs);
  const renewMs = leaseMs / 4;
  const people = new People();
  const desk = new Desk({
    store,
    // Channels resolve the secrets of their own.
    resolve: ({ kind, config }) => (kind === PEOPLE ? config : resolveSecrets(config).config),
    mayGoOn: () => lease.held,
    definition: ({ kind, pipeline }) => (kind === PEOPLE ? people.sink(pipeline) : sinkRegistry.get(kind)),
    tell: (line) => console.error(mask(`worker: events: ${line}`)),
    hide: mask,
    signal,
  });
  let told = '';
  const problem = (error: unknown): void => {
    const text = messageOf(error);
    if (text !== told && !signal.aborted) console.error(mask(`worker: events cannot be delivered: ${text}`));
    told = text;
  };
  let sinks: readonly SinkRecord[] = [];
  let [readAt, renewAt, sweepAt] = [0, 0, 0];
  for (let waitMs = 0; !signal.aborted; await pause(waitMs, signal)) {
    try {
      const now = performance.now();
      if (now >= readAt) {
        sinks = await readSinks(store, problem);
        readAt = now + IDLE_MS;
      }
      waitMs = sinks.length === 0 ? IDLE_MS : LOOK_MS;
      if (sinks.length === 0) continue;
      if (now >= renewAt) {
        renewAt = now + renewMs;
        if (!(await lease.take())) waitMs = renewMs;
      }
      if (!lease.held) {
        for (const sink of sinks) desk.note(sink, problem);
        continue;
      }
      if (now >= sweepAt) {
        sweepAt = now + SWEEP_MS;
        await tellForgotten(store, artifacts);
      }
      for (const sink of sinks) desk.look(sink, problem);
    } catch (error) {
      waitMs = IDLE_MS;
      problem(error);
    }
  }
  await desk.idle();
  await people.close();
  await lease.release().catch(() => undefined);
}

/** The deliveries to all sinks, each at its own speed: one that hangs holds no other up. */
class Desk {
  readonly #context: DeliveryContext;
  readonly #deliveries = new Map<string, SinkDelivery>();
  readonly #busy = new Map<string, Promise<void>>();

  constructor(context: DeliveryContext) {
    this.#context = context;
  }

  /** Sends what waits for a sink, unless that is going on already. */
  look(sink: SinkRecord, problem: (error: unknown) => void): void {
    const delivery = this.#deliveries.get(sinkId(sink)) ?? new SinkDelivery(this.#context);
    this.#deliveries.set(sinkId(sink), delivery);
    this.#begin(sink, problem, async () => {
      while ((await delivery.look(sink)) > 0) if (this.#context.signal.aborted || !this.#context.mayGoOn()) return;
    });
  }

  /** Notes what this process sent while it was the one who delivers, so that the next one does not send it again. */
  note(sink: SinkRecord, problem: (error: unknown) => void): void {
    const delivery = this.#deliveries.get(sinkId(sink));
    if (delivery !== undefined) this.#begin(sink, problem, () => delivery.note(sink));
  }

  #begin(sink: SinkRecord, problem: (error: unknown) => void, work: () => Promise<void>): void {
    const id = sinkId(sink);
    if (this.#busy.has(id)) return;
    this.#busy.set(
      id,
      work()
        .catch(problem)
        .finally(() => this.#busy.delete(id)),
    );
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }
}

/** Changes that the store shows and whose makers may have died before they told. Those that were told are told no second time. */
async function tellForgotten(store: ActivityDeps['store'], artifacts: ActivityDeps['artifacts']): Promise<void> {
  const since = new Date(Date.now() - SWEPT_MS).toISOString();
  const changes = (await listTokens(store)).flatMap(changesOfToken);
  for (const { name } of await createRegistry(store, artifacts).models()) {
    await recordLastChange(store, name);
    const newest = (await versionNumbers(store, name)).at(-1);
    const manifest = newest === undefined ? undefined : await readVersion(store, name, newest);
    if (manifest !== undefined) changes.push(changeOfVersion(manifest));
  }
  await tellChanges(
    store,
    changes.filter(({ at }) => at >= since),
    { again: true },
  );
}
