import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { pauseAfterLostRace } from '../../storage/concurrency.ts';
import { sha256 } from '../../storage/digest.ts';
import { putJson } from '../../storage/json-objects.ts';
import type { DriftResult, KeptWindow } from '../detect.ts';
import { keepCheck } from './drift-check-record.ts';
import type { DriftCheck, DriftVerdict } from './drift-check-record.ts';
import { readStream, streamKey, windowsBefore, withWindow } from './stream.ts';
import type { StreamRecord, StreamWindow } from './stream.ts';

/** When drift of windows becomes an alarm. */
export interface AlarmRules {
  readonly windowsMin: number;
  readonly windowsOf: number;
  /** After an alarm of the stream there is none for so long. 0: each is one. */
  readonly coolDownMs: number;
}

/** Windows before one, newest first. */
export type Before = readonly Pick<StreamWindow, 'parts' | 'drifted'>[];

export interface Compared {
  readonly result: DriftResult;
  readonly parts: Readonly<Record<string, KeptWindow>>;
}

interface DriftCheckOrder {
  readonly model: string;
  readonly version: number;
  /** undefined: the window is one of none. */
  readonly stream?: string;
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** undefined: the rows of a file. */
  readonly window?: { readonly from: string; readonly to: string };
  readonly rules: AlarmRules;
  /** Windows to keep for those that come. */
  readonly pool: number;
  compare(before: Before): Promise<Compared>;
}

const ATTEMPTS_MAX = 100;

/**
 * Makes a check, keeps it, and adds its window to the stream. The same window counts once, however often it is looked at; of checks at the
 * same time each sees what the other left; a check that was lost leaves a gap and nothing else.
 *
 * @throws what `compare` throws; STORE_UNAVAILABLE; BLOB_CORRUPT for a broken record of the stream
 */
export async function runDriftCheck(store: ObjectStore, order: DriftCheckOrder): Promise<DriftCheck> {
  const { model, version, stream, source, at, window } = order;
  const asked = window === undefined ? at : `${window.from}/${window.to}`;
  const id = sha256(canonicalJson([model, version, stream ?? null, source, at, asked])).slice(0, 10);
  const keep = async ({ result }: Compared, verdict: DriftVerdict): Promise<DriftCheck> => {
    const check: DriftCheck = {
      formatVersion: 1,
      id,
      model,
      version,
      at,
      stream: stream ?? null,
      source,
      window: window ?? null,
      verdict,
      result,
    };
    await keepCheck(store, check);
    return check;
  };
  if (stream === undefined) {
    const compared = await order.compare([]);
    return keep(compared, verdictOf(compared.result, [], order.rules));
  }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const { record, etag } = await readStream(store, model, stream, version);
    const { compared, before, own } = await compareAfter(record, order);
    const verdict = verdictOf(compared.result, before, order.rules, { alarm: record.alarm, check: id, at });
    const next = nextRecord(record, own, verdict, { check: id, at }, Math.max(order.pool, order.rules.windowsOf));
    if (next === record || (await swap(store, streamKey(model, stream), next, etag))) return keep(compared, verdict);
    await pauseAfterLostRace(attempt);
  }
  throw new PerennialError(
    'PRECONDITION_FAILED',
    `The stream "${stream}" of ${model} was changed by others ${ATTEMPTS_MAX} times in a row.`,
  );
}

async function compareAfter(
  { windows }: StreamRecord,
  { window, at, compare }: DriftCheckOrder,
): Promise<{ readonly compared: Compared; readonly before: readonly StreamWindow[]; readonly own: StreamWindow }> {
  const place = window === undefined ? { id: '', from: null, to: at } : { id: `${window.from}/${window.to}`, ...window };
  let before = windowsBefore(windows, place);
  let compared = await compare(before);
  // Only now is it known what is in a file: it may have been looked at before.
  const id = window === undefined ? sha256(canonicalJson(compared.parts as never)).slice(0, 16) : place.id;
  if (before.some((one) => one.id === id)) {
    before = before.filter((one) => one.id !== id);
    compared = await compare(before);
  }
  const { rows, drifted } = compared.result;
  return { compared, before, own: { ...place, id, rows, drifted, parts: compared.parts } };
}

function nextRecord(
  record: StreamRecord,
  own: StreamWindow,
  { alarm }: DriftVerdict,
  { check, at }: { readonly check: string; readonly at: string },
  most: number,
): StreamRecord {
  const windows = own.rows === 0 ? record.windows : withWindow(record.windows, own, most);
  const isNews = alarm && record.alarm?.check !== check && (record.alarm === null || Date.parse(record.alarm.at) <= Date.parse(at));
  if (windows === record.windows && !isNews) return record;
  return { ...record, windows, alarm: isNews ? { check, at } : record.alarm };
}

/** @returns false: somebody else was faster */
async function swap(store: ObjectStore, key: string, next: StreamRecord, etag: string | undefined): Promise<boolean> {
  try {
    await putJson(store, key, next, etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag });
    return true;
  } catch (error) {
    if (isPerennialError(error, 'PRECONDITION_FAILED')) return false;
    throw error;
  }
}

/** What is to be done about a window, given those before it. */
export function verdictOf(
  result: Pick<DriftResult, 'drifted' | 'enoughRows' | 'summary'>,
  before: readonly Pick<StreamWindow, 'drifted'>[],
  { windowsMin, windowsOf, coolDownMs }: AlarmRules,
  last?: { readonly alarm: StreamRecord['alarm']; readonly check: string; readonly at: string },
): DriftVerdict {
  if (!result.enoughRows) return { alarm: false, outcome: 'tooFewRows', reason: result.summary };
  if (!result.drifted) return { alarm: false, outcome: 'stable', reason: result.summary };
  const looked = [result, ...before.slice(0, windowsOf - 1)];
  const count = looked.filter(({ drifted }) => drifted).length;
  if (count < windowsMin)
    return {
      alarm: false,
      outcome: 'waiting',
      reason: `${result.summary} No alarm yet: ${count} of the last ${looked.length} windows drifted, and ${windowsMin} of ${windowsOf} are asked for.`,
    };
  const alarm = last?.alarm ?? null;
  const until = alarm === null || alarm.check === last!.check ? 0 : Date.parse(alarm.at) + coolDownMs;
  if (coolDownMs > 0 && last !== undefined && Date.parse(last.at) < until)
    return {
      alarm: false,
      outcome: 'coolingDown',
      reason: `${result.summary} No new alarm before ${new Date(until).toISOString()}: the last one was at ${alarm!.at}.`,
    };
  return {
    alarm: true,
    outcome: 'alarm',
    reason: windowsMin > 1 ? `${result.summary} ${count} of the last ${looked.length} windows drifted.` : result.summary,
  };
}
