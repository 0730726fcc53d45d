import type { Client } from '@temporalio/client';
import { spellDuration } from '../core/duration.ts';
import { isPerennialError, messageOf } from '../core/errors.ts';
import { actionOf, scheduleKindOf } from '../core/monitor.ts';
import type { AdmissionTask, Deed, DeedTask } from '../core/monitor.ts';
import type { TriggerAction } from '../core/plan.ts';
import { triggerRegistry } from '../monitoring/triggers/index.generated.ts';
import { createRegistry } from '../registry/registry.ts';
import { settleNewData } from './monitor-findings.ts';
import type { MonitorDeps } from './monitor-findings.ts';
import { updateModel } from './models.ts';
import { marked } from './schedule-marks.ts';
import { pauseSchedule } from './schedules.ts';

/** Temporal as an activity has it. */
export interface DeedPlace {
  readonly client: Client;
  /** Of the workflows. */
  readonly taskQueue: string;
}

/** Tells a trigger that something was done about what it found. */
export async function settle(deps: MonitorDeps, task: AdmissionTask, what: string): Promise<void> {
  const { check } = task;
  if (check.kind !== 'trigger') return settleNewData(deps, task, what);
  const look = { pipeline: task.run.plan.pipeline, model: task.model, nominalTime: task.nominalTime };
  const { evidence = {}, ...finding } = task.finding;
  await triggerRegistry.get(check.name).settle?.(deps, look, check.trigger.settings, { ...finding, evidence }, what);
}

/** Does what the document says in place of a run: roll back, pause, or nothing but tell. Done twice it is done once. */
export async function act(deps: MonitorDeps, place: DeedPlace, task: DeedTask): Promise<Deed> {
  const action = actionOf(task.check);
  if (task.check.kind === 'trigger' && triggerRegistry.get(task.check.name).tells === true) return { outcome: 'told', why: '' };
  const deed =
    action.kind === 'rollback'
      ? await goBack(deps, place, task, action)
      : action.kind === 'pause'
        ? await pause(place, task)
        : ({ outcome: 'alert', why: '' } as const);
  await settle(deps, task, deed.outcome);
  return deed;
}

async function goBack(
  deps: MonitorDeps,
  place: DeedPlace,
  { model, finding, who, now }: DeedTask,
  { withinMs }: Extract<TriggerAction, { kind: 'rollback' }>,
): Promise<Deed> {
  const registry = createRegistry(deps.store, deps.artifacts);
  const routing = (await registry.routing(model))?.routing;
  const champion = routing?.aliases['champion'];
  if (routing?.pin !== undefined && routing.pin !== null)
    return routing.pin.by === who && champion !== finding.champion
      ? { outcome: 'rolledBack', why: `Version ${champion} serves; lift the pin with \`perennial models unpin ${model}\`.` }
      : {
          outcome: 'alert',
          why: `Nothing goes back: ${model} is pinned to version ${routing.pin.version} (by ${routing.pin.by}: ${routing.pin.why}).`,
        };
  if (champion !== finding.champion)
    return {
      outcome: 'alert',
      why: `Nothing goes back: version ${String(champion)} serves by now, and this is about version ${finding.champion}.`,
    };
  if (withinMs !== undefined) {
    // A version that came back by a rollback was no promotion that could be taken back: the time since its own counts.
    const since = (await registry.history(model)).findLast(
      ({ action, alias, to }) => action === 'promote' && alias === 'champion' && to === champion,
    )?.at;
    if (since === undefined || Date.parse(now) - Date.parse(since) > withinMs)
      return {
        outcome: 'alert',
        why: `Nothing goes back: version ${champion} was promoted ${since === undefined ? 'longer ago than is known' : `at ${since}`}, and "within" is ${spellDuration(withinMs)}.`,
      };
  }
  try {
    const answer = await updateModel({ client: place.client, settings: { taskQueue: place.taskQueue } }, model, 'rollback', {
      who,
      why: finding.summary,
      automatic: true,
    });
    return { outcome: 'rolledBack', why: `${answer.summary} Lift the pin with \`perennial models unpin ${model}\`.` };
  } catch (error) {
    // There may be no version to go back to; that Temporal or the store is away is tried again.
    if (isPerennialError(error, 'USAGE') || isPerennialError(error, 'VERSION_INVALID') || isPerennialError(error, 'NOT_FOUND'))
      return { outcome: 'alert', why: `Nothing goes back: ${messageOf(error)}` };
    throw error;
  }
}

/** Pauses what starts the pipeline by itself, but for the check that found it: that goes on to look. */
async function pause({ client }: DeedPlace, task: DeedTask): Promise<Deed> {
  const { pipeline } = task.run.plan;
  const own = `${pipeline}/${scheduleKindOf(task.check)}`;
  const going = (await marked({ client })).filter(
    ({ id, mark, description }) => mark.pipeline === pipeline && id !== own && !description.state.paused,
  );
  if (going.length === 0) return { outcome: 'alert', why: `Nothing of "${pipeline}" was left to pause.` };
  for (const { id } of going) await pauseSchedule({ client }, id, `${task.who}: ${task.finding.summary}`.slice(0, 500));
  return {
    outcome: 'paused',
    why: `Paused: ${going.map(({ id }) => id).join(', ')}. ${going.map(({ id }) => `\`perennial schedules resume ${id}\``).join(', ')} lets ${going.length === 1 ? 'it' : 'them'} go on.`,
  };
}
