import { WAITING, runNameOf } from '../core/run.ts';
import { isToLookAt } from '../core/outcome.ts';
import type { OutcomeKind } from '../core/outcome.ts';
import type { Temporal } from './connect.ts';
import { executions } from './runs.ts';
import { describeSchedule } from './schedule-marks.ts';

/** Something that nobody may be watching and somebody has to look at. */
export interface Attention {
  readonly pipeline: string;
  readonly kind: 'run' | 'backfill' | OutcomeKind;
  readonly outcome: string;
  /** Workflow id. */
  readonly workflow: string;
  /** ISO 8601 UTC; when it ended. */
  readonly at: string;
  /** One sentence, empty where none was kept. */
  readonly summary: string;
}

/** Executions that are looked through: the newest of every pipeline are among them, unless one of them never rests. */
const LOOKED_THROUGH = 2_000;

/**
 * The newest end of every pipeline's runs, and of every check and backfill, where that is none to be left alone: failed, rejected,
 * blocked, an alert. What ended better since has taken its place. Before them what waits for somebody's answer.
 */
export async function needsAttention(temporal: Temporal, filter: { readonly pipeline?: string } = {}): Promise<Attention[]> {
  const seen = new Set<string>();
  const only = filter.pipeline === undefined ? '' : ` AND Pipeline = '${filter.pipeline.replaceAll("'", '')}'`;
  const found: Attention[] = await waiting(temporal, only);
  let count = 0;
  for await (const info of executions(temporal, `RunKind IN ('run', 'monitor', 'backfill') AND ExecutionStatus != 'Running'${only}`)) {
    if ((count += 1) > LOOKED_THROUGH) break;
    const attributes = info.searchAttributes as Readonly<Record<string, readonly unknown[] | undefined>>;
    const text = (name: string): string | undefined => (typeof attributes[name]?.[0] === 'string' ? attributes[name][0] : undefined);
    const verdict = text('Verdict');
    // A run that gave way to another one is no end of its pipeline.
    if (verdict === 'skipped') continue;
    const pipeline = text('Pipeline') ?? info.workflowId.split('/')[0]!;
    const kind =
      text('RunKind') === 'monitor'
        ? info.workflowId.includes('/new-data') || text('Trigger') === 'newData'
          ? 'newData'
          : (text('Trigger') ?? 'drift')
        : (text('RunKind') as 'run' | 'backfill');
    const key = `${pipeline} ${kind}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const outcome = info.status.name === 'COMPLETED' ? (verdict ?? 'completed') : info.status.name.toLowerCase().replaceAll('_', ' ');
    if (!isToLookAt(kind, outcome)) continue;
    // Nobody waits for a check any more whose schedule is deleted.
    const schedule = text('RunKind') === 'monitor' ? text('TemporalScheduledById') : undefined;
    if (schedule !== undefined && (await describeSchedule(temporal, schedule)) === undefined) continue;
    const summary = typeof info.memo?.['summary'] === 'string' ? info.memo['summary'] : '';
    found.push({ pipeline, kind, outcome, workflow: info.workflowId, at: (info.closeTime ?? info.startTime).toISOString(), summary });
  }
  return found;
}

/** Runs that ask people, the longest first. */
async function waiting(temporal: Temporal, only: string): Promise<Attention[]> {
  const found: Attention[] = [];
  for await (const info of executions(temporal, `RunKind = 'run' AND ExecutionStatus = 'Running' AND Verdict = '${WAITING}'${only}`)) {
    const name = runNameOf(info.workflowId, info.runId);
    const summary = typeof info.memo?.['summary'] === 'string' ? info.memo['summary'] : '';
    found.unshift({
      pipeline: info.workflowId.split('/')[0]!,
      kind: 'run',
      outcome: WAITING,
      workflow: info.workflowId,
      at: info.startTime.toISOString(),
      summary: `${summary} perennial runs approve ${name} --reason "…"`.trim(),
    });
  }
  return found;
}
