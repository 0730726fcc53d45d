import { durationMs, spellDuration } from '../core/duration.ts';
import { canonicalJson } from '../core/json.ts';
import { temporalCrons } from '../config/cron.ts';
import type { JsonObject } from '../core/json.ts';
import type { MonitorInput } from '../core/monitor.ts';
import type { NewDataTrigger, Plan, ScheduleTrigger, TriggerAction } from '../core/plan.ts';
import type { PipelineInput } from '../core/run.ts';
import type { StepDefinition } from '../core/step.ts';
import { triggerRegistry } from '../monitoring/triggers/index.generated.ts';
import { sha256 } from '../storage/digest.ts';
import { pipelineInput } from './pipeline-input.ts';
import { modelOf } from './search-attributes.ts';

/** Ends of the ids of schedules. */
export const SCHEDULE_KINDS: readonly string[] = ['schedule', 'drift', 'new-data', ...triggerRegistry.names()];
export type ScheduleKind = 'schedule' | 'drift' | 'new-data' | (string & {});
export type Overlap = 'SKIP' | 'BUFFER_ONE' | 'BUFFER_ALL' | 'CANCEL_OTHER' | 'TERMINATE_OTHER' | 'ALLOW_ALL';

/** A Temporal Schedule as a plan wants it. */
export interface DesiredSchedule {
  readonly id: string;
  readonly kind: ScheduleKind;
  readonly pipeline: string;
  readonly when: { readonly cron: string; readonly timezone: string } | { readonly everyMs: number; readonly offsetMs?: number };
  readonly jitterMs?: number;
  readonly overlap: Overlap;
  readonly catchupMs: number;
  readonly pauseOnFailure: boolean;
  readonly workflow: 'pipeline' | 'monitor';
  readonly workflowId: string;
  readonly input: PipelineInput | MonitorInput;
  readonly model: string | undefined;
  /** Where the document lies, where that is known. */
  readonly file?: string;
}

/** Kept with the action of a schedule: marks it as ours, and tells what it was made from. */
export interface ScheduleMark {
  readonly formatVersion: 1;
  readonly kind: ScheduleKind;
  readonly pipeline: string;
  readonly facts: Readonly<Record<string, string>>;
  /** When it takes its actions, as Temporal told it when it was made ({@link timesOf}). Absent in marks of before. */
  readonly times?: Readonly<Record<string, string>>;
}

const OVERLAPS: Readonly<Record<ScheduleTrigger['overlap'], Overlap>> = {
  skip: 'SKIP',
  bufferOne: 'BUFFER_ONE',
  bufferAll: 'BUFFER_ALL',
  cancelOther: 'CANCEL_OTHER',
  terminateOther: 'TERMINATE_OTHER',
  allowAll: 'ALLOW_ALL',
};
/** Temporal's own least. */
const CATCHUP_MS_MIN = 10_000;
/** Looks of the same interval are spread over its first ten minutes. */
const SPREAD_MS = 600_000;
/** What is only told is of use the day after, too. */
const TOLD_CATCHUP_MS = 86_400_000;

export function scheduleId(pipeline: string, kind: ScheduleKind): string {
  return `${pipeline}/${kind}`;
}

/** The schedules that a plan's `on` asks for. Overlap and catch-up are always said. */
export function desiredSchedules(
  plan: Plan,
  steps: readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[],
  file?: string,
): DesiredSchedule[] {
  const { schedule, drift, newData } = plan.on;
  const model = modelOf(plan);
  const base = { pipeline: plan.pipeline, model, ...(file === undefined ? {} : { file }) };
  const desired: DesiredSchedule[] = [];
  if (schedule !== undefined)
    desired.push({
      ...base,
      id: scheduleId(plan.pipeline, 'schedule'),
      kind: 'schedule',
      when: schedule.cron === undefined ? { everyMs: schedule.everyMs! } : { cron: schedule.cron, timezone: schedule.timezone },
      ...(schedule.jitterMs === undefined ? {} : { jitterMs: schedule.jitterMs }),
      overlap: OVERLAPS[schedule.overlap],
      catchupMs: Math.max(schedule.catchupMs, CATCHUP_MS_MIN),
      pauseOnFailure: schedule.pauseOnFailure,
      workflow: 'pipeline',
      workflowId: `${plan.pipeline}/scheduled`,
      input: pipelineInput(plan, steps, { trigger: 'schedule' }),
    });
  const every = (kind: ScheduleKind, everyMs: number): DesiredSchedule['when'] => ({
    everyMs,
    ...phaseOf(scheduleId(plan.pipeline, kind), everyMs),
  });
  const monitor = (kind: ScheduleKind, when: DesiredSchedule['when'], input: MonitorInput): DesiredSchedule => ({
    ...base,
    id: scheduleId(plan.pipeline, kind),
    kind,
    when,
    overlap: 'SKIP',
    // A server with a thousand monitors is behind for a while: a late look is a look, and no more than one is made up for.
    catchupMs: 'cron' in when ? TOLD_CATCHUP_MS : Math.max(Math.floor(when.everyMs / 2), CATCHUP_MS_MIN),
    pauseOnFailure: false,
    workflow: 'monitor',
    workflowId: `monitor/${plan.pipeline}/${kind}`,
    input,
  });
  if (drift !== undefined && model !== undefined)
    desired.push(
      monitor('drift', every('drift', drift.everyMs), {
        pipeline: plan.pipeline,
        model,
        check: { kind: 'drift', drift: withoutVariant(drift) },
        run: pipelineInput(variantOf(plan, drift.do), steps, { trigger: 'drift' }),
      }),
    );
  if (newData !== undefined && model !== undefined)
    desired.push(
      monitor('new-data', every('new-data', newData.everyMs), {
        pipeline: plan.pipeline,
        model,
        check: { kind: 'newData', ...newDataCheck(withoutVariant(newData)) },
        run: pipelineInput(variantOf(plan, newData.do), steps, { trigger: 'newData' }),
      }),
    );
  for (const [name, trigger] of Object.entries(plan.on.triggers ?? {})) {
    const watched = model ?? plan.pipeline;
    const run = pipelineInput(variantOf(plan, trigger.do), steps, { trigger: name });
    desired.push({
      ...monitor(name, trigger.cron === undefined ? every(name, trigger.everyMs!) : { cron: trigger.cron, timezone: trigger.timezone! }, {
        pipeline: plan.pipeline,
        model: watched,
        check: { kind: 'trigger', name, trigger: withoutVariant(trigger) },
        run,
      }),
      model: watched,
    });
  }
  return desired;
}

/** When in its interval a monitor looks: always the same, and another one for each, so that a thousand do not look at once. */
function phaseOf(id: string, everyMs: number): { readonly offsetMs?: number } {
  const seconds = Math.floor(Math.min(everyMs, SPREAD_MS) / 1_000);
  const offsetMs = seconds < 2 ? 0 : (Number.parseInt(sha256(id).slice(0, 8), 16) % seconds) * 1_000;
  return offsetMs === 0 ? {} : { offsetMs };
}

/** The plan of the run that a trigger starts. It carries no plans of others. */
function variantOf(plan: Plan, action: TriggerAction | undefined): Plan {
  const { triggers, drift, newData, ...on } = plan.on;
  const own: Plan = {
    ...plan,
    on: {
      ...on,
      ...(drift === undefined ? {} : { drift: withoutVariant(drift) }),
      ...(newData === undefined ? {} : { newData: withoutVariant(newData) }),
      ...(triggers === undefined
        ? {}
        : { triggers: Object.fromEntries(Object.entries(triggers).map(([name, one]) => [name, withoutVariant(one)])) }),
    },
  };
  if (action?.kind !== 'retrain' || action.variant === undefined) return own;
  const { parameters, steps } = action.variant;
  return { ...own, parameters, steps: own.steps.map((step) => steps.find(({ id }) => id === step.id) ?? step) };
}

/** The steps of a variant are in the plan of its run already. */
function withoutVariant<T extends { readonly do?: TriggerAction }>(trigger: T): T {
  if (trigger.do?.kind !== 'retrain' || trigger.do.variant === undefined) return trigger;
  return { ...trigger, do: { kind: 'retrain', variant: { ...trigger.do.variant, steps: [] } } };
}

/** "1h", or "1h, 7m 19s into each". @param offsetMs after the beginning of each interval */
export function intervalText(everyMs: number, offsetMs = 0): string {
  return `${spellDuration(everyMs)}${offsetMs === 0 ? '' : `, ${clockText(offsetMs)} into each`}`;
}

/** "7m 19s" */
function clockText(ms: number): string {
  const parts: string[] = [];
  let rest = ms;
  for (const size of [86_400_000, 3_600_000, 60_000, 1_000]) {
    const whole = Math.floor(rest / size) * size;
    if (whole > 0) parts.push(spellDuration(whole));
    rest -= whole;
  }
  return [...parts, ...(rest === 0 ? [] : [`${rest}ms`])].join(' ');
}

/** An interval as earlier versions wrote it into the mark of a schedule, "1h from 439s on", as it is written now. */
export function intervalTextNow(text: string): string {
  return text.replaceAll(/(\d+(?:ms|[smhd])) from (\d+(?:ms|[smhd])) on/g, (_all, every: string, offset: string) =>
    intervalText(durationOf(every), durationOf(offset)),
  );
}

function durationOf(text: string): number {
  return text.endsWith('ms') ? Number(text.slice(0, -2)) : durationMs(text);
}

/** Everything that decides what a schedule does, in words that a difference can be read from. */
export function factsOf(desired: DesiredSchedule): Record<string, string> {
  const { when, input } = desired;
  const plan = 'plan' in input ? input.plan : input.run.plan;
  const facts: Record<string, string> =
    'cron' in when
      ? { cron: temporalCrons(when.cron).join(' or '), timezone: when.timezone }
      : { every: intervalText(when.everyMs, when.offsetMs) };
  if (desired.jitterMs !== undefined) facts.jitter = spellDuration(desired.jitterMs);
  facts.overlap = desired.overlap;
  facts.catchup = spellDuration(desired.catchupMs);
  facts.pauseOnFailure = String(desired.pauseOnFailure);
  if ('check' in input) Object.assign(facts, factsOfCheck(input.check));
  if (desired.file !== undefined) facts.file = desired.file;
  facts.document = plan.revision.slice(0, 12);
  // The same document can compile to another plan with another version of Perennial.
  facts.plan = inputFact(input);
  return facts;
}

function newDataCheck({ rows, do: action }: NewDataTrigger): { readonly rows: number; readonly do?: TriggerAction } {
  return { rows, ...(action === undefined ? {} : { do: action }) };
}

function factsOfCheck(check: MonitorInput['check']): Record<string, string> {
  if (check.kind !== 'trigger') return { check: canonicalJson(check) };
  const { do: action, coolDownMs, attempts, settings } = check.trigger;
  const own = Object.entries(settings).map(([name, value]): [string, string] =>
    name.endsWith('Ms') && typeof value === 'number'
      ? [name.slice(0, -2), spellDuration(value)]
      : [name, typeof value === 'string' ? value : canonicalJson(value)],
  );
  if (triggerRegistry.get(check.name).tells === true) return Object.fromEntries(own);
  return {
    ...Object.fromEntries(own),
    do: actionText(action),
    coolDown: spellDuration(coolDownMs),
    ...(attempts === undefined ? {} : { attempts: String(attempts) }),
  };
}

/** "retrain from the champion, on appended rows" */
function actionText(action: TriggerAction): string {
  if (action.kind === 'retrain') return action.variant === undefined ? 'retrain' : `retrain ${action.variant.text}`;
  return action.kind === 'rollback' && action.withinMs !== undefined ? `rollback within ${spellDuration(action.withinMs)}` : action.kind;
}

export function markOf(desired: DesiredSchedule, times?: Readonly<Record<string, string>>): ScheduleMark & JsonObject {
  return {
    formatVersion: 1,
    kind: desired.kind,
    pipeline: desired.pipeline,
    facts: factsOf(desired),
    ...(times === undefined ? {} : { times }),
  };
}

/** What stands for the input of an action among the facts of its schedule. */
export function inputFact(input: unknown): string {
  return sha256(canonicalJson(input)).slice(0, 12);
}

/** An overlap policy of Temporal in the word of the document. */
export function overlapWord(policy: string): string {
  return Object.entries(OVERLAPS).find(([, name]) => name === policy)?.[0] ?? policy;
}

/** "cron: 0 3 * * * → 0 4 * * *", one line per fact that differs. */
export function differences(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name}: ${before[name] ?? '(none)'} → ${after[name] ?? '(none)'}`);
}
