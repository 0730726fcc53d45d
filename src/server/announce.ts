import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { StepLogger } from '../core/step.ts';
import type { Announcement } from '../registry/types.ts';
import { SERVING_LIMITS } from '../serving/limits.ts';
import { storeNow } from '../storage/store-clock.ts';

export interface Announcer {
  /** Takes the announcement back. Never throws. */
  stop(): Promise<void>;
}

/** Writes the announcement now and again and again; a store that is away is only logged. */
export async function announce(store: ObjectStore, server: { id: string; url: string }, log: StepLogger): Promise<Announcer> {
  const key = `servers/${server.id}.json`;
  const startedAt = new Date().toISOString();
  let failing = false;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const announcement: Announcement = { formatVersion: 1, ...server, pid: process.pid, startedAt, seenAt: new Date().toISOString() };
    try {
      await store.put(key, Buffer.from(JSON.stringify(announcement)), { contentType: 'application/json' });
      failing = false;
    } catch (error) {
      if (!failing) log.warn('the server cannot be announced in the store', { error: messageOf(error) });
      failing = true;
    }
  }

  await write();
  await removeForgotten(store, log);
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, SERVING_LIMITS.announceMs);
  return {
    async stop() {
      clearInterval(timer);
      await writing;
      try {
        await store.delete(key);
      } catch (error) {
        log.warn('the announcement of the server could not be removed', { error: messageOf(error) });
      }
    },
  };
}

/** Servers that were killed leave their announcement behind. */
const FORGOTTEN_MS = 3_600_000;

async function removeForgotten(store: ObjectStore, log: StepLogger): Promise<void> {
  try {
    for await (const { key, modifiedAt } of store.list('servers/')) {
      if ((await storeNow(store)) - modifiedAt > FORGOTTEN_MS) await store.delete(key);
    }
  } catch (error) {
    log.warn('old announcements could not be removed', { error: messageOf(error) });
  }
}
