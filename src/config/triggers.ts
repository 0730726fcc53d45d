import type { PlannedSink } from '../core/change.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { NotificationTarget } from '../core/notification.ts';
import type { DriftTrigger, NewDataTrigger, Plan, PlannedTrigger, ScheduleTrigger, TriggerAction } from '../core/plan.ts';
import { durationMs } from '../core/duration.ts';
import { triggers } from '../monitoring/triggers/index.generated.ts';
import type { TriggerDefinition } from '../monitoring/triggers/trigger.ts';
import { isObject } from './schema-walk.ts';

interface ScheduleConfig extends Omit<ScheduleTrigger, 'catchupMs' | 'everyMs' | 'jitterMs'> {
  readonly catchup: string;
  readonly every?: string;
  readonly jitter?: string;
}
interface DriftConfig extends Omit<DriftTrigger, 'everyMs' | 'windowMs' | 'coolDownMs' | 'season' | 'do'> {
  readonly do: Json;
  readonly every: string;
  readonly window: string;
  readonly coolDown: string;
  readonly season?: { readonly every: string; readonly count: number };
}
interface NewDataConfig extends Omit<NewDataTrigger, 'everyMs' | 'coolDownMs' | 'do'> {
  readonly do: Json;
  readonly every: string;
  readonly coolDown: string;
}

interface NotifyConfig extends Pick<NotificationTarget, 'events' | 'repeat'> {
  readonly to: Readonly<Record<string, JsonObject>>;
}

interface PublishConfig extends Pick<PlannedSink, 'events' | 'of'> {
  readonly name?: string;
  readonly to: string | Readonly<Record<string, JsonObject>>;
  readonly as: string | Readonly<Record<string, JsonObject>>;
}

/** `on` of a document, defaults filled in → `on` of a plan. */
export function planTriggers(on: JsonObject): Plan['on'] {
  const { schedule, drift, newData, notify, publish, overlap, unchanged } = on;
  const defined = triggers.flatMap((trigger) => {
    const config = on[trigger.name];
    return isObject(config) ? [[trigger.name, planTrigger(trigger, config)] as const] : [];
  });
  return {
    ...(isObject(schedule) ? { schedule: planSchedule(schedule as unknown as ScheduleConfig) } : {}),
    ...(isObject(drift) ? { drift: planDrift(drift as unknown as DriftConfig) } : {}),
    ...(isObject(newData) ? { newData: planNewData(newData as unknown as NewDataConfig) } : {}),
    ...(defined.length === 0 ? {} : { triggers: Object.fromEntries(defined) }),
    ...(Array.isArray(notify) ? { notify: (notify as unknown as readonly NotifyConfig[]).map(planTarget) } : {}),
    ...(Array.isArray(publish) ? { publish: planSinks(publish as unknown as readonly PublishConfig[]) } : {}),
    ...(isObject(overlap) ? { overlap: overlap as NonNullable<Plan['on']['overlap']> } : {}),
    // What is the default stays out of the plan, so that plans of before are the same.
    ...(unchanged === 'goOn' ? { unchanged } : {}),
  };
}

function planSchedule({ catchup, every, jitter, ...rest }: ScheduleConfig): ScheduleTrigger {
  return {
    ...rest,
    ...(every === undefined ? {} : { everyMs: durationMs(every) }),
    ...(jitter === undefined ? {} : { jitterMs: durationMs(jitter) }),
    catchupMs: durationMs(catchup),
  };
}

function planDrift({ every, window, coolDown, season, do: action, ...rest }: DriftConfig): DriftTrigger {
  return {
    ...rest,
    do: planAction(action),
    everyMs: durationMs(every),
    windowMs: durationMs(window),
    coolDownMs: durationMs(coolDown),
    ...(season === undefined ? {} : { season: { everyMs: durationMs(season.every), count: season.count } }),
  };
}

function planNewData({ every, coolDown, do: action, ...rest }: NewDataConfig): NewDataTrigger {
  return { ...rest, do: planAction(action), everyMs: durationMs(every), coolDownMs: durationMs(coolDown) };
}

function planTrigger(
  { durations, tells }: TriggerDefinition,
  { every, cron, timezone, coolDown, attempts, do: action, ...own }: JsonObject,
): PlannedTrigger {
  const settings = Object.fromEntries(
    Object.entries(own).map(([name, value]) => (durations.includes(name) ? [`${name}Ms`, durationMs(value as string)] : [name, value])),
  );
  if (tells === true) return { cron: cron as string, timezone: timezone as string, coolDownMs: 0, do: { kind: 'notify' }, settings };
  return {
    everyMs: durationMs(every as string),
    coolDownMs: durationMs(coolDown as string),
    ...(typeof attempts === 'number' ? { attempts } : {}),
    do: planAction(action),
    settings,
  };
}

/** What a retraining changes is compiled into the plan later, where the whole document is at hand. */
function planAction(action: Json | undefined): TriggerAction {
  const [kind, options] = isObject(action) ? (Object.entries(action)[0] as [string, Json]) : [String(action ?? 'retrain'), {}];
  if (kind !== 'rollback') return { kind: kind as 'retrain' };
  const within = isObject(options) ? (options as JsonObject)['within'] : undefined;
  return { kind, ...(typeof within === 'string' ? { withinMs: durationMs(within) } : {}) };
}

function planTarget({ to, events, repeat }: NotifyConfig): NotificationTarget {
  const [[channel, config]] = Object.entries(to) as [[string, JsonObject]];
  return { channel, config, events, repeat };
}

function planSinks(publish: readonly PublishConfig[]): PlannedSink[] {
  return publish.map(({ name, to, as, events, of }) => {
    const [kind, config] = namedPart(to);
    const [envelope, envelopeConfig] = namedPart(as);
    return { name: name ?? kind, kind, config, envelope, envelopeConfig, ...(events === undefined ? {} : { events }), of };
  });
}

/** "NAME", or { "NAME": { … } }. */
function namedPart(part: string | Readonly<Record<string, JsonObject>>): [string, JsonObject] {
  return typeof part === 'string' ? [part, {}] : (Object.entries(part)[0] as [string, JsonObject]);
}
