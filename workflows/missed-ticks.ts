import { CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  isCancellation,
  log,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { TicksFound, TicksTask } from '../src/core/missed-ticks.ts';
import type { Plan } from '../src/core/plan.ts';
import type { RunStatus } from '../src/core/run-state.ts';
import type { PipelineInput } from '../src/core/run.ts';

const { ticksOfSchedule } = proxyActivities<{ ticksOfSchedule(task: TicksTask): Promise<TicksFound> }>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 5 },
  summary: 'When does the schedule tick?',
});

/** Before the first look: a run that is over by then was in nobody's way. */
const FIRST_MS = 5_000;
/** A look that comes this long after its time tells that nobody was there: no server, or no worker. */
const LATE_MS = 20_000;
/** Temporal's own least. */
const CATCHUP_MS_MIN = 10_000;

/** Whether ticks during a run of the plan are skipped: of other policies Temporal itself makes up for what was missed. */
export function watchesTicks({ on }: Plan, trigger: string): boolean {
  return trigger === 'schedule' && on.schedule?.overlap === 'skip';
}

/**
 * Ticks that came in the middle of this run while nobody was there. Temporal, when it is back, skips them for the run that is still
 * going; but without the outage the run would have been over, so the newest of them is made up for once it is, as far as `catchup`
 * of the document allows. A tick that came while everything was there is skipped, as the document says.
 *
 * The run sleeps until each tick: who wakes in time was there. So no clock but Temporal's is asked.
 */
export class MissedTicks {
  readonly #input: PipelineInput;
  readonly #schedule: string;
  readonly #catchupMs: number;
  readonly #scope = new CancellationScope();
  #newest: string | null = null;

  constructor(input: PipelineInput) {
    this.#input = input;
    this.#schedule = `${input.plan.pipeline}/schedule`;
    this.#catchupMs = Math.max(input.plan.on.schedule!.catchupMs, CATCHUP_MS_MIN);
    void this.#scope
      .run(() => this.#watch())
      .catch((error: unknown) => {
        if (!isCancellation(error))
          log.warn(`Ticks of ${this.#schedule} that are missed from now on are not made up for: ${String(error)}`);
      });
  }

  async #watch(): Promise<void> {
    let from = workflowInfo().startTime.getTime();
    for (let due = from + FIRST_MS; ;) {
      await sleep(Math.max(1, due - Date.now()));
      const now = Date.now();
      const { exists, newest, next } = await ticksOfSchedule({
        schedule: this.#schedule,
        from: iso(Math.max(from, now - this.#catchupMs)),
        to: iso(now),
      });
      if (now - due > LATE_MS) this.#newest = newest ?? this.#newest;
      if (!exists || next === null) return;
      from = now;
      due = Math.max(Date.parse(next), now + FIRST_MS);
    }
  }

  /** Starts the run of the newest tick that was missed, unless the schedule was paused or has taken a newer one meanwhile. */
  async makeUp(status: RunStatus): Promise<void> {
    this.#scope.cancel();
    const tick = this.#newest;
    if (
      tick === null ||
      status === 'cancelled' ||
      status === 'skipped' ||
      (status === 'failed' && this.#input.plan.on.schedule!.pauseOnFailure)
    )
      return;
    try {
      const { exists, paused, taken } = await ticksOfSchedule({ schedule: this.#schedule, from: tick, to: tick });
      if (!exists || paused || (taken !== null && taken >= tick)) return;
      await this.#start(tick);
    } catch (error) {
      if (error instanceof CancelledFailure) throw error;
      log.warn(`The tick ${tick} of ${this.#schedule}, which was missed, is not made up for: ${String(error)}`);
    }
  }

  /** By the id that the schedule itself would have given it: what was taken after all is not taken twice. */
  async #start(tick: string): Promise<void> {
    const { plan } = this.#input;
    const { typedSearchAttributes, executionTimeoutMs, workflowId } = workflowInfo();
    const text = (name: string): { key: ReturnType<typeof defineSearchAttributeKey<'KEYWORD'>>; value: string }[] => {
      const key = defineSearchAttributeKey(name, 'KEYWORD');
      const value = typedSearchAttributes.get(key);
      return value === undefined ? [] : [{ key, value }];
    };
    try {
      await startChild('pipeline', {
        workflowId: `${plan.pipeline}/scheduled-${tick.replace(/\.\d+Z$/, 'Z')}`,
        args: [
          {
            ...this.#input,
            nominalTime: tick,
            overlap: 'queue',
            why: `tick ${tick}, which came while Perennial was away in the middle of run ${workflowId}`,
          } satisfies PipelineInput,
        ],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        ...(executionTimeoutMs === undefined ? {} : { workflowExecutionTimeout: executionTimeoutMs }),
        staticSummary: `${plan.pipeline}: made up for the tick of ${tick}`,
        memo: { revision: plan.revision, madeUp: tick },
        typedSearchAttributes: ['RunKind', 'Pipeline', 'Trigger', 'Model'].flatMap(text),
      });
    } catch (error) {
      if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
