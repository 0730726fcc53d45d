import { CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  condition,
  continueAsNew,
  defineQuery,
  executeChild,
  getExternalWorkflowHandle,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { StudyActivities } from '../activities/studies.ts';
import { limits } from '../src/core/limits.ts';
import { SEARCH_ATTRIBUTES } from '../src/core/search-attributes.ts';
import { finalId, trialId } from '../src/core/study.ts';
import type { RunFailure } from '../src/core/run.ts';
import type { FinalRound, StudyInput, StudyProgress, StudyResult, Suggestion, TrialEnd } from '../src/core/study.ts';
import { ending, isCancelled } from './failures.ts';
import { pointSummary } from './point-summary.ts';
import { studyHeadline, studyMarkdown } from './study-markdown.ts';
import type { trial } from './trial.ts';

const { suggestTrial, finalists, suggestFinal } = proxyLocalActivities<
  Pick<StudyActivities, 'suggestTrial' | 'finalists' | 'suggestFinal'>
>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 20, maximumInterval: '10 seconds' },
});
const { closeStudy } = proxyActivities<Pick<StudyActivities, 'closeStudy'>>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 20, maximumInterval: '30 seconds' },
  summary: 'Choose the winner',
});

/** Milliseconds between two words to the run, at first; each gap is longer by this factor, so that a week costs the run little history. */
const TELL_MS = 1_000;
const TELL_GROWTH = 1.15;
/** Distinct causes of failed trials that are kept. */
const CAUSES_MAX = 5;

/** A study: trials one after the other or side by side, until there are enough of them. */
export async function study(input: StudyInput): Promise<StudyResult> {
  return new StudyRun(input).execute();
}

class StudyRun {
  readonly #input: StudyInput;
  readonly #running = new Map<number, Promise<void>>();
  #progress: StudyProgress;
  #changes = 0;
  #started = 0;
  #cancelled = false;
  #tells = 0;
  #toldAt = 0;
  #broken: Error | undefined;
  #final: { readonly over: number; readonly of: number } | undefined;

  constructor(input: StudyInput) {
    this.#input = input;
    this.#progress = input.carried ?? {
      next: 0,
      completed: 0,
      stopped: 0,
      failed: 0,
      cached: 0,
      causes: [],
      startedAt: Date.now(),
    };
  }

  async execute(): Promise<StudyResult> {
    setHandler(defineQuery<StudyProgress>('study'), () => this.#progress, { description: 'Trials so far' });
    const scope = new CancellationScope();
    void CancellationScope.current().cancelRequested.catch(() => {
      this.#cancelled = true;
      this.#changes += 1;
      scope.cancel();
    });
    this.#show('running');
    return CancellationScope.nonCancellable(() => this.#toEnd(scope));
  }

  async #toEnd(scope: CancellationScope): Promise<StudyResult> {
    const { study: id, settings } = this.#input;
    for (;;) {
      while (this.#mayStart() && !this.#isFull()) await this.#next(scope);
      if (this.#running.size === 0) {
        if (this.#broken !== undefined || !this.#mayStart()) break;
        await continueAsNew<typeof study>({ ...this.#input, carried: this.#progress });
      }
      const seen = this.#changes;
      await condition(() => this.#changes !== seen);
    }
    if (this.#broken === undefined && !this.#cancelled && settings.final !== undefined) await this.#finalRound(settings.final, scope);
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#cancelled) {
      await closeStudy({ study: id, state: 'cancelled', causes: this.#progress.causes });
      this.#show('cancelled');
      throw new CancelledFailure('The study was cancelled.');
    }
    const { completed, causes } = this.#progress;
    const result = await closeStudy({ study: id, state: completed === 0 ? 'failed' : 'completed', causes });
    this.#show(result === undefined ? 'failed' : 'completed');
    await this.#tell(true);
    if (result !== undefined) return result;
    const most = `${this.#progress.failed} of ${this.#progress.next} trials failed${this.#progress.stopped > 0 ? `, ${this.#progress.stopped} were stopped` : ''}, and none completed`;
    throw ending({
      code: 'STUDY_FAILED',
      message: `${most}${settings.timeMs !== undefined && this.#progress.next === 0 ? ' within its time' : ''}.${causes.map(({ code, message, step }) => `\n${code}${step === undefined ? '' : ` in step "${step}"`}: ${message}`).join('')}`,
    });
  }

  #mayStart(): boolean {
    const { trials, timeMs } = this.#input.settings;
    const { next, exhausted, startedAt } = this.#progress;
    const inTime = timeMs === undefined || Date.now() - startedAt < timeMs;
    return !this.#cancelled && this.#broken === undefined && exhausted !== true && next < trials && inTime;
  }

  /** As many run as may, or the history is long: those that run end first. */
  #isFull(): boolean {
    return (
      this.#running.size >= this.#input.settings.parallel ||
      this.#started >= (this.#input.settings.perExecution ?? limits.trialsPerExecution) ||
      workflowInfo().continueAsNewSuggested
    );
  }

  async #next(scope: CancellationScope): Promise<void> {
    const number = this.#progress.next;
    const answer = await suggestTrial({ study: this.#input.study, number, running: [...this.#running.keys()] });
    if (answer.kind === 'exhausted') {
      this.#progress = { ...this.#progress, exhausted: true };
      return;
    }
    this.#progress = { ...this.#progress, next: number + 1 };
    this.#started += 1;
    if (answer.kind === 'taken') await this.#count(answer.end);
    else this.#running.set(number, this.#run(answer.suggestion, scope));
  }

  /** The best trials once more, as many at a time as trials were. */
  async #finalRound({ top, seeds }: FinalRound, scope: CancellationScope): Promise<void> {
    const { study, settings } = this.#input;
    const numbers = await finalists({ study, top });
    this.#final = { over: 0, of: numbers.length };
    for (const number of numbers) {
      while (this.#running.size >= settings.parallel) {
        const seen = this.#changes;
        await condition(() => this.#changes !== seen);
      }
      if (this.#cancelled || this.#broken !== undefined) break;
      this.#running.set(number, this.#run(await suggestFinal({ study, number }), scope, seeds));
      this.#show('running');
    }
    await condition(() => this.#running.size === 0);
  }

  /**
   * Runs a trial to its end. Never rejects.
   *
   * @param seeds of the final round; undefined: it is a trial of the search
   */
  async #run(suggestion: Suggestion, scope: CancellationScope, seeds?: readonly number[]): Promise<void> {
    const { study, pipeline, objectives, common } = this.#input;
    const final = seeds === undefined ? {} : { common: { ...common, seeds }, final: true as const };
    try {
      const end = await scope.run(() =>
        executeChild<typeof trial>('trial', {
          workflowId: seeds === undefined ? trialId(study, suggestion.number) : finalId(study, suggestion.number),
          args: [{ study, pipeline, suggestion, objectives, common, ...final }],
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          staticSummary: `${seeds === undefined ? 'trial' : 'final round of trial'} ${suggestion.number}: ${pointSummary(suggestion.point)}`,
          memo: { point: suggestion.point },
          typedSearchAttributes: [
            { key: defineSearchAttributeKey('RunKind', SEARCH_ATTRIBUTES.RunKind), value: 'trial' },
            { key: defineSearchAttributeKey('Pipeline', SEARCH_ATTRIBUTES.Pipeline), value: pipeline },
          ],
        }),
      );
      await (seeds === undefined ? this.#count(end) : this.#countFinal(end));
    } catch (error) {
      // A trial that was cancelled by itself, or that broke in a way of its own, is no answer about its point.
      if (!isCancelled(error) || !this.#cancelled) this.#broken ??= error as Error;
    } finally {
      this.#running.delete(suggestion.number);
      this.#changes += 1;
    }
  }

  async #countFinal({ failure }: TrialEnd): Promise<void> {
    this.#final = { ...this.#final!, over: this.#final!.over + 1 };
    this.#progress = { ...this.#progress, causes: this.#withCause(failure) };
    this.#changes += 1;
    this.#show('running');
    await this.#tell(false);
  }

  /** The distinct causes so far, with one more. */
  #withCause(failure: RunFailure | undefined): StudyProgress['causes'] {
    const { causes } = this.#progress;
    const known = failure === undefined || causes.some(({ code, message }) => code === failure.code && alike(message, failure.message));
    return known || causes.length >= CAUSES_MAX ? causes : [...causes, failure];
  }

  async #count(end: TrialEnd): Promise<void> {
    const { completed, stopped, failed, cached, best } = this.#progress;
    const [first] = this.#input.objectives;
    const value = end.values?.[0];
    const before = best?.values?.[0];
    const better = value !== undefined && (before === undefined || (first!.direction === 'minimize' ? value < before : value > before));
    this.#progress = {
      ...this.#progress,
      completed: completed + (end.state === 'completed' ? 1 : 0),
      stopped: stopped + (end.state === 'stopped' ? 1 : 0),
      failed: failed + (end.state === 'failed' ? 1 : 0),
      cached: cached + (end.cached ? 1 : 0),
      causes: this.#withCause(end.failure),
      ...(better ? { best: end } : {}),
    };
    this.#changes += 1;
    this.#show('running');
    await this.#tell(false);
  }

  #show(state: string): void {
    setCurrentDetails(studyMarkdown(this.#input, this.#progress, { running: [...this.#running.keys()], state, final: this.#final }));
  }

  /** Tells the run how far the study is, ever less often. */
  async #tell(last: boolean): Promise<void> {
    const { parent } = workflowInfo();
    if (parent === undefined || (!last && Date.now() - this.#toldAt < TELL_MS * TELL_GROWTH ** this.#tells)) return;
    this.#toldAt = Date.now();
    this.#tells += 1;
    const over = this.#progress.completed + this.#progress.stopped + this.#progress.failed;
    try {
      await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal('progress', {
        step: this.#input.step,
        progress: {
          message: studyHeadline(this.#input, this.#progress, this.#final),
          fraction: Math.min(1, over / this.#input.settings.trials),
        },
      });
    } catch {
      // A run that is over has no use for it.
    }
  }
}

/** One cause in different numbers is one cause. */
function alike(one: string, other: string): boolean {
  const bare = (text: string): string => text.replace(/[\d.e+-]+/g, '#');
  return bare(one) === bare(other);
}
