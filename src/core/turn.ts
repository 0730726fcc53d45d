import type { Plan, ScheduleTrigger, TurnPolicy } from './plan.ts';
import type { PipelineInput } from './run.ts';

/** Everything about the lock of a pipeline that its holder and those who wait tell each other. */
export interface TurnInput {
  readonly pipeline: string;
  /** Workflow ids of runs that wait, the longest first. */
  readonly waiting: readonly string[];
}

/** A run that found the turn taken. */
export interface TurnRequest {
  readonly from: string;
  /** Those that waited longer or with it. */
  readonly waiting: readonly string[];
  /** skip: only wants to know who holds it. replace: the holder is to stop; asked for once, of whoever holds it then. */
  readonly policy: Exclude<TurnPolicy, 'allow'>;
  /** It goes before all that wait: it takes the turn of the run that it stopped. */
  readonly first?: boolean;
}

/** What a run does where another one of its pipeline is going and nothing is declared: people wait, automation tries at the next check. */
const DEFAULTS: Readonly<Record<string, TurnPolicy>> = {
  manual: 'queue',
  backfill: 'queue',
  drift: 'skip',
  newData: 'skip',
  performance: 'skip',
  feedback: 'skip',
};

/** Ticks of a schedule meet each other in Temporal and other runs here: one declaration for both. */
const OF_SCHEDULE: Readonly<Record<ScheduleTrigger['overlap'], TurnPolicy>> = {
  skip: 'skip',
  bufferOne: 'queue',
  bufferAll: 'queue',
  cancelOther: 'replace',
  terminateOther: 'replace',
  allowAll: 'allow',
};

/** Whether a run waits, gives up, takes over or goes beside where another run of its pipeline is going. */
export function turnPolicy(input: Pick<PipelineInput, 'overlap'> & { readonly plan: Pick<Plan, 'on'> }, trigger: string): TurnPolicy {
  if (input.overlap !== undefined) return input.overlap;
  const { schedule, overlap } = input.plan.on;
  if (trigger === 'schedule') return OF_SCHEDULE[schedule?.overlap ?? 'skip'];
  // What tells of something only once waits.
  return overlap?.[trigger] ?? DEFAULTS[trigger] ?? 'queue';
}

/** The id of the workflow that is there while a run of the pipeline has its turn: Temporal lets only one be there at a time. */
export function turnId(pipeline: string): string {
  return `turn/${pipeline}`;
}
