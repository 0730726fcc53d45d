import type { Json } from '../core/json.ts';
import { PerennialError } from '../core/errors.ts';
import type { Simulation } from '../core/simulation.ts';
import { Play } from './play/play.ts';
import type { PlaySettings } from './play/play.ts';
import { prepare } from './play/prepare.ts';
import { scenarioRegistry } from './scenarios/index.generated.ts';
import { generatedStream } from './stream/generated-stream.ts';
import { readSource } from './stream/table.ts';
import { World } from './world/world.ts';

export interface SimulateOptions extends Omit<PlaySettings, 'events'> {
  readonly params: Readonly<Record<string, Json>>;
  readonly days: number;
  readonly scenario: string;
}

/**
 * Plays a document against a stream, with a Temporal, a store, a worker and a model server of its own, by a simulated clock. All of that
 * is gone when it returns, however it does.
 *
 * @throws USAGE, DOCUMENT_INVALID, PROVISIONING_FAILED; GATE_REJECTED where there is never a champion; what the signal was aborted with
 */
export async function simulate(file: string, { params, days, scenario: name, ...settings }: SimulateOptions): Promise<Simulation> {
  const scenario = scenarioRegistry.get(name);
  const prepared = await prepare(file, params);
  const table = await readSource(prepared.ingest, prepared.documentDir);
  const stream = generatedStream(table, {
    scenario,
    days,
    rowsPerDay: settings.rowsPerDay,
    seed: settings.seed,
    label: prepared.label,
    times: prepared.times,
    excluded: prepared.ingest.exclude ?? [],
  });
  settings.signal.throwIfAborted();
  const world = await World.open(settings.tell);
  try {
    const play = new Play(world, prepared, stream, { ...settings, events: scenario.events?.(days) ?? [] });
    return await Promise.race([play.run(), aborted(settings.signal)]);
  } finally {
    await world.close(settings.signal.aborted);
  }
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
