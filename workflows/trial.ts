import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, proxyLocalActivities, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import type { StudyActivities, TrialEndRequest } from '../activities/studies.ts';
import { firstTraining, foldId, meanAndDeviation, repeatId } from '../src/core/folds.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import type { RunFailure } from '../src/core/run.ts';
import type { TrialEnd, TrialInput } from '../src/core/study.ts';
import { StepsRun } from './steps-run.ts';
import { trialMarkdown } from './study-markdown.ts';

const { endTrial, endFinal } = proxyLocalActivities<Pick<StudyActivities, 'endTrial' | 'endFinal'>>({
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
    const { common, suggestion, study, pipeline, final } = input;
    const { number } = suggestion;
    this.#input = input;
    const stops = common.stops && final !== true;
    const several = common.folds !== undefined || common.seeds !== undefined;
    this.#run = new StepsRun({
      steps: suggestion.steps,
      common,
      task: {
        runId: `${common.runId}/${final === true ? 'final' : 'trial'}-${number}`,
        pipeline,
        trial: { study, number, ...(stops ? { stops: true } : {}) },
      },
      // What is ended after its first training costs no others.
      ...(stops && several && common.judged !== undefined ? { first: firstTraining(common.judged, common.folds !== undefined) } : {}),
      endsWithFailure: several,
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
    const { study, suggestion, common, final } = this.#input;
    const found = {
      study,
      number: suggestion.number,
      ...(scores === undefined ? {} : { values: scores.map((own) => meanAndDeviation(own).mean) }),
      ...(scores === undefined || (common.folds === undefined && common.seeds === undefined) ? {} : { scores }),
      ...(run.failure === undefined || run.stopped !== undefined ? {} : { failure: run.failure }),
      cached: suggestion.steps.every(({ id }) => run.outcomes[id]?.cached === true),
    };
    const end =
      final === true
        ? await endFinal({ ...found, state: run.failure === undefined ? 'completed' : 'failed' })
        : await endTrial({
            ...found,
            state: run.stopped !== undefined ? 'stopped' : run.failure !== undefined ? 'failed' : 'completed',
            ...this.#trained(),
          });
    if (end.state === 'stopped') run.stopped ??= 'Stopped: it is behind other trials.';
    const values = Object.fromEntries(this.#input.objectives.map(({ name }, at) => [name, end.values?.[at] ?? null]));
    upsertMemo({ state: end.state, ...(end.values === undefined ? {} : { values }) });
    this.#show(end);
    return end;
  }

  #trained(): Pick<TrialEndRequest, 'trained'> {
    const { stops, judged, folds } = this.#input.common;
    const first = judged === undefined ? '' : firstTraining(judged, folds !== undefined);
    const model = Object.values(this.#run.outcomes[first]?.result.outputs ?? {}).find(({ kind }) => kind === 'model');
    const epochs = this.#input.suggestion.steps.find(({ id }) => id === first)?.config['epochs'];
    return stops && model !== undefined && typeof epochs === 'number' ? { trained: { model, epochs } } : {};
  }

  /** Of each objective one, or one for every fold and seed; or why there is none. */
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

  /** What a step gave: once, or in every fold and with every seed. */
  #given(step: string): (readonly [string, JsonObject | undefined])[] {
    const { suggestion, common } = this.#input;
    const { folds, seeds = [1] } = common;
    const planned = (id: string): boolean => suggestion.steps.some((one) => one.id === id);
    const ids = folds === undefined || planned(step) ? [step] : Array.from({ length: folds }, (_, at) => foldId(step, at + 1));
    // What no seed decides on is there once.
    const all = ids.flatMap((id) => (seeds.some((seed) => planned(repeatId(id, seed))) ? seeds.map((seed) => repeatId(id, seed)) : [id]));
    return all.map((id) => [id, this.#run.outcomes[id]?.result.values] as const);
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
