import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { COUNT, TEXT, defineStored, getStored, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { readOutcome } from './outcomes.ts';
import { readRouting } from './routing.ts';

/** `wins/<model>.json`: how many runs in a row brought a version that its gates let pass against one champion. */
interface WinsRecord {
  readonly formatVersion: 1;
  readonly model: string;
  /** Over which they won. */
  readonly champion: number;
  readonly wins: number;
  /** The run that won last, and when, ISO 8601 UTC. */
  readonly run: string;
  readonly at: string;
}

export const WINS: StoredKind<WinsRecord> = defineStored({
  at: 'wins/*.json',
  remade: 'wins are counted anew',
  name: 'record of wins in a row',
  formatVersion: 1,
  schema: recordSchema({ model: TEXT, champion: COUNT, wins: COUNT, run: TEXT, at: TEXT }),
  broken: { hint: 'Delete the object: wins are counted anew.' },
});

/**
 * Counts a win of a run, whose gates let its version pass. Another champion, or a run of the pipeline that was rejected since, begins anew;
 * the same run wins once, however often it asks.
 *
 * @returns how many there are now, and over which champion; undefined where there is none, or the version is it already
 */
export async function countWin(
  store: ObjectStore,
  {
    model,
    version,
    pipeline,
    run,
    now,
  }: { readonly model: string; readonly version: number; readonly pipeline: string; readonly run: string; readonly now: string },
): Promise<{ readonly wins: number; readonly champion: number } | undefined> {
  const champion = (await readRouting(store, model))?.routing.aliases['champion'];
  if (champion === undefined || champion === version) return undefined;
  const key = `wins/${model}.json`;
  const found = await getStored(store, WINS, key);
  const before = found?.value.champion === champion ? found.value : undefined;
  if (before?.run === run) return { wins: before.wins, champion };
  const last = await readOutcome(store, pipeline, 'run');
  const lost = last?.outcome === 'rejected' && before !== undefined && last.at > before.at;
  const wins = (lost || before === undefined ? 0 : before.wins) + 1;
  const record: WinsRecord = { formatVersion: 1, model, champion, wins, run, at: now };
  await putJson(store, key, record, found === undefined ? { ifNoneMatch: '*' } : { ifMatch: found.etag });
  return { wins, champion };
}
