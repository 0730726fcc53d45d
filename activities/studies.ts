import type { ArtifactRef } from '../src/core/artifact.ts';
import { messageOf, PerennialError, isPerennialError } from '../src/core/errors.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Plan, PlanStep } from '../src/core/plan.ts';
import type { RunFailure } from '../src/core/run.ts';
import type { StudyResult, Suggestion, SuggestionAnswer, SuggestionRequest, TrialCommon, TrialEnd } from '../src/core/study.ts';
import { librariesOf } from '../src/steps/code-digests.ts';
import type { StoredTrial, StudyRecord } from '../src/studies/stored-study.ts';
import type { ModelMeta } from '../src/training/model/model-meta.ts';
import type { TrainConfig } from '../src/training/step/train-config.ts';
import { differenceOf, studyKey } from '../src/studies/study-key.ts';
import { StudyStore } from '../src/studies/study-store.ts';
import { EpochJury } from '../src/studies/epoch-jury.ts';
import { historyOf } from '../src/studies/take-over.ts';
import { nextPoint } from '../src/studies/suggest.ts';
import { choiceOf, finalistsOf } from '../src/studies/winner.ts';
import type { Choosing } from '../src/studies/winner.ts';
import type { ActivityDeps } from './deps.ts';
import { objectivesOf } from '../src/tuning/describe.ts';
import type { TuneConfig } from '../src/tuning/tune-config.ts';
import { withFailures } from './failures.ts';

export interface OpenStudyRequest {
  readonly study: string;
  readonly pipeline: string;
  readonly plan: Pick<Plan, 'documentDir' | 'parameters'>;
  readonly step: PlanStep;
  readonly common: Pick<TrialCommon, 'runId' | 'given'>;
}

export interface OpenedStudy {
  /** Why it does not go on with the study before it, where there is one. */
  readonly anew?: string;
}

export interface TrialEndRequest {
  readonly study: string;
  readonly number: number;
  readonly state: TrialEnd['state'];
  readonly values?: readonly number[];
  /** What its trainings (folds, seeds) were measured at, for each objective, where there are several. */
  readonly scores?: readonly (readonly number[])[];
  readonly failure?: RunFailure;
  readonly cached: boolean;
  /** Of a trial that completed while a stopper looks: the model, which knows all of its epochs, and how many there may be. */
  readonly trained?: { readonly model: ArtifactRef; readonly epochs: number };
}

export interface FinalistRequest {
  readonly study: string;
  readonly number: number;
}

export interface FinalEndRequest {
  readonly study: string;
  readonly number: number;
  readonly state: 'completed' | 'failed';
  readonly values?: readonly number[];
  readonly scores?: readonly (readonly number[])[];
  readonly failure?: RunFailure;
  readonly cached: boolean;
}

export interface StudyEndRequest {
  readonly study: string;
  readonly state: Exclude<StudyRecord['state'], 'running'>;
  readonly causes: readonly RunFailure[];
}

export interface StudyActivities {
  openStudy(request: OpenStudyRequest): Promise<OpenedStudy>;
  suggestTrial(request: SuggestionRequest): Promise<SuggestionAnswer>;
  endTrial(request: TrialEndRequest): Promise<TrialEnd>;
  /** Numbers of the trials of the final round, the best first. */
  finalists(request: { readonly study: string; readonly top: number }): Promise<readonly number[]>;
  /** One of them as it is trained again. */
  suggestFinal(request: FinalistRequest): Promise<Suggestion>;
  endFinal(request: FinalEndRequest): Promise<TrialEnd>;
  /** undefined: no trial completed, or the study was cancelled. */
  closeStudy(request: StudyEndRequest): Promise<StudyResult | undefined>;
}

/** What the workflows of a study ask of the store. */
export function studyActivities(deps: ActivityDeps): StudyActivities {
  const studies = new StudyStore(deps.store);
  return {
    openStudy: (request) => withFailures(() => openStudy(studies, deps, request)),
    suggestTrial: (request) => withFailures(() => suggestTrial(studies, deps, request)),
    endTrial: (request) => withFailures(() => endTrial(studies, deps, request)),
    finalists: ({ study, top }) => withFailures(async () => finalistsOf(await studies.trials(study), await choosing(studies, study), top)),
    suggestFinal: (request) => withFailures(() => suggestFinal(studies, deps, request)),
    endFinal: (request) => withFailures(() => endFinal(studies, request)),
    closeStudy: (request) => withFailures(() => closeStudy(studies, deps, request)),
  };
}

async function openStudy(
  studies: StudyStore,
  deps: ActivityDeps,
  { study, pipeline, plan, step, common }: OpenStudyRequest,
): Promise<OpenedStudy> {
  const begun = await studies.study(study);
  if (begun !== undefined) {
    await studies.change(study, ({ endedAt: _ended, causes: _causes, why: _why, ...record }) => ({ ...record, state: 'running' }));
    return opened(begun.record.anew);
  }
  await checkMetrics(deps, step, common.given);
  const { key, parts } = studyKey(plan, step, common.given, { codeDigest: (type) => deps.codeDigest(type), libraries: librariesOf });
  const latest = await studies.latestOf(pipeline, key);
  const earlier = latest === study ? undefined : latest;
  const last = earlier === undefined ? await studies.newest(pipeline, step.id, study) : undefined;
  const anew = last === undefined ? undefined : { study: last.study, why: differenceOf(last.parts, parts) };
  const history = await historyOf(studies, { study, pipeline, step, earlier });
  await studies.create({
    formatVersion: 1,
    study,
    pipeline,
    run: common.runId,
    state: 'running',
    plan: { documentDir: plan.documentDir, parameters: plan.parameters, step },
    key,
    parts,
    ...(anew === undefined ? {} : { anew }),
    ...(earlier === undefined ? {} : { earlier }),
    ...(history === undefined ? {} : { history }),
    startedAt: new Date().toISOString(),
  });
  await studies.setLatest(pipeline, key, study);
  return opened(anew);
}

function opened(anew: StudyRecord['anew']): OpenedStudy {
  return anew === undefined ? {} : { anew: `begun anew, not gone on with ${anew.study}: ${anew.why}` };
}

/** What every trial would fail of is told before the first. @throws CONFIG_INVALID */
async function checkMetrics(deps: ActivityDeps, { config, inputs, tune, id }: PlanStep, given: TrialCommon['given']): Promise<void> {
  const specs = objectivesOf(config as unknown as TuneConfig).flatMap((objective) => ('metric' in objective ? [objective.metric] : []));
  const kinds = Object.values(inputs).filter(({ kind }) => kind === 'examples' || kind === 'dataset');
  const known = kinds.find(({ kind }) => kind === 'examples') ?? kinds[0];
  const ref = known === undefined ? undefined : given[known.step]?.[known.output];
  if (specs.length === 0 || tune!.judged === undefined || kinds.length > 1 || ref === undefined) return;
  const { requireFittingLabel } = await import('../src/evaluation/measure/fits-label.ts');
  try {
    requireFittingLabel(specs, await deps.artifacts.open(ref));
  } catch (error) {
    if (!isPerennialError(error, 'CONFIG_INVALID')) throw error;
    throw new PerennialError('CONFIG_INVALID', `"objective" of the step "${id}": ${error.message}`, { hint: error.hint ?? '' });
  }
}

async function suggestTrial(
  studies: StudyStore,
  deps: ActivityDeps,
  { study, number, running }: SuggestionRequest,
): Promise<SuggestionAnswer> {
  const record = await studies.fixed(study);
  if (record === undefined) throw new PerennialError('NOT_FOUND', `The study "${study}" is not in the store.`);
  const begun = await studies.trial(study, number);
  const next = begun === undefined ? await nextPoint(studies, record, number, running) : { point: begun.point };
  if (next === undefined) return { kind: 'exhausted' };
  const { before } = next;
  const started: StoredTrial = {
    formatVersion: 1,
    number,
    point: next.point,
    state: 'running',
    readings: [],
    ...(before === undefined ? {} : { before }),
    startedAt: new Date().toISOString(),
  };
  const trial = begun ?? (await studies.begin(study, started));
  if (trial.state !== 'running') return { kind: 'taken', end: endOf(trial) };
  try {
    return {
      kind: 'run',
      suggestion: { number, point: trial.point, steps: await stepsAt(deps, study, record.plan, trial.point, 'trial') },
    };
  } catch (error) {
    if (!isPerennialError(error, 'CONFIG_INVALID')) throw error;
    const failure = { code: error.code, message: messageOf(error) };
    return { kind: 'taken', end: await endTrial(studies, deps, { study, number, state: 'failed', failure, cached: false }) };
  }
}

/** Compiled here, where the schema is: what a point makes of the document is checked before anything of it runs. */
async function stepsAt(
  deps: ActivityDeps,
  study: string,
  plan: StudyRecord['plan'],
  point: JsonObject,
  what: 'trial' | 'final' | 'rest',
): Promise<readonly PlanStep[]> {
  const [{ compilePoint, trialSteps }, { catalogue, catalogueOf }] = await Promise.all([
    import('../src/config/search/compile-trial.ts'),
    import('../src/config/catalogue.ts'),
  ]);
  const steps = compilePoint(plan, point, new Map([...catalogue, ...catalogueOf(deps.steps)]));
  if (what === 'rest') return steps;
  return trialSteps(study.slice(0, study.indexOf('/')), plan, steps, what === 'final' ? 'final' : 'search');
}

async function endTrial(studies: StudyStore, deps: ActivityDeps, request: TrialEndRequest): Promise<TrialEnd> {
  const { study, number, state, values, scores, failure, cached, trained } = request;
  // A model that the cache had all along told nobody of its epochs.
  const stop = trained === undefined ? undefined : await judgeWhole(studies, deps, { study, number }, trained);
  const trial = await studies.update(study, number, (running) => ({
    ...running,
    state: stop === undefined ? state : 'stopped',
    ...(values === undefined || stop !== undefined ? {} : { values }),
    ...(scores === undefined || stop !== undefined ? {} : { scores }),
    ...(failure === undefined ? {} : { failure }),
    cached: cached || (running.taken === true && state === 'stopped'),
    endedAt: new Date().toISOString(),
  }));
  return endOf(trial);
}

async function suggestFinal(studies: StudyStore, deps: ActivityDeps, { study, number }: FinalistRequest): Promise<Suggestion> {
  const { point } = (await studies.trial(study, number))!;
  return { number, point, steps: await stepsAt(deps, study, await studies.plan(study), point, 'final') };
}

async function endFinal(
  studies: StudyStore,
  { study, number, state, values, scores, failure, cached }: FinalEndRequest,
): Promise<TrialEnd> {
  const final = await studies.setFinal(study, {
    formatVersion: 1,
    number,
    state,
    ...(values === undefined ? {} : { values }),
    ...(scores === undefined ? {} : { scores }),
    ...(failure === undefined ? {} : { failure }),
    cached,
    endedAt: new Date().toISOString(),
  });
  const { point } = (await studies.trial(study, number))!;
  return {
    number,
    point,
    state: final.state,
    ...(final.values === undefined ? {} : { values: final.values }),
    ...(final.failure === undefined ? {} : { failure: final.failure }),
    cached: final.cached === true,
  };
}

/** What the choice of the winner of a study goes by. */
async function choosing(studies: StudyStore, study: string): Promise<Choosing> {
  const { tune, config } = (await studies.plan(study)).step;
  return { objectives: tune!.objectives, choose: config['choose'] as string | undefined, finals: await studies.finals(study) };
}

/** What a stopper says of a training that is over. */
async function judgeWhole(
  studies: StudyStore,
  deps: ActivityDeps,
  { study, number }: { readonly study: string; readonly number: number },
  { model, epochs }: { readonly model: ArtifactRef; readonly epochs: number },
): Promise<string | undefined> {
  const { keptBy } = await import('../src/training/callbacks/create-callbacks.ts');
  const opened = await deps.artifacts.open(model);
  if (opened.manifest.files['history.json'] === undefined) return undefined;
  const { training } = opened.manifest.meta as unknown as Partial<ModelMeta>;
  const jury = new EpochJury(studies, study, number, {
    epochs,
    ...(training === undefined ? {} : { keptBy: keptBy(training as unknown as TrainConfig) }),
  });
  return jury.judge(await opened.json('history.json'));
}

function endOf({ number, point, state, values, failure, cached }: StoredTrial): TrialEnd {
  return {
    number,
    point,
    state: state as TrialEnd['state'],
    ...(values === undefined ? {} : { values }),
    ...(failure === undefined ? {} : { failure }),
    cached: cached === true,
  };
}

async function closeStudy(
  studies: StudyStore,
  deps: ActivityDeps,
  { study, state, causes }: StudyEndRequest,
): Promise<StudyResult | undefined> {
  const plan = await studies.plan(study);
  const { tune } = plan.step;
  const trials = await studies.trials(study);
  const by = await choosing(studies, study);
  const chosen = choiceOf(trials, by);
  await studies.change(study, (record) => ({
    ...record,
    state,
    ...(chosen === undefined ? {} : { winner: chosen.winner, front: chosen.front }),
    ...(causes.length === 0 ? {} : { causes }),
    endedAt: new Date().toISOString(),
  }));
  if (chosen === undefined || state !== 'completed') return undefined;
  const winner = trials[chosen.winner]!;
  // What the search found of the winner is partly luck where there were many; what the final round did is not.
  const finals = by.finals ?? [];
  const measured = finals.find(({ number }) => number === chosen.winner)?.values ?? winner.values!;
  const values = Object.fromEntries(tune!.objectives.map(({ name }, at) => [name, measured[at]!]));
  const count = (wanted: StoredTrial['state']): number => trials.filter((trial) => trial.state === wanted).length;
  const { studyDetails } = await import('../src/studies/study-details.ts');
  return {
    study,
    winner: { number: chosen.winner, point: winner.point, values },
    steps: await stepsAt(deps, study, plan, winner.point, 'rest'),
    values: {
      study,
      ...values,
      winner: chosen.winner,
      search: winner.point,
      trials: trials.length,
      stopped: count('stopped'),
      failed: count('failed'),
      cached: trials.filter(({ cached }) => cached === true).length,
      ...(tune!.objectives.length > 1 ? { front: [...chosen.front] } : {}),
      ...(finals.length === 0 ? {} : { finalists: finals.map(({ number }) => number) }),
    },
    cached: [...trials, ...finals].every(({ cached }) => cached === true),
    details: studyDetails(trials, tune!.objectives, chosen, finals),
  };
}
