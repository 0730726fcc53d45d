import type { JsonObject } from './json.ts';
import type { Outcome } from './outcome.ts';

/** What people are told of. */
export const NOTIFICATION_EVENTS = [
  'failed',
  'rejected',
  'promoted',
  'blocked',
  'drifted',
  'degraded',
  'triggered',
  'digest',
  'rolledBack',
  'returned',
  'paused',
  'recovered',
  'completed',
  'cancelled',
] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** Who is told of what, as the document declares it. Secrets stand as `{ "$secret": "NAME" }`. */
export interface NotificationTarget {
  readonly channel: string;
  readonly config: JsonObject;
  readonly events: readonly NotificationEvent[];
  /** changes: what is as it was the last time is not said again. */
  readonly repeat: 'changes' | 'always';
}

/** An outcome that somebody may be told of. */
export interface NotificationInput {
  readonly outcome: Outcome;
  readonly events: readonly NotificationEvent[];
  /** The version that the outcome is about. */
  readonly version: number | null;
  readonly targets: readonly NotificationTarget[];
  readonly whole?: WholeText;
  /** The same however often it is tried: receivers tell repeats by it. */
  readonly id: string;
}

/** What is more than a sentence, for channels that have room for it. */
export interface WholeText {
  readonly markdown: string;
  /** One page that loads nothing; absent where it would be too long. */
  readonly html?: string;
}

/** One message on its way: what a channel gets to send. */
export interface Notification {
  /** Of the message; with the event it is told apart from others of the same outcome. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly pipeline: string;
  readonly summary: string;
  /** Of a run, or of a check. */
  readonly kind: Outcome['kind'];
  readonly outcome: string;
  readonly workflow: string;
  readonly trigger: string;
  readonly model: string | null;
  readonly version: number | null;
  /** ISO 8601, by the clock of Temporal. */
  readonly at: string;
  readonly whole?: WholeText;
}

/** A message to one of the targets, by its place among them. */
export interface Addressed {
  readonly target: number;
  readonly notification: Notification;
}

/** A condition lasts until another one takes its place; of these, the first is told and the next ones are the same news. */
const LASTING: readonly NotificationEvent[] = ['failed', 'rejected', 'blocked', 'drifted', 'degraded'];

/** What an outcome leaves behind: what is wrong, or that nothing is. */
export function conditionOf(events: readonly NotificationEvent[]): NotificationEvent | 'fine' {
  return events.find((event) => LASTING.includes(event)) ?? 'fine';
}

/**
 * What of an outcome is news, by the condition before it: a condition that goes on is none, and its end is.
 *
 * @param before undefined: nothing was told yet
 */
export function newsOf(
  events: readonly NotificationEvent[],
  before: NotificationEvent | 'fine' | undefined,
): { readonly news: readonly NotificationEvent[]; readonly repeated: readonly NotificationEvent[] } {
  const now = conditionOf(events);
  const repeated = events.filter((event) => event === now && event === before);
  const recovered: readonly NotificationEvent[] = now === 'fine' && before !== undefined && before !== 'fine' ? ['recovered'] : [];
  return { news: [...events.filter((event) => !repeated.includes(event)), ...recovered], repeated };
}

/** Events of a run that ended. @param live whether its version is live; null: it made none, or deploys none */
export function eventsOfRun(status: string, live: boolean | null, standing: string | null): readonly NotificationEvent[] {
  if (status === 'failed' || status === 'rejected' || status === 'cancelled') return [status];
  if (status !== 'completed') return [];
  if (live === true && standing !== 'is live already') return ['completed', 'promoted'];
  return live === false && (standing?.includes('pinned') === true || standing?.includes('frozen until') === true)
    ? ['completed', 'blocked']
    : ['completed'];
}

/** Events of a check of a served model. */
export function eventsOfCheck(kind: Outcome['kind'], outcome: string): readonly NotificationEvent[] {
  // What cannot see is as broken as what failed.
  if (outcome === 'failed' || outcome === 'blind') return ['failed'];
  if (outcome === 'none') return [];
  const found = FOUND[kind] ?? (outcome === 'alert' ? 'triggered' : undefined);
  const done = DONE.find((event) => event === outcome);
  return [...(found === undefined ? [] : [found]), ...(done === undefined ? [] : [done])];
}

/** What was done about it, or not any more. */
const DONE: readonly NotificationEvent[] = ['blocked', 'rolledBack', 'paused'];

/** What a check of a kind tells that found something; of others only what was done about it is told. */
const FOUND: Readonly<Record<string, NotificationEvent>> = {
  drift: 'drifted',
  performance: 'degraded',
  feedback: 'degraded',
  digest: 'digest',
};
