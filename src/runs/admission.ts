import { plural } from '../core/plural.ts';
import { WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isOfRows } from '../core/errors.ts';
import { kindOfCheck, scheduleKindOf } from '../core/monitor.ts';
import type { Admission, AdmissionTask } from '../core/monitor.ts';
import { TRIGGER_BOUNDS } from '../core/plan.ts';
import type { TriggerBounds } from '../core/plan.ts';
import { triggerRegistry } from '../monitoring/triggers/index.generated.ts';
import { settle } from './deeds.ts';
import { countUnseen } from './monitor-findings.ts';
import type { MonitorDeps } from './monitor-findings.ts';
import { temporalError } from './connect.ts';
import { readTriggers, triggersKey } from './trigger-record.ts';
import type { TriggerRecord } from './trigger-record.ts';

/**
 * May a run be started for a finding? Runs that start by themselves stop by themselves: never two at once, none within the cool-down
 * after the last, none where nothing is new, and no more than so many that bring no other champion.
 */
export async function admit(deps: MonitorDeps, client: Client, task: AdmissionTask): Promise<Admission> {
  const { plan } = task.run;
  const { record, etag } = await readTriggers(deps.store, plan.pipeline);
  if (record?.by === task.by) {
    await settle(deps, task, `run ${record.run}`);
    return { outcome: 'started', run: record.run, why: '' };
  }
  const champion = task.finding.champion ?? 0;
  const declared: TriggerBounds = boundsOf(task) ?? {};
  const { coolDownMs, attempts: most } = { ...TRIGGER_BOUNDS, ...declared };
  const counts = isCounted(task);
  const last = record === undefined ? undefined : await endOf(client, record, task.now);
  if (last?.running === true)
    return { outcome: 'running', run: record!.run, why: `Run ${record!.run}, which a trigger started, is still going.` };
  // A run that gave way to another one is no attempt, nor is one that its data stopped: others mend them, and nobody tells us when.
  const same = record !== undefined && record.champion === champion && record.revision === plan.revision;
  const attempts = same ? record.attempts - (last!.skipped || (counts && last!.stopped) ? 1 : 0) : 0;
  const stopped = last?.stopped === true ? (same ? (record!.stopped ?? 0) : 0) + 1 : 0;
  const coolUntil = last === undefined || last.skipped ? 0 : last.at + coolDownAfter(coolDownMs, stopped);
  if (counts && same && attempts >= most)
    return {
      outcome: 'blocked',
      run: record.run,
      why: `${plural(attempts, 'run')} that triggers started brought no champion in place of version ${champion}, the last one ${record.run} (${last!.word}); "attempts" is ${most}. Correct what stands in their way: another document or another champion lets triggers start runs again.`,
    };
  if (Date.parse(task.now) < coolUntil)
    return {
      outcome: 'coolingDown',
      run: record!.run,
      why: `Run ${record!.run} (${last!.word}) ended a short while ago; "coolDown"${stopped > 1 ? `, longer after ${stopped} runs in a row that their data stopped,` : ''} lasts until ${new Date(coolUntil).toISOString()}.`,
    };
  if (await isSettled(deps, task)) return { outcome: 'nothingNew', run: null, why: 'Another check of the same time has seen to it.' };
  const unseen = needsNewRows(task) ? await countUnseen(deps, task) : undefined;
  if (unseen?.unseen === 0)
    return {
      outcome: 'nothingNew',
      run: null,
      why: `The source holds no row that version ${champion} has not seen: there is nothing new to learn from.`,
    };
  const run = `${plan.pipeline}/${scheduleKindOf(task.check)}-v${champion}-${attempts + 1}-${task.nominalTime.replace(/[-:]|\.\d+/g, '')}`;
  const next: TriggerRecord = {
    formatVersion: 1,
    champion,
    revision: plan.revision,
    attempts: counts ? attempts + 1 : attempts,
    ...(stopped === 0 ? {} : { stopped }),
    run,
    by: task.by,
    at: task.now,
    kind: kindOfCheck(task.check),
    ...windowOf(task, champion),
  };
  await deps.store.put(
    triggersKey(plan.pipeline),
    Buffer.from(JSON.stringify(next)),
    etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag },
  );
  await settle(deps, task, `run ${run}`);
  return { outcome: 'started', run, why: '' };
}

const DAY_MS = 24 * 3_600_000;

/** Twice as long after each run in a row that its data stopped, but at most a day where a cool-down is not longer. */
function coolDownAfter(coolDownMs: number, stopped: number): number {
  return Math.max(coolDownMs, Math.min(coolDownMs * 2 ** Math.max(0, stopped - 1), DAY_MS));
}

function boundsOf({ check, run }: AdmissionTask): TriggerBounds | undefined {
  if (check.kind === 'trigger') return check.trigger;
  return check.kind === 'drift' ? check.drift : run.plan.on.newData;
}

/** What a trigger remembers may have been seen to since it looked. */
async function isSettled(deps: MonitorDeps, { check, run, model, nominalTime }: AdmissionTask): Promise<boolean> {
  if (check.kind !== 'trigger') return false;
  const trigger = triggerRegistry.get(check.name);
  if (trigger.settle === undefined) return false;
  const again = await trigger.look(deps, { pipeline: run.plan.pipeline, model, nominalTime }, check.trigger.settings, undefined);
  return !again.due;
}

/** What is told once starts one run: those are no attempts at something that goes on. */
function isCounted({ check }: AdmissionTask): boolean {
  return check.kind !== 'trigger' || triggerRegistry.get(check.name).ofChampion;
}

function needsNewRows({ check }: AdmissionTask): boolean {
  return check.kind === 'drift' || (check.kind === 'trigger' && triggerRegistry.get(check.name).needsNewRows);
}

function windowOf({ check, nominalTime, finding: { since } }: AdmissionTask, version: number): Pick<TriggerRecord, 'window'> {
  if (check.kind !== 'drift') return {};
  const from = new Date(Date.parse(nominalTime) - check.drift.windowMs).toISOString();
  return { window: { from, to: nominalTime, version, ...(since === undefined ? {} : { since }) } };
}

interface Ended {
  readonly running: boolean;
  readonly skipped: boolean;
  /** By its data, before anything was learnt. */
  readonly stopped: boolean;
  /** When, by the clock of Temporal. */
  readonly at: number;
  readonly word: string;
}

/** Time between the decision and the start of a run, in milliseconds. */
const STARTS_WITHIN_MS = 60_000;

/**
 * What became of a run. One that was decided on a moment ago is about to start; one that Temporal no longer knows, or never came to know,
 * ended when it was decided on.
 */
async function endOf(client: Client, { run, at }: TriggerRecord, now: string): Promise<Ended> {
  try {
    const { status, closeTime, searchAttributes } = await client.workflow.getHandle(run).describe();
    const verdict = (searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>)['Verdict']?.[0];
    const cause = status.name === 'FAILED' ? await causeOf(client, run) : undefined;
    const word = typeof verdict === 'string' ? verdict : status.name.toLowerCase();
    return {
      running: status.name === 'RUNNING',
      skipped: verdict === 'skipped',
      stopped: cause !== undefined && isOfRows(cause),
      at: closeTime?.getTime() ?? Date.parse(at),
      word: cause === undefined ? word : `${word}: ${cause}`,
    };
  } catch (error) {
    if ((error as Error).name === 'WorkflowNotFoundError')
      return {
        running: Math.abs(Date.parse(now) - Date.parse(at)) < STARTS_WITHIN_MS,
        skipped: false,
        stopped: false,
        at: Date.parse(at),
        word: 'unknown to Temporal',
      };
    throw temporalError(error, `Run "${run}"`);
  }
}

/** The code of what a run failed with. */
async function causeOf(client: Client, run: string): Promise<string | undefined> {
  try {
    await client.workflow.getHandle(run).result();
    return undefined;
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (cause === undefined) throw error;
    return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
  }
}
