import type { JsonObject, JsonSchema } from '../../core/json.ts';

/** An event as it goes out: the same bytes at every attempt. */
export interface EventMessage {
  readonly id: string;
  readonly contentType: string;
  /** JSON on one line. */
  readonly body: string;
  /** Of the request, beside the content type; only of forms that put attributes there. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a sink gets to work with. */
export interface SinkContext {
  /** Aborted when the attempt takes too long, or others took over the delivery. */
  readonly signal: AbortSignal;
  /** Folder of the document: relative paths start here. */
  readonly documentDir: string;
}

/** A place where events go. */
export interface SinkDefinition<C = JsonObject> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** Events of different subjects that may be under way at once. */
  readonly concurrency: number;
  /** Whether a message may have headers, and one message may hold several events. Default: no. */
  readonly isHttp?: boolean;
  /** What is wrong with a configuration that its schema lets through; secrets are not resolved yet. */
  check?(config: C): readonly { readonly pointer: string; readonly message: string; readonly fix: string }[];
  /**
   * Resolves when the event has arrived for good. Called again with the same message where it did not, or where that got lost.
   *
   * @throws EVENT_REFUSED where trying again cannot help: the event is set aside. Anything else is tried again for as long as it takes,
   * after `details.retryAfterMs` at the earliest where an error says so
   */
  send(message: EventMessage, config: C, context: SinkContext): Promise<void>;
}

export function defineSink<C = JsonObject>(definition: SinkDefinition<C>): SinkDefinition {
  return Object.freeze(definition) as unknown as SinkDefinition;
}
