import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../core/ports.ts';
import { writeJson } from '../../data/reading/json-numbers.ts';
import { feedbackPrefix } from './feedback-record.ts';
import type { Feedback, FeedbackRecord } from './feedback-record.ts';

/** What arrives within this time is written as one object, in milliseconds. */
const GATHER_MS = 50;

interface Waiting {
  readonly lines: string[];
  readonly written: Promise<void>;
}

/** Keeps feedback in the store. Unlike predictions, which can be dropped, it is confirmed only when it is there. */
export class FeedbackWriter {
  readonly #store: ObjectStore;
  readonly #writer: string;
  readonly #now: () => Date;
  readonly #waiting = new Map<string, Waiting>();
  #sequence = 0;

  /** @param writer tells apart who writes at the same time; default: a new name */
  constructor(
    store: ObjectStore,
    { writer = randomUUID().slice(0, 8), now = () => new Date() }: { readonly writer?: string; readonly now?: () => Date } = {},
  ) {
    this.#store = store;
    this.#writer = writer;
    this.#now = now;
  }

  /** Resolves when all of it is in the store. @throws STORE_UNAVAILABLE: none of it is, and it may be sent again */
  async write(model: string, items: readonly Feedback[]): Promise<void> {
    if (items.length === 0) return;
    const time = this.#now().toISOString();
    const slot = `${feedbackPrefix(model, time.slice(0, 10))}${time.slice(11, 13)}`;
    const lines = items.map((item) => `${writeJson({ formatVersion: 1, time, ...item } satisfies FeedbackRecord)}\n`);
    let waiting = this.#waiting.get(slot);
    if (waiting === undefined) {
      const gathered: string[] = [];
      waiting = { lines: gathered, written: this.#flush(slot, gathered) };
      this.#waiting.set(slot, waiting);
    }
    waiting.lines.push(...lines);
    await waiting.written;
  }

  async #flush(slot: string, lines: readonly string[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    this.#waiting.delete(slot);
    this.#sequence += 1;
    const key = `${slot}-${this.#writer}-${String(this.#sequence).padStart(6, '0')}.ndjson`;
    await this.#store.put(key, Buffer.from(lines.join('')), { contentType: 'application/x-ndjson' });
  }
}
