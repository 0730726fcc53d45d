import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { getReadable, isUnreadable } from '../storage/stored.ts';
import { SINK_STATE, folderOf, moveEntry, partsOf, readEntry, stateKey, whyOf } from './entries.ts';
import type { EventEntry, SinkState } from './entries.ts';
import { sinkId } from './sink-records.ts';
import type { SinkRecord } from './sink-records.ts';
import { envelopeRegistry } from './envelopes/index.generated.ts';
import type { EventMessage, SinkDefinition } from './sinks/sink.ts';

/** Events that one look takes up. */
const TAKEN_UP = 200;
/** Events that go out in one message, where they do. */
const BATCH_EVENTS = 100;
/** Between attempts to a sink that is away: the first, and the longest, in milliseconds. */
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 60_000;
/** A receiver cannot ask for a longer wait, in milliseconds. */
const ASKED_MS_MAX = 3_600_000;

export interface DeliveryContext {
  readonly store: ObjectStore;
  /** The configuration of a sink with its secrets. @throws SECRET_MISSING */
  resolve(sink: SinkRecord): SinkRecord['config'];
  /** Whether this process may still send. */
  mayGoOn(): boolean;
  /** For the log: what begins, ends or is refused. */
  tell(line: string): void;
  /** Takes secrets out of what is kept: receivers like to quote what they were sent. */
  hide(text: string): string;
  readonly signal: AbortSignal;
  definition(sink: SinkRecord): SinkDefinition;
}

/** What one subject's turn came to. */
interface Turn {
  readonly sent: number;
  readonly failure?: unknown;
}

/**
 * The delivery to one sink: takes up what waits, subject by subject. What cannot be sent keeps what follows of its subject waiting; where
 * nothing gets through, the sink is away, and is asked again after a while with one event.
 */
export class SinkDelivery {
  readonly #context: DeliveryContext;
  readonly #held = new Map<string, { readonly until: number; readonly tries: number }>();
  /** What went out and is not noted yet, since the store could not be written: it must not go out again. By its name. */
  readonly #unnoted = new Map<string, Outcome>();
  /** What the store said when something could not be noted. */
  #stuck: unknown;
  #tries = 0;
  #until = 0;
  #state: SinkState | undefined;

  constructor(context: DeliveryContext) {
    this.#context = context;
  }

  /**
   * @returns how many events were sent
   * @throws what the store says: nothing is sent while it cannot be noted what was
   */
  async look(sink: SinkRecord): Promise<number> {
    await this.note(sink);
    const now = performance.now();
    if (now < this.#until) return 0;
    const definition = this.#context.definition(sink);
    // A sink that takes one at a time gets all in their order: what a killed worker may have sent last is then what comes next. So does one
    // that takes several at once.
    const rowOf = (name: string): string => (definition.concurrency === 1 || batchesOf(sink) ? '' : partsOf(name).subject);
    const subjects = await this.#waiting(sinkId(sink), now, rowOf);
    if (subjects.size === 0) return 0;
    const queue: (readonly string[])[] = this.#tries === 0 ? [...subjects.values()] : [probeOf(subjects, this.#tries)];
    const turns: Turn[] = [];
    const work = async (): Promise<void> => {
      for (let names = queue.shift(); names !== undefined && this.#goesOn(); names = queue.shift())
        turns.push(await this.#row(sink, definition, names, rowOf(names[0]!)));
    };
    await Promise.allSettled(Array.from({ length: Math.min(definition.concurrency, queue.length) }, work));
    if (this.#stuck !== undefined) throw this.#stuck;
    await this.#conclude(sinkId(sink), turns);
    return turns.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Notes what went out and could not be noted then. Harmless for whoever may not send. @throws what the store says */
  async note(sink: Pick<SinkRecord, 'pipeline' | 'name'>): Promise<void> {
    await this.#noteAll(sinkId(sink), [...this.#unnoted.values()]);
    this.#stuck = undefined;
  }

  async #noteAll(sink: string, outcomes: readonly Outcome[]): Promise<void> {
    for (const [place, outcome] of outcomes.entries())
      try {
        await this.#noteOne(sink, outcome);
        this.#unnoted.delete(outcome.name);
      } catch (error) {
        for (const left of outcomes.slice(place)) this.#unnoted.set(left.name, left);
        this.#stuck = error;
        throw error;
      }
  }

  async #noteOne(sink: string, { name, entry, to }: Outcome): Promise<void> {
    const { store } = this.#context;
    try {
      await moveEntry(store, sink, name, entry, ['pending', to]);
    } catch (error) {
      if (!isPerennialError(error, 'STORE_FULL') || to !== 'sent') throw error;
      // Taken away first, which makes room for the note. Killed in between, the event is in no folder, which is better than sent again.
      await store.delete(`${folderOf('pending', sink)}${name}`);
      await moveEntry(store, sink, name, entry, ['pending', to]);
    }
  }

  #goesOn(): boolean {
    return this.#stuck === undefined && !this.#context.signal.aborted && this.#context.mayGoOn();
  }

  /** Names of what waits, in order, by subject. */
  async #waiting(sink: string, now: number, rowOf: (name: string) => string): Promise<Map<string, string[]>> {
    const folder = folderOf('pending', sink);
    const subjects = new Map<string, string[]>();
    let count = 0;
    for await (const { key } of this.#context.store.list(folder)) {
      const name = key.slice(folder.length);
      const subject = rowOf(name);
      if ((this.#held.get(subject)?.until ?? 0) > now) continue;
      subjects.set(subject, [...(subjects.get(subject) ?? []), name]);
      if ((count += 1) === TAKEN_UP) break;
    }
    return subjects;
  }

  async #row(sink: SinkRecord, definition: SinkDefinition, names: readonly string[], subject: string): Promise<Turn> {
    const most = batchesOf(sink) ? BATCH_EVENTS : 1;
    let sent = 0;
    for (let from = 0; from < names.length && this.#goesOn(); from += most) {
      try {
        const entries: Waiting[] = [];
        for (const name of names.slice(from, from + most)) entries.push(...(await this.#toSend(sink, name)));
        for (const group of groupsOf(sink, entries)) sent += await this.#together(sink, definition, group);
        this.#held.delete(subject);
      } catch (failure) {
        // It is the store that has failed, and not the sink.
        if (!this.#goesOn()) break;
        const tries = (this.#held.get(subject)?.tries ?? 0) + 1;
        this.#held.set(subject, { until: performance.now() + waitMs(tries, failure), tries });
        return { sent, failure };
      }
    }
    return { sent };
  }

  /** None where it is broken, or was sent before. */
  async #toSend(sink: SinkRecord, name: string): Promise<Waiting[]> {
    const { store } = this.#context;
    const id = sinkId(sink);
    const entry = await this.#read(id, name);
    if (entry === undefined) return [];
    // Whoever sent it was killed before it could take it away.
    if ((await store.head(`${folderOf('sent', id)}${name}`)) === undefined) return [{ name, entry }];
    await store.delete(`${folderOf('pending', id)}${name}`);
    return [];
  }

  /** @returns how many were taken: of several that are refused together each half is sent, until it is known which one it is */
  async #together(sink: SinkRecord, definition: SinkDefinition, waiting: readonly Waiting[]): Promise<number> {
    if (waiting.length === 0) return 0;
    const { signal, tell, hide } = this.#context;
    const id = sinkId(sink);
    try {
      const message = asSent(
        sink,
        waiting.map(({ entry }) => entry),
      );
      await definition.send(message, this.#context.resolve(sink), { signal, documentDir: sink.documentDir });
    } catch (error) {
      if (!isPerennialError(error, 'EVENT_REFUSED')) throw error;
      if (waiting.length > 1) {
        const half = Math.ceil(waiting.length / 2);
        const first = await this.#together(sink, definition, waiting.slice(0, half));
        return first + (await this.#together(sink, definition, waiting.slice(half)));
      }
      const { name, entry } = waiting[0]!;
      const why = whyOf(error, hide);
      tell(
        `${id} refuses the event ${entry.id} (${entry.type} of ${entry.subject}): ${why} It is set aside: \`perennial events list --refused\`.`,
      );
      await this.#noteAll(id, [{ name, entry: { ...entry, why }, to: 'refused' }]);
      return 0;
    }
    await this.#noteAll(
      id,
      waiting.map((one) => ({ ...one, to: 'sent' })),
    );
    return waiting.length;
  }

  /** What cannot be read is no event any more: it is set aside as it is, and holds nobody up. */
  async #read(sink: string, name: string): Promise<EventEntry | undefined> {
    const { store, tell } = this.#context;
    try {
      return await readEntry(store, 'pending', sink, name);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const key = `${folderOf('pending', sink)}${name}`;
      tell(`${messageOf(error)} It is set aside.`);
      await store.put(`${folderOf('refused', sink)}${name}`, (await store.get(key)).body);
      await store.delete(key);
      return undefined;
    }
  }

  async #conclude(sink: string, turns: readonly Turn[]): Promise<void> {
    const failed = turns.filter(({ failure }) => failure !== undefined);
    const away = failed.length > 0 && failed.length === turns.length && turns.every(({ sent }) => sent === 0);
    if (away) {
      this.#tries += 1;
      this.#held.clear();
      this.#until = performance.now() + Math.max(...failed.map(({ failure }) => waitMs(this.#tries, failure)));
    } else if (turns.length > 0) {
      this.#tries = 0;
      this.#until = 0;
    }
    if (turns.length > 0) await this.#note(sink, failed[0]?.failure);
  }

  /** Tells once that a sink is away, and that it is back. */
  async #note(sink: string, failure: unknown): Promise<void> {
    const { store, tell, hide } = this.#context;
    this.#state ??= (await getReadable(store, SINK_STATE, stateKey(sink))) ?? {
      formatVersion: 1,
      failingSince: null,
      failure: null,
      attempts: 0,
    };
    const before = this.#state;
    if (failure === undefined && before.failingSince === null) return;
    if (failure === undefined) tell(`${sink} takes events again; they waited since ${before.failingSince!}.`);
    else if (before.failingSince === null) tell(`${sink} does not take events, which wait: ${whyOf(failure, hide)}`);
    this.#state =
      failure === undefined
        ? { formatVersion: 1, failingSince: null, failure: null, attempts: 0 }
        : {
            formatVersion: 1,
            failingSince: before.failingSince ?? new Date().toISOString(),
            failure: whyOf(failure, hide),
            attempts: before.attempts + 1,
          };
    await putJson(store, stateKey(sink), this.#state);
  }
}

/** An event that waits, by its name. */
interface Waiting {
  readonly name: string;
  readonly entry: EventEntry;
}

/** What became of an event. */
interface Outcome extends Waiting {
  readonly to: 'sent' | 'refused';
}

const batchesOf = ({ envelope, envelopeConfig }: Pick<SinkRecord, 'envelope' | 'envelopeConfig'>): boolean =>
  envelopeRegistry.find(envelope)?.batch?.([], envelopeConfig) !== undefined;

/** In their order: those that go together. What was laid ready before its sink took several at once may have a form that goes alone. */
function groupsOf({ envelope, envelopeConfig }: SinkRecord, waiting: readonly Waiting[]): Waiting[][] {
  const groups: { readonly together: boolean; readonly members: Waiting[] }[] = [];
  for (const one of waiting) {
    const together = envelopeRegistry.find(envelope)?.batch?.([one.entry], envelopeConfig) !== undefined;
    const last = groups.at(-1);
    if (together && last?.together === true) last.members.push(one);
    else groups.push({ together, members: [one] });
  }
  return groups.map(({ members }) => members);
}

/** What goes out for events: one as it is, or in the form that its envelope has for several. */
export function asSent(
  { envelope, envelopeConfig }: Pick<SinkRecord, 'envelope' | 'envelopeConfig'>,
  messages: readonly EventMessage[],
): EventMessage {
  const together = envelopeRegistry.find(envelope)?.batch?.(messages, envelopeConfig);
  if (together !== undefined) return together;
  const { id, contentType, body, headers } = messages[0]!;
  return { id, contentType, body, ...(headers === undefined ? {} : { headers }) };
}

/** A sink that was away is asked with one event first, of another subject each time: it may be one event that it cannot take. */
function probeOf(subjects: ReadonlyMap<string, readonly string[]>, tries: number): readonly string[] {
  return [...subjects.values()][tries % subjects.size]!.slice(0, 1);
}

/** With a tenth of chance, so that many do not come back at once. */
function waitMs(tries: number, failure: unknown): number {
  const own = Math.min(BACKOFF_MS * 2 ** Math.min(tries - 1, 20), BACKOFF_MS_MAX) * (0.9 + 0.2 * Math.random());
  const asked = failure instanceof PerennialError ? failure.details['retryAfterMs'] : undefined;
  return typeof asked === 'number' ? Math.max(own, Math.min(asked, ASKED_MS_MAX)) : own;
}
