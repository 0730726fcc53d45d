import type { JsonObject } from '../core/json.ts';
import type { DriftTrigger, Plan, ScheduleTrigger } from '../core/plan.ts';
import { durationMs } from './duration.ts';
import { isObject } from './schema-walk.ts';

interface ScheduleConfig extends Omit<ScheduleTrigger, 'catchupMs'> {
  readonly catchup: string;
}
interface DriftConfig extends Omit<DriftTrigger, 'everyMs' | 'windowMs'> {
  readonly every: string;
  readonly window: string;
}

/** `on` of a document, defaults filled in → `on` of a plan. */
export function planTriggers(on: JsonObject): Plan['on'] {
  const { schedule, drift, newData } = on;
  return {
    ...(isObject(schedule) ? { schedule: planSchedule(schedule as unknown as ScheduleConfig) } : {}),
    ...(isObject(drift) ? { drift: planDrift(drift as unknown as DriftConfig) } : {}),
    ...(isObject(newData) ? { newData: { rows: newData['rows'] as number, everyMs: durationMs(newData['every'] as string) } } : {}),
  };
}

function planSchedule({ catchup, ...rest }: ScheduleConfig): ScheduleTrigger {
  return { ...rest, catchupMs: durationMs(catchup) };
}

function planDrift({ every, window, ...rest }: DriftConfig): DriftTrigger {
  return { ...rest, everyMs: durationMs(every), windowMs: durationMs(window) };
}
