import { basename, extname, resolve } from 'node:path';
import type { Json } from '../core/json.ts';
import { PerennialError } from '../core/errors.ts';
import type { Simulation } from '../core/simulation.ts';
import { Play } from './play/play.ts';
import type { PlaySettings } from './play/play.ts';
import { prepare } from './play/prepare.ts';
import { scenarioRegistry } from './scenarios/index.generated.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import { generatedStream } from './stream/generated-stream.ts';
import { tableStream } from './stream/table-stream.ts';
import { readSource, refuseNumbers } from './stream/table.ts';
import { World } from './world/world.ts';

export interface SimulateOptions extends Omit<PlaySettings, 'events'> {
  readonly params: Readonly<Record<string, Json>>;
  readonly days: number;
  /** A generated stream, or a table that is played by a column of time. */
  readonly stream: { readonly scenario: string } | { readonly table: string; readonly time: string };
}

/** Formats of tables by the ends of their names. */
const FORMATS: Readonly<Record<string, string>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'json',
};

/**
 * Plays a document against a stream, with a Temporal, a store, a worker and a model server of its own, by a simulated clock. All of that
 * is gone when it returns, however it does.
 *
 * @throws USAGE, DOCUMENT_INVALID, PROVISIONING_FAILED; GATE_REJECTED where there is never a champion; what the signal was aborted with
 */
export async function simulate(file: string, { params, days, stream: asked, ...settings }: SimulateOptions): Promise<Simulation> {
  const prepared = await prepare(file, params);
  const base = { days, label: prepared.label, times: prepared.times, excluded: prepared.ingest.exclude ?? [] };
  const scenario = 'scenario' in asked ? scenarioRegistry.get(asked.scenario) : undefined;
  const table = await readSource('table' in asked ? overTable(prepared.ingest, asked.table) : prepared.ingest, prepared.documentDir);
  refuseNumbers(table, prepared.label);
  const stream =
    'table' in asked
      ? tableStream(table, { ...base, name: basename(asked.table), time: asked.time, history: settings.history })
      : generatedStream(table, { ...base, scenario: scenario!, rowsPerDay: settings.rowsPerDay, seed: settings.seed });
  settings.signal.throwIfAborted();
  const world = await World.open(settings.tell);
  try {
    const play = new Play(world, prepared, stream, { ...settings, events: scenario?.events?.(days) ?? [] });
    return await Promise.race([play.run(), aborted(settings.signal)]);
  } finally {
    await world.close(settings.signal.aborted);
  }
}

/** The ingest step over another table of the same columns. @throws USAGE */
function overTable(ingest: IngestConfig, table: string): IngestConfig {
  const format = FORMATS[extname(table).toLowerCase()];
  if (format === undefined)
    throw new PerennialError('USAGE', `Nothing tells the format of ${table}.`, { hint: `Name it ${Object.keys(FORMATS).join(', ')}.` });
  const declared = ingest.source.format === format ? ingest.source : {};
  return {
    ...ingest,
    source: { ...declared, format, path: resolve(table), ...(extname(table).toLowerCase() === '.tsv' ? { delimiter: '\t' } : {}) },
  };
}

/** Rejects when the signal is aborted: whatever is waited for then is left. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void =>
      reject(signal.reason instanceof Error ? signal.reason : new PerennialError('USAGE', 'The simulation was interrupted.'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
