import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  executeChild,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { BACKFILL_LOOK, BACKFILL_VIEW } from '../src/core/backfill.ts';
import type { BackfillInput, BackfillView, BackfilledRun, ScheduleState } from '../src/core/backfill.ts';
import type { ModelAnswer, RollbackRequest } from '../src/core/model-updates.ts';
import type { RunView } from '../src/core/run.ts';
import { ending, failureOf, isCancelled } from './failures.ts';
import { compose } from './markdown.ts';
import { tellSearch } from './search-attributes.ts';

const { scheduleState } = proxyActivities<{ scheduleState(id: string): Promise<ScheduleState> }>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 5 },
  summary: 'Is the schedule paused?',
});

/** A schedule may be resumed in Temporal's UI, which tells nobody. */
const LOOK_MS = 15_000;
/** Rows of the table in the UI: the newest. */
const ROWS_MAX = 50;

/** Makes up for ticks of a schedule, one run after the other, as long as the schedule is not paused. */
export async function backfill(input: BackfillInput): Promise<BackfillView> {
  const run = new Backfill(input);
  return run.execute();
}

class Backfill {
  readonly #input: BackfillInput;
  readonly #runs: BackfilledRun[];
  #state: BackfillView['state'] = 'running';
  #note = '';
  #looks = 0;
  #promoted: string | undefined;
  #unpromoted = false;

  constructor(input: BackfillInput) {
    this.#input = input;
    this.#runs = [...(input.runs ?? [])];
    setHandler(defineQuery<BackfillView>(BACKFILL_VIEW), () => this.#view(), { description: 'The ticks and their runs' });
    setHandler(
      defineSignal(BACKFILL_LOOK),
      () => {
        this.#looks += 1;
      },
      { description: 'The schedule was resumed' },
    );
  }

  async execute(): Promise<BackfillView> {
    try {
      for (const tick of this.#input.ticks.slice(this.#runs.length)) {
        if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof backfill>({ ...this.#input, runs: this.#runs });
        await this.#untilActive();
        await this.#make(tick);
      }
    } catch (error) {
      this.#end(
        isCancelled(error) ? 'cancelled' : 'failed',
        isCancelled(error) ? `after ${this.#runs.length} of ${this.#input.ticks.length} ticks` : failureOf(error).message,
      );
      if (isCancelled(error)) throw error;
      throw ending(failureOf(error), [this.#view()]);
    }
    await this.#promote();
    const bad = this.#runs.filter(({ status }) => status !== 'completed').length;
    this.#end(
      'done',
      [...(bad === 0 ? [] : [`${bad} of ${this.#runs.length} runs did not complete`]), ...(this.#unpromoted ? [this.#promoted!] : [])].join(
        '; ',
      ),
    );
    return this.#view();
  }

  async #untilActive(): Promise<void> {
    for (;;) {
      const { exists, paused, note } = await scheduleState(this.#input.schedule);
      if (!exists)
        throw ending({
          code: 'NOT_FOUND',
          message: `The schedule "${this.#input.schedule}" is gone, so its ticks are not made up for any more.`,
        });
      this.#state = paused ? 'held' : 'running';
      this.#note = paused ? `the schedule is paused${note === '' ? '' : `: ${note}`}` : '';
      this.#show();
      if (!paused) return;
      const seen = this.#looks;
      await condition(() => this.#looks !== seen, LOOK_MS);
    }
  }

  async #make(tick: string): Promise<void> {
    const { pipeline, model, run } = this.#input;
    const workflowId = `${pipeline}/backfill-${tick.replace(/[-:]|\.\d+/g, '')}-${workflowInfo().firstExecutionRunId.slice(-4)}`;
    const at = this.#runs.push({ tick, run: workflowId, status: 'running', headline: '' }) - 1;
    this.#show();
    try {
      const {
        status,
        headline,
        model: registered,
        version,
      } = (await executeChild('pipeline', {
        workflowId,
        args: [{ ...run, trigger: 'backfill', nominalTime: tick, why: `tick ${tick} of ${this.#input.schedule}` }],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${pipeline}: backfill of ${tick}`,
        typedSearchAttributes: [
          ...Object.entries({
            RunKind: 'run',
            Pipeline: pipeline,
            Trigger: 'backfill',
            ...(model === undefined ? {} : { Model: model }),
          }).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
        ],
      })) as RunView;
      this.#runs[at] = {
        tick,
        run: workflowId,
        status,
        headline,
        ...(status === 'completed' && registered !== null && version !== null ? { version: { model: registered, version } } : {}),
      };
    } catch (error) {
      const cancelled = isCancelled(error);
      this.#runs[at] = { tick, run: workflowId, status: cancelled ? 'cancelled' : 'failed', headline: failureOf(error).message };
      // A run that was cancelled by itself is that run's end; one that was cancelled with the backfill is the end of both.
      if (cancelled && CancellationScope.current().consideredCancelled) throw error;
    }
    this.#show();
  }

  /** Told to let something of the past serve: that is a rollback, which pins it. */
  async #promote(): Promise<void> {
    const { promote, schedule } = this.#input;
    if (promote === undefined) return;
    const newest = this.#runs.filter(({ version }) => version !== undefined).at(-1);
    if (newest === undefined) {
      this.#promoted = 'No run of the backfill registered a version, so there is none to promote.';
      this.#unpromoted = true;
      return;
    }
    const { model, version } = newest.version!;
    const { rollbackModel } = proxyActivities<{
      rollbackModel(model: string, request: RollbackRequest, requestId: string): Promise<ModelAnswer>;
    }>({ startToCloseTimeout: '2 minutes', retry: { maximumAttempts: 3 }, summary: `Let ${model} version ${version} serve` });
    try {
      const { workflowId, firstExecutionRunId } = workflowInfo();
      const { summary } = await rollbackModel(
        model,
        { to: version, who: promote.who, why: `Backfill of ${schedule}, tick ${newest.tick}.` },
        `${workflowId}/${firstExecutionRunId}`,
      );
      this.#promoted = summary;
    } catch (error) {
      if (isCancelled(error)) throw error;
      this.#promoted = `Version ${version} of ${model} was not promoted: ${failureOf(error).message}`;
      this.#unpromoted = true;
    }
    this.#show();
  }

  #end(state: BackfillView['state'], note: string): void {
    this.#state = state;
    this.#note = note;
    this.#show();
    tellSearch({ Verdict: state === 'done' ? (note === '' ? 'completed' : 'incomplete') : state });
  }

  #view(): BackfillView {
    const { schedule, ticks } = this.#input;
    return {
      schedule,
      state: this.#state,
      note: this.#note,
      ticks: ticks.length,
      first: ticks[0] ?? '',
      last: ticks.at(-1) ?? '',
      ...(this.#promoted === undefined ? {} : { promoted: this.#promoted }),
      runs: this.#runs,
    };
  }

  #show(): void {
    const { ticks, first, last, state, note, runs, promoted } = this.#view();
    const table = [
      '| Tick | Run | |',
      '| --- | --- | --- |',
      ...runs.slice(-ROWS_MAX).map(({ tick, run, status }) => `| ${tick} | \`${run}\` | ${status} |`),
    ].join('\n');
    setCurrentDetails(
      compose(
        [
          `**${state}**${note === '' ? '' : `: ${note}`}`,
          `${runs.filter(({ status }) => status !== 'running').length} of ${ticks} ticks from ${first} to ${last}`,
          promoted ?? '',
          runs.length === 0 ? '' : table,
        ],
        [],
      ),
    );
  }
}
