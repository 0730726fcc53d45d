import { diag } from '@opentelemetry/api';
import type { Attributes, Link, SpanStatus } from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';
import { isAllowed, spanEntryOf } from './names.ts';

type Exporter = tracing.SpanExporter;
type Span = tracing.ReadableSpan;

const told = new Set<string>();

function tellOnce(message: string): void {
  if (told.has(message)) return;
  told.add(message);
  diag.warn(message);
}

/**
 * Lets through what the tables of names.ts know, and of errors no more than their class: messages quote rows, and Temporal's
 * interceptors record them with their stacks.
 */
export function guardedExporter(inner: Exporter): Exporter {
  return {
    export: (spans, done) => inner.export(spans.flatMap(guarded), done),
    shutdown: () => inner.shutdown(),
    forceFlush: async () => inner.forceFlush?.(),
  };
}

function guarded(span: Span): Span[] {
  if (spanEntryOf(span.name) === undefined) {
    tellOnce(`the span "${span.name.slice(0, 60)}" is not in src/telemetry/names.ts and is left out`);
    return [];
  }
  const status: SpanStatus = { code: span.status.code };
  const events = span.events
    .filter(({ name }) => name === 'exception')
    .map((event) => ({ ...event, attributes: allowed(event.attributes ?? {}, QUIETLY_DROPPED) }));
  const links: Link[] = span.links.map((link) => ({ ...link, attributes: allowed(link.attributes ?? {}) }));
  return [
    Object.create(span, {
      attributes: { value: allowed(span.attributes) },
      status: { value: status },
      events: { value: events },
      links: { value: links },
    }) as Span,
  ];
}

/** What Temporal's interceptors are known to add. */
const QUIETLY_DROPPED = ['exception.message', 'exception.stacktrace', 'temporalTerminateReason'];

function allowed(attributes: Attributes, known: readonly string[] = ['temporalTerminateReason']): Attributes {
  const kept: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (isAllowed(name, value)) kept[name] = value;
    else if (value !== undefined && !known.includes(name))
      tellOnce(`the attribute "${name}" with a value of this form is not in src/telemetry/names.ts and is left out`);
  }
  return kept;
}
