import type { IncidentKind, SimulatedDay, SimulatedIncident, SimulatedRun } from '../../core/simulation.ts';
import type { RunView } from '../../core/run.ts';

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

/** What happened, in its order. */
export class Ledger {
  /** Start of day 0, in milliseconds since 1970. */
  readonly start: number;
  readonly days: SimulatedDay[] = [];
  readonly runs: SimulatedRun[] = [];
  readonly incidents: SimulatedIncident[] = [];
  checks = 0;
  readonly #tell: (line: string) => void;

  /** @param tell hears what happens, a line at a time */
  constructor(start: number, tell: (line: string) => void) {
    this.start = start;
    this.#tell = tell;
  }

  dayOf(ms: number): number {
    return Math.max(0, Math.floor((ms - this.start) / DAY_MS));
  }

  incident(ms: number, kind: IncidentKind, what: string): void {
    const incident = { day: this.dayOf(ms), at: new Date(ms).toISOString(), kind, what };
    this.incidents.push(incident);
    this.#tell(`day ${incident.day + 1}: ${what}`);
  }

  run(ms: number, view: RunView): SimulatedRun {
    const seconds = (of: RunView['steps']): number => of.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
    const trained = view.steps.filter(({ type, status }) => type === 'train' && status === 'completed');
    const run: SimulatedRun = {
      day: this.dayOf(ms),
      at: new Date(ms).toISOString(),
      run: view.workflowId,
      trigger: view.trigger,
      status: view.status,
      version: view.version,
      live: view.live === true,
      seconds: seconds(view.steps),
      trainingSeconds: seconds(trained),
      rows: trained.length === 0 ? 0 : rowsOf(view),
      headline: view.headline,
    };
    this.runs.push(run);
    this.#tell(`day ${run.day + 1}: ${run.run}: ${run.headline}`);
    return run;
  }
}

/** Rows of the dataset that the run made, all splits together. */
function rowsOf({ steps }: RunView): number {
  const summary =
    Object.values(steps.find(({ type }) => type === 'ingest')?.outputs ?? {}).find(({ kind }) => kind === 'dataset')?.summary ?? '';
  return Number(/^(\d+) rows/.exec(summary)?.[1] ?? 0);
}
