import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { RolloutRequest } from '../../core/rollout.ts';
import { ABORTED, rolloutText, shareText } from '../../core/rollout.ts';
import { waitText } from '../../core/approval.ts';
import type { RolloutRecord } from '../../registry/types.ts';
import type { StepReport } from '../../rollouts/report.ts';
import type { Look } from '../../rollouts/look.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import { currentUser, openRegistry } from './options.ts';
import { followNow } from './targets-action.ts';
import { timeText } from './views.ts';

type Action = 'pause' | 'resume' | 'promote' | 'abort';

/** The rollout that goes on, or the newest one: what was declared, counted and concluded, and how each server stands to it. */
export async function showRolloutAction(io: CliIo, model: string, id: string | undefined): Promise<void> {
  const { store, registry } = await openRegistry();
  const routing = (await registry.routing(model))?.routing;
  const { listRollouts, readRollout } = await import('../../registry/rollouts.ts');
  const { lookAt } = await import('../../rollouts/look.ts');
  const { serverReports, stepReports } = await import('../../rollouts/report.ts');
  const newest = (await listRollouts(store, model))[0];
  const chosen = id ?? routing?.rollout?.id ?? newest?.id;
  if (chosen === undefined) {
    await registry.versions(model);
    throw new PerennialError('NOT_FOUND', `No version of "${model}" was ever rolled out step by step.`, {
      hint: 'Declare "strategy" in the deploy step of its document: `perennial schema deploy` shows what there is.',
    });
  }
  const record = await readRollout(store, model, chosen);
  const going = routing?.rollout?.id === chosen ? routing.rollout : undefined;
  const driven = going === undefined ? undefined : await driverOf(model);
  const look = await lookAt(store, { model, id: chosen, spec: record.spec });
  const steps = stepReports(record, look.servers);
  const servers = serverReports(look.servers);
  const state = going !== undefined || !isOpen(record) ? record.state : 'superseded';
  io.result({
    ...record,
    state,
    share: going?.share ?? null,
    driven: driven === undefined ? null : driven === chosen,
    steps,
    servers: going === undefined ? [] : servers,
    findings: look.findings,
    effect: look.effect ?? null,
  });
  io.print(headText(record, state, going?.share));
  io.print(
    `\n${table([['STEP', 'SHARE', 'FOR', 'VERSION', 'REQUESTS', 'FAILED', 'REFUSED', 'P50', 'P99'], ...steps.flatMap((step) => stepRows(record, step))])}`,
  );
  for (const line of linesOf(steps, look)) io.print(line);
  if (going === undefined) return;
  for (const { url, share, loaded, error, silentSeconds } of servers) {
    const does = error ?? (loaded ? `splits ${shareText(share)}` : 'loads the candidate; the champion answers');
    io.print(`  ${url}  ${silentSeconds === undefined ? does : `is cut off, or has ended; last heard of ${silentSeconds} s ago: ${does}`}`);
  }
  if (driven !== undefined && driven !== chosen)
    io.note(
      `warning: no workflow drives this rollout: its share stays as it is and no check ends it. \`perennial models rollout abort ${model}\` ends it; running the document again goes on with it.`,
    );
}

const isOpen = ({ state }: RolloutRecord): boolean => state === 'running' || state === 'paused';

/** The id of the rollout that a workflow drives, "" where none does; undefined where Temporal cannot be asked. */
async function driverOf(model: string): Promise<string | undefined> {
  const { connectTemporal } = await import('../../runs/connect.ts');
  const { drivenRollout } = await import('../../runs/rollouts.ts');
  try {
    const temporal = await connectTemporal();
    try {
      return (await drivenRollout(temporal.client, model)) ?? '';
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (isPerennialError(error, 'TEMPORAL_UNAVAILABLE')) return undefined;
    throw error;
  }
}

function headText(record: RolloutRecord, state: string, share: number | undefined): string {
  const { name, candidate, champion, spec, id, startedAt, endedAt, why, by } = record;
  const lines = [
    `${rolloutText(spec)} of ${name} version ${candidate} beside version ${champion}: ${state}${share === undefined ? '' : ` at ${shareText(share)}`}`,
    `rollout ${id}, began ${timeText(startedAt)} by run ${record.pipeline}/${record.runId}${endedAt === undefined ? '' : `, ended ${timeText(endedAt)}`}`,
  ];
  if (why !== undefined && why !== '') lines.push(`${by === undefined ? '' : `${by}: `}${why}`);
  return lines.join('\n');
}

function stepRows({ spec, champion, candidate }: RolloutRecord, report: StepReport): string[][] {
  const time = waitText(spec.steps[report.step]!.forMs);
  const ms = (value: number | null): string => (value === null ? '' : `${Number(value.toPrecision(3))} ms`);
  const row = (head: readonly string[], name: string, arm: StepReport['champion']): string[] => [
    ...head,
    name,
    String(arm.requests),
    String(arm.failed),
    String(arm.refused),
    ms(arm.p50),
    ms(arm.p99),
  ];
  return [
    row([String(report.step + 1), shareText(report.share), time], `${champion} (champion)`, report.champion),
    row(['', '', ''], `${candidate} (candidate)`, report.candidate),
  ];
}

function linesOf(steps: readonly StepReport[], { findings, effect }: Look): string[] {
  const outside = steps.reduce((sum, step) => sum + step.outside, 0);
  const shadow = steps[0]?.shadow;
  return [
    ...findings.map(({ breached, text }) => `${breached ? '✗' : '·'} ${text}`),
    ...(effect === undefined ? [] : [`· ${effect.text}`]),
    ...(shadow === undefined || shadow.dropped === 0 ? [] : [`· ${shadow.dropped} requests were not copied: the servers were busy.`]),
    ...(outside === 0 ? [] : [`· ${outside} requests counted for neither version: they had no key, or the candidate was not loaded yet.`]),
  ];
}

/** Through the workflow of the rollout; ending it needs no Temporal where that is away, or nobody drives it. */
export async function askRolloutAction(io: CliIo, model: string, action: Action, options: { readonly reason?: string }): Promise<void> {
  const opened = await openRegistry('change');
  const rollout = (await opened.registry.routing(model))?.routing.rollout;
  if (rollout === undefined) {
    await opened.registry.versions(model);
    throw new PerennialError('NOT_FOUND', `No rollout of "${model}" goes on.`, {
      hint: `\`perennial models rollout show ${model}\` shows the newest one; \`perennial models history ${model}\` all that happened.`,
    });
  }
  const request: RolloutRequest = { who: currentUser(), why: options.reason ?? `${WORDS[action]} by hand.` };
  const { connectOwn } = await import('../../runs/own-stack.ts');
  const { askRollout, drivenRollout } = await import('../../runs/rollouts.ts');
  let trouble: string;
  try {
    const temporal = await connectOwn();
    try {
      if ((await drivenRollout(temporal.client, model)) === rollout.id) {
        const view = await askRollout(temporal, model, action, request);
        io.result(view);
        return io.print(view.headline);
      }
      trouble = 'no workflow drives it';
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (!isPerennialError(error, 'TEMPORAL_UNAVAILABLE') || action === 'pause' || action === 'resume') throw error;
    trouble = 'Temporal does not answer';
  }
  if (action === 'pause' || action === 'resume')
    throw new PerennialError('NOT_FOUND', `The rollout of "${model}" cannot be ${action}d: ${trouble}, so its share stays as it is.`, {
      hint: `Run its document again, and it goes on; or \`perennial models rollout abort ${model}\`.`,
    });
  const { changeRollout, endRollout, finishRollout } = await import('../../registry/rollouts.ts');
  const change =
    action === 'abort'
      ? await endRollout(opened.store, model, rollout.id, { ...request, why: `${ABORTED}${request.why}`, automatic: false })
      : await finishRollout(opened.store, model, rollout, { ...request, automatic: false, judged: [] });
  if (!change.changed)
    throw new PerennialError('CHAMPION_CHANGED', `The rollout of "${model}" ended meanwhile.`, {
      hint: `See \`perennial models history ${model}\`.`,
    });
  const state = action === 'abort' ? 'aborted' : 'promoted';
  const told = { state, by: request.who, why: request.why, endedAt: new Date().toISOString() } as const;
  await changeRollout(opened.store, model, rollout.id, told).catch((error: unknown) => {
    if (!isPerennialError(error, 'NOT_FOUND')) throw error;
  });
  const targets = action === 'promote' ? await followNow(opened, model) : undefined;
  io.result({ model, id: rollout.id, state, ...(targets === undefined ? {} : { targets }) });
  io.print(
    `${action === 'abort' ? `The rollout of version ${rollout.candidate} of ${model} is aborted; version ${rollout.champion} stays champion.` : `Version ${rollout.candidate} of ${model} is champion.`} It was done in the registry itself: ${trouble}.`,
  );
}

const WORDS: Readonly<Record<Action, string>> = { pause: 'Paused', resume: 'Resumed', promote: 'Promoted', abort: 'Aborted' };
