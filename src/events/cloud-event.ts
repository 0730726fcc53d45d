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

/** Of several CloudEvents in one message. */
export const CLOUD_EVENTS_TYPE = 'application/cloudevents-batch+json; charset=utf-8';

/** A CloudEvent in binary mode: its attributes are headers, its data is the body. @see HTTP Protocol Binding 1.0.2, 3.1 */
export function binaryCloudEvent({ id, source, type, subject, time, data }: CloudEventParts): {
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const attributes = { specversion: '1.0', id, source, type: `perennial.${type}`, subject, time };
  return {
    contentType: 'application/json',
    headers: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerText(value)])),
    body: JSON.stringify(data),
  };
}

/** Blanks, quotation marks, per cent signs and all beyond printable ASCII as the bytes of UTF-8. @see the same, 3.1.3.2 */
const headerText = (value: string): string =>
  value.replaceAll(/[^!#$&-~]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
