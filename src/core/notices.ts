import type { Change, ChangeType, PlannedSink } from './change.ts';
import type { JsonObject } from './json.ts';
import { modelWorkflowId } from './model-updates.ts';
import type { NotificationEvent, NotificationInput, NotificationTarget } from './notification.ts';

/** Changes that people are told of although no run and no check ends with them. */
const OF_PEOPLE: Readonly<Partial<Record<ChangeType, readonly NotificationEvent[]>>> = {
  'model.rolledBack': ['rolledBack'],
  'rollout.ended': ['promoted', 'returned'],
};

/** The kind of sink by which they hear: not one of those that a document names. */
export const PEOPLE = 'people';
/** The form of its events: the change itself. */
export const CHANGE_ITSELF = 'change';

/** The sink by which those whom a document names in "on.notify" hear of what no run and no check tells. */
export function sinkOfPeople(targets: readonly NotificationTarget[] | undefined): PlannedSink | undefined {
  const heard = Object.entries(OF_PEOPLE).filter(([, events]) =>
    targets?.some((target) => events.some((event) => target.events.includes(event))),
  );
  if (heard.length === 0) return undefined;
  return {
    name: '@notify',
    kind: PEOPLE,
    config: { targets: targets as unknown as JsonObject[] },
    envelope: CHANGE_ITSELF,
    envelopeConfig: {},
    events: heard.map(([type]) => type),
    of: 'pipeline',
  };
}

/** What is told of a change, or nothing: what a check did about what it found, it tells itself. */
export function noticeOf(
  change: Change,
  { pipeline, targets, id }: { readonly pipeline: string; readonly targets: readonly NotificationTarget[]; readonly id: string },
): NotificationInput | undefined {
  const { type, data, at } = change;
  const model = String(data['model']);
  const told = type === 'model.rolledBack' ? ofRollback(data) : type === 'rollout.ended' ? ofRolloutEnd(data) : undefined;
  if (told === undefined) return undefined;
  const { event, version, summary } = told;
  return {
    outcome: {
      formatVersion: 1,
      pipeline,
      kind: 'routing',
      outcome: event,
      summary: `${model} ${summary}`,
      workflow: modelWorkflowId(model),
      trigger: data['automatic'] === true ? 'rollout' : 'manual',
      model,
      at,
    },
    events: [event],
    version,
    targets,
    id,
  };
}

interface Told {
  readonly event: NotificationEvent;
  readonly version: number | null;
  readonly summary: string;
}

function ofRollback({ automatic, from, to, who, why }: JsonObject): Told | undefined {
  if (automatic === true) return undefined;
  return {
    event: 'rolledBack',
    version: to as number,
    summary: `went back${from === to ? '' : ` from version ${String(from)}`} to version ${String(to)} and is pinned to it, by ${String(who)}: ${String(why)}`,
  };
}

function ofRolloutEnd({ rollout, promoted, why }: JsonObject): Told {
  const { kind, champion, candidate } = rollout as { readonly kind: string; readonly champion: number; readonly candidate: number };
  const what = kind === 'abTest' ? 'A/B test' : kind;
  return promoted === true
    ? {
        event: 'promoted',
        version: candidate,
        summary: `version ${candidate} is live in place of version ${champion} after its ${what}: ${String(why)}`,
      }
    : { event: 'returned', version: candidate, summary: `version ${candidate} is not live after its ${what}: ${String(why)}` };
}
