import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import { OUTCOME_KINDS } from '../core/outcome.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ObjectStore } from '../core/ports.ts';

const PREFIX = 'outcomes/';

/** Keeps what came last. An older one never takes the place of a newer one. @returns whether it was news */
export async function writeOutcome(store: ObjectStore, outcome: Outcome): Promise<boolean> {
  const key = `${PREFIX}${outcome.pipeline}/${outcome.kind}.json`;
  const before = await read(store, key);
  if (before !== undefined && 'at' in before.found && before.found.at >= outcome.at) return false;
  await store.put(key, Buffer.from(JSON.stringify(outcome)), before === undefined ? { ifNoneMatch: '*' } : { ifMatch: before.etag });
  return true;
}

/** All of them that can be read, and what is wrong with the others. */
export async function readOutcomes(
  store: ObjectStore,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly problems: readonly string[] }> {
  const outcomes: Outcome[] = [];
  const problems: string[] = [];
  for await (const { key } of store.list(PREFIX)) {
    const found = (await read(store, key))?.found;
    if (found === undefined) continue;
    if ('problem' in found) problems.push(found.problem);
    else outcomes.push(found);
  }
  return { outcomes, problems };
}

async function read(
  store: ObjectStore,
  key: string,
): Promise<{ readonly found: Outcome | { readonly problem: string }; readonly etag: string } | undefined> {
  try {
    const { body, etag } = await store.get(key);
    return { found: parse(store, key, new TextDecoder().decode(body)), etag };
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

function parse(store: ObjectStore, key: string, text: string): Outcome | { readonly problem: string } {
  try {
    const outcome = JSON.parse(text) as Outcome;
    if (
      outcome.formatVersion === 1 &&
      OUTCOME_KINDS.includes(outcome.kind) &&
      typeof outcome.at === 'string' &&
      typeof outcome.outcome === 'string'
    )
      return outcome;
    throw new PerennialError('BLOB_CORRUPT', text.slice(0, 120));
  } catch (error) {
    return { problem: `${store.location}: "${key}" is no outcome of a run or check: ${messageOf(error)}` };
  }
}
