import type { ObjectStore } from '../../core/ports.ts';
import { COUNT, TEXT, defineStored, getStored, listOf, mapOf, orNull, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { KeptWindow } from '../detect.ts';
import { WINDOW_SCHEMA } from '../policy/window-summary.ts';

/** A window of a stream: what later windows are added to. */
export interface StreamWindow {
  /** Tells windows apart: of points in time `FROM/TO`, of files a digest of what is in them. */
  readonly id: string;
  /** ISO 8601, UTC; null: of a file, whose time is not known. */
  readonly from: string | null;
  /** Its end, or when the file was looked at. */
  readonly to: string;
  readonly rows: number;
  readonly drifted: boolean;
  /** By what was compared: the rows that were asked about, and answers. */
  readonly parts: Readonly<Record<string, KeptWindow>>;
}

/**
 * `drift/<model>/streams/<stream>.json`: the newest windows of what is looked at again and again, which do not overlap, and the last
 * alarm. Changed by compare-and-swap.
 */
export interface StreamRecord {
  readonly formatVersion: 1;
  readonly model: string;
  /** The version that they were compared with: another one begins anew. */
  readonly version: number;
  /** Newest first. */
  readonly windows: readonly StreamWindow[];
  readonly alarm: { readonly check: string; readonly at: string } | null;
}

/** {@link StreamRecord} as it is stored. */
export const DRIFT_STREAM: StoredKind<StreamRecord> = defineStored({
  name: 'record of the windows of a stream',
  at: 'drift/*/streams/*.json',
  remade: 'windows are gathered anew',
  formatVersion: 1,
  schema: recordSchema({
    model: TEXT,
    version: COUNT,
    windows: listOf(
      recordSchema({ id: TEXT, from: orNull(TEXT), to: TEXT, rows: COUNT, drifted: { type: 'boolean' }, parts: mapOf(WINDOW_SCHEMA) }),
    ),
    alarm: orNull(recordSchema({ check: TEXT, at: TEXT })),
  }),
  broken: { hint: 'Delete the object: windows are gathered anew.' },
});

export function streamKey(model: string, stream: string): string {
  return `drift/${model}/streams/${encodeURIComponent(stream)}.json`;
}

/** @throws BLOB_CORRUPT, PIPELINE_OUTDATED */
export async function readStream(
  store: ObjectStore,
  model: string,
  stream: string,
  version: number,
): Promise<{ readonly record: StreamRecord; readonly etag: string | undefined }> {
  const found = await getStored(store, DRIFT_STREAM, streamKey(model, stream));
  const anew: StreamRecord = { formatVersion: 1, model, version, windows: [], alarm: null };
  return { record: found?.value.version === version ? found.value : anew, etag: found?.etag };
}

/** Do two windows have rows in common? Of files only one with itself. */
function overlaps(a: Pick<StreamWindow, 'id' | 'from' | 'to'>, b: Pick<StreamWindow, 'id' | 'from' | 'to'>): boolean {
  if (a.id === b.id) return true;
  if (a.from === null || b.from === null) return false;
  return Date.parse(a.from) < Date.parse(b.to) && Date.parse(b.from) < Date.parse(a.to);
}

/** Windows that may be added to one: older than it, with no row in common. Newest first. */
export function windowsBefore(windows: readonly StreamWindow[], window: Pick<StreamWindow, 'id' | 'from' | 'to'>): StreamWindow[] {
  return windows.filter((one) => !overlaps(one, window) && Date.parse(one.to) <= Date.parse(window.from ?? window.to));
}

/** With a window more, unless its rows were counted already. */
export function withWindow(windows: readonly StreamWindow[], window: StreamWindow, most: number): readonly StreamWindow[] {
  if (windows.some((one) => overlaps(one, window))) return windows;
  return [...windows, window].sort((a, b) => Date.parse(b.to) - Date.parse(a.to)).slice(0, most);
}
