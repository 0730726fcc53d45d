import { steps } from '../../../activities/steps/index.generated.ts';
import { messageOf } from '../../core/errors.ts';
import type { MonitorView } from '../../core/monitor.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunView } from '../../core/run.ts';
import { desiredSchedules } from '../../runs/schedule-plan.ts';
import type { DesiredSchedule } from '../../runs/schedule-plan.ts';
import { startByHand, startTick } from '../world/start-workflows.ts';
import { ticksOf } from '../world/ticks.ts';
import type { World } from '../world/world.ts';
import { DAY_MS } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Outages } from './outages.ts';

/** A tick of one of the document's schedules. */
export interface Tick {
  readonly at: number;
  readonly desired: DesiredSchedule;
}

/** What the checks of a day saw. */
export interface Seen {
  drift: number | null;
  alarm: boolean;
}

/** Outcomes of checks that somebody would want to know of. */
const TOLD = ['blocked', 'blind', 'paused'];

/**
 * Temporal's scheduler, which its test server lacks: takes the actions of the document's schedules at their ticks, one after the other, and
 * waits for what they start.
 */
export class Scheduler {
  /** Ends of the ids of the schedules whose checks look more often than data come. */
  readonly thinned: readonly string[];
  readonly pipeline: string;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #outages: Outages;
  readonly #desired: readonly DesiredSchedule[];
  /** Of each kind of check the outcome of the last one. */
  readonly #told = new Map<string, string>();

  constructor(world: World, ledger: Ledger, outages: Outages, plan: Plan) {
    this.#world = world;
    this.#ledger = ledger;
    this.#outages = outages;
    this.pipeline = plan.pipeline;
    this.#desired = desiredSchedules(plan, steps);
    this.thinned = this.#desired.filter((one) => one.workflow === 'monitor' && isOften(one)).map(({ kind }) => kind);
  }

  /**
   * Ticks after `from` and up to `to`, in their order. Data come once a day, so that of checks that look more often the last one of a day
   * is played.
   */
  ticks(from: number, to: number): Tick[] {
    return this.#desired
      .flatMap((desired) => {
        const ticks = ticksOf(desired, from, to);
        return (desired.workflow === 'monitor' && isOften(desired) ? ticks.slice(-1) : ticks).map((at) => ({ at, desired }));
      })
      .sort((a, b) => a.at - b.at);
  }

  async take({ at, desired }: Tick, seen: Seen): Promise<void> {
    const started = await startTick(this.#world.time.temporal, desired, at);
    if (desired.workflow === 'pipeline') {
      await this.#run(started.workflowId, started.result as Promise<RunView>, at);
      return;
    }
    this.#ledger.checks += 1;
    try {
      const [view] = await Promise.all([
        started.result as Promise<MonitorView>,
        this.#outages.duringCheck(started.workflowId, this.#ledger.dayOf(at)),
      ]);
      await this.#follow(view, seen);
    } catch (error) {
      this.#ledger.incident(this.#world.now(), 'check', `${started.workflowId} failed: ${causeOf(error)}`);
    }
  }

  /** Starts a run as a person does. */
  async byHand(plan: Plan, name: string): Promise<RunView | undefined> {
    const at = this.#world.now();
    const started = await startByHand(this.#world.time.temporal, plan, name);
    return this.#run(started.workflowId, started.result, at);
  }

  async #follow(view: MonitorView, seen: Seen): Promise<void> {
    const { outcome, finding, run, kind, why = '' } = view;
    if (finding.driftScore !== null) seen.drift = Math.max(seen.drift ?? 0, finding.driftScore);
    if (kind === 'drift' && finding.due) seen.alarm = true;
    const now = this.#world.now();
    if (outcome === 'rolledBack') this.#ledger.incident(now, 'rolledBack', `${finding.summary} ${why}`.trim());
    // What goes on day after day is told once.
    if (TOLD.includes(outcome) && this.#told.get(kind) !== outcome)
      this.#ledger.incident(now, 'check', `${kind}, ${outcome}: ${finding.summary} ${why}`.trim());
    this.#told.set(kind, outcome);
    if (outcome !== 'started' || run === null) return;
    const handle = this.#world.time.temporal.client.workflow.getHandle(run);
    await this.#run(run, handle.result() as Promise<RunView>, now);
  }

  async #run(workflowId: string, result: Promise<RunView>, at: number): Promise<RunView | undefined> {
    try {
      const [view] = await Promise.all([result, this.#outages.duringRun(workflowId)]);
      this.#ledger.run(at, view);
      if (view.status === 'rejected') this.#ledger.incident(this.#world.now(), 'refused', `${workflowId} was refused: ${view.headline}`);
      return view;
    } catch (error) {
      const failure = (error as { cause?: { details?: readonly unknown[] } }).cause?.details?.[0] as RunView | undefined;
      if (failure?.steps !== undefined) this.#ledger.run(at, failure);
      const validates = failure?.steps?.some(({ type, status }) => (type === 'validate' || type === 'ingest') && status === 'failed');
      this.#ledger.incident(
        this.#world.now(),
        validates === true ? 'stopped' : 'failed',
        `${workflowId} ${validates === true ? 'was stopped by its data' : 'failed'}: ${causeOf(error)}`,
      );
      return undefined;
    }
  }
}

function isOften({ when }: DesiredSchedule): boolean {
  return 'everyMs' in when && when.everyMs < DAY_MS;
}

/** Of a failed workflow its own words. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return messageOf(cause ?? error)
    .split('\n')[0]!
    .slice(0, 400);
}
