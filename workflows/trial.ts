import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, proxyLocalActivities, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import type { StudyActivities, TrialEndRequest } from '../activities/studies.ts';
import { foldId, meanAndDeviation } from '../src/core/folds.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import type { RunFailure } from '../src/core/run.ts';
import type { TrialEnd, TrialInput } from '../src/core/study.ts';
import { StepsRun } from './steps-run.ts';
import { trialMarkdown } from './study-markdown.ts';

const { endTrial } = proxyLocalActivities<Pick<StudyActivities, 'endTrial'>>({
  startToCloseTimeout: '30 seconds',
  retry: { maximumAttempts: 20, maximumInterval: '10 seconds' },
});

/**
 * One trial of a study: the steps from its tune step to the objective, with the values of one point in them. It ends with its study, and
 * fails by nothing that its steps fail of.
 */
export async function trial(input: TrialInput): Promise<TrialEnd> {
  return new TrialRun(input).execute();
}

class TrialRun {
  readonly #input: TrialInput;
  readonly #run: StepsRun;

  constructor(input: TrialInput) {
    const { common, suggestion, study, pipeline } = input;
    const { number } = suggestion;
    this.#input = input;
    this.#run = new StepsRun({
      steps: suggestion.steps,
      common,
      task: {
        runId: `${common.runId}/trial-${number}`,
        pipeline,
        trial: { study, number, ...(common.stops ? { stops: true } : {}) },
      },
      endsWithFailure: common.folds !== undefined,
      changed: () => this.#show(),
    });
  }

  async execute(): Promise<TrialEnd> {
    await this.#run.toEnd();
    // What is over is written down, also where the study is cancelled meanwhile.
    return CancellationScope.nonCancellable(() => this.#end());
  }

  async #end(): Promise<TrialEnd> {
    const run = this.#run;
    // A trial that was cancelled goes on when its study does.
    if (run.cancelled) throw new CancelledFailure('The study was cancelled.');
    const measured = run.failure === undefined && run.stopped === undefined ? this.#scores() : undefined;
    if (measured !== undefined && 'code' in measured) run.failure = measured;
    const scores = measured !== undefined && !('code' in measured) ? measured : undefined;
    const end = await endTrial({
      study: this.#input.study,
      number: this.#input.suggestion.number,
      state: run.stopped !== undefined ? 'stopped' : run.failure !== undefined ? 'failed' : 'completed',
      ...(scores === undefined ? {} : { values: scores.map((own) => meanAndDeviation(own).mean) }),
      ...(scores === undefined || this.#input.common.folds === undefined ? {} : { scores }),
      ...(run.failure === undefined || run.stopped !== undefined ? {} : { failure: run.failure }),
      cached: this.#input.suggestion.steps.every(({ id }) => run.outcomes[id]?.cached === true),
      ...this.#trained(),
    });
    if (end.state === 'stopped') run.stopped ??= 'Stopped: it is behind other trials.';
    const values = Object.fromEntries(this.#input.objectives.map(({ name }, at) => [name, end.values?.[at] ?? null]));
    upsertMemo({ state: end.state, ...(end.values === undefined ? {} : { values }) });
    this.#show(end);
    return end;
  }

  #trained(): Pick<TrialEndRequest, 'trained'> {
    const { stops, judged } = this.#input.common;
    const model = Object.values(this.#run.outcomes[judged ?? '']?.result.outputs ?? {}).find(({ kind }) => kind === 'model');
    const epochs = this.#input.suggestion.steps.find(({ id }) => id === judged)?.config['epochs'];
    return stops && model !== undefined && typeof epochs === 'number' ? { trained: { model, epochs } } : {};
  }

  /** Of each objective one, or one for every fold; or why there is none. */
  #scores(): number[][] | RunFailure {
    const all: number[][] = [];
    for (const { name, step, value } of this.#input.objectives) {
      const own: number[] = [];
      for (const [id, given] of this.#given(step)) {
        const found = given?.[value];
        if (typeof found !== 'number' || !Number.isFinite(found)) return notGiven({ name, id, step, value, given, found });
        own.push(found);
      }
      all.push(own);
    }
    return all;
  }

  /** What a step gave: once, or in every fold. */
  #given(step: string): (readonly [string, JsonObject | undefined])[] {
    const { folds } = this.#input.common;
    const own = (id: string) => [id, this.#run.outcomes[id]?.result.values] as const;
    if (folds === undefined || this.#run.outcomes[step] !== undefined) return [own(step)];
    return Array.from({ length: folds }, (_, at) => own(foldId(step, at + 1)));
  }

  #show(end?: TrialEnd): void {
    const { failure, stopped, progress, statuses } = this.#run;
    setCurrentDetails(
      trialMarkdown(this.#input, statuses, {
        ...(end === undefined ? {} : { end }),
        ...(failure === undefined ? {} : { failure }),
        ...(stopped === undefined ? {} : { stopped }),
        ...(progress === undefined ? {} : { progress: progress.progress.message }),
      }),
    );
  }
}

interface NotGiven {
  readonly name: string;
  readonly id: string;
  readonly step: string;
  readonly value: string;
  readonly given: JsonObject | undefined;
  readonly found: Json | undefined;
}

function notGiven({ name, id, value, given, found }: NotGiven): RunFailure {
  const names = Object.entries(given ?? {}).flatMap(([key, one]) => (typeof one === 'number' ? [key] : []));
  return {
    code: 'CONFIG_INVALID',
    message:
      found === undefined
        ? `"${id}" gave no value "${value}" for the objective "${name}"; ${names.length === 0 ? 'it gave no numbers' : `it gave ${names.join(', ')}`}.`
        : `"${id}" gave ${JSON.stringify(found)} as "${value}", which is no number for the objective "${name}".`,
    step: id,
  };
}
