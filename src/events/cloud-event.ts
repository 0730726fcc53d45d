import type { Json } from '../core/json.ts';

/** Of a CloudEvent in structured mode. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** The attributes of a CloudEvent that we give. */
export interface CloudEventParts {
  /** With the source it tells the event from all others. */
  readonly id: string;
  /** A URI reference. */
  readonly source: string;
  /** Without "perennial." before it. */
  readonly type: string;
  readonly subject: string;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly data: Json;
}

/** A CloudEvent 1.0 as JSON on one line. */
export function cloudEvent({ id, source, type, subject, time, data }: CloudEventParts): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type: `perennial.${type}`,
    subject,
    time,
    datacontenttype: 'application/json',
    data,
  });
}
