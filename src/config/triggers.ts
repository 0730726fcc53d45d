import type { JsonObject } from '../core/json.ts';
import type { NotificationTarget } from '../core/notification.ts';
import type { DriftTrigger, NewDataTrigger, Plan, ScheduleTrigger } from '../core/plan.ts';
import { durationMs } from '../core/duration.ts';
import { isObject } from './schema-walk.ts';

interface ScheduleConfig extends Omit<ScheduleTrigger, 'catchupMs'> {
  readonly catchup: string;
}
interface DriftConfig extends Omit<DriftTrigger, 'everyMs' | 'windowMs' | 'coolDownMs'> {
  readonly every: string;
  readonly window: string;
  readonly coolDown: string;
}
interface NewDataConfig extends Omit<NewDataTrigger, 'everyMs' | 'coolDownMs'> {
  readonly every: string;
  readonly coolDown: string;
}

interface NotifyConfig extends Pick<NotificationTarget, 'events' | 'repeat'> {
  readonly to: Readonly<Record<string, JsonObject>>;
}

/** `on` of a document, defaults filled in → `on` of a plan. */
export function planTriggers(on: JsonObject): Plan['on'] {
  const { schedule, drift, newData, notify, overlap, unchanged } = on;
  return {
    ...(isObject(schedule) ? { schedule: planSchedule(schedule as unknown as ScheduleConfig) } : {}),
    ...(isObject(drift) ? { drift: planDrift(drift as unknown as DriftConfig) } : {}),
    ...(isObject(newData) ? { newData: planNewData(newData as unknown as NewDataConfig) } : {}),
    ...(Array.isArray(notify) ? { notify: (notify as unknown as readonly NotifyConfig[]).map(planTarget) } : {}),
    ...(isObject(overlap) ? { overlap } : {}),
    // What is the default stays out of the plan, so that plans of before are the same.
    ...(unchanged === 'goOn' ? { unchanged } : {}),
  };
}

function planSchedule({ catchup, ...rest }: ScheduleConfig): ScheduleTrigger {
  return { ...rest, catchupMs: durationMs(catchup) };
}

function planDrift({ every, window, coolDown, ...rest }: DriftConfig): DriftTrigger {
  return { ...rest, everyMs: durationMs(every), windowMs: durationMs(window), coolDownMs: durationMs(coolDown) };
}

function planNewData({ every, coolDown, ...rest }: NewDataConfig): NewDataTrigger {
  return { ...rest, everyMs: durationMs(every), coolDownMs: durationMs(coolDown) };
}

function planTarget({ to, events, repeat }: NotifyConfig): NotificationTarget {
  const [[channel, config]] = Object.entries(to) as [[string, JsonObject]];
  return { channel, config, events, repeat };
}
