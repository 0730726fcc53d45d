import { Context } from '@temporalio/activity';
import { messageOf } from '../src/core/errors.ts';
import { limits } from '../src/core/limits.ts';
import type { ProgressReport } from '../src/core/run.ts';
import type { StepLogger, StepProgress } from '../src/core/step.ts';
import { mask } from '../src/steps/secrets.ts';

/** Each gap between progress signals is longer by this factor: twenty of them cover twenty minutes, the first ones densely. */
const SIGNAL_GAP_GROWTH = 1.3;

/** Tells the world that a step lives and how far it is: heartbeats always, Signals to the workflow rarely. */
export class ProgressReporter {
  readonly #stepId: string;
  readonly #log: StepLogger;
  readonly #context = Context.current();
  #latest: StepProgress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #signals = 0;
  #signalAfter = performance.now() + limits.progressSignalGapMs / 4;

  constructor(stepId: string, log: StepLogger) {
    this.#stepId = stepId;
    this.#log = log;
  }

  /** Heartbeats begin, so that a silent step is known to live. */
  start(): void {
    this.#timer = setInterval(() => this.#beat(), limits.heartbeatIntervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  tell(update: StepProgress): void {
    this.#latest = mask(update);
    this.#beat();
    if (this.#signals < limits.progressSignalsMax && performance.now() >= this.#signalAfter)
      void this.#signal({ step: this.#stepId, progress: this.#latest });
  }

  #beat(): void {
    this.#context.heartbeat(this.#latest);
  }

  async #signal(report: ProgressReport): Promise<void> {
    this.#signalAfter = performance.now() + limits.progressSignalGapMs * SIGNAL_GAP_GROWTH ** this.#signals;
    this.#signals += 1;
    const execution = this.#context.info.workflowExecution;
    if (execution === undefined) return;
    try {
      await this.#context.client.workflow.getHandle(execution.workflowId, execution.runId).signal('progress', report);
    } catch (error) {
      // The workflow may have ended meanwhile, and heartbeats carry the same news.
      this.#log.warn(`progress could not be signalled: ${messageOf(error)}`);
    }
  }
}
