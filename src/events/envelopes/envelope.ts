import type { Change } from '../../core/change.ts';
import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { EventMessage } from '../sinks/sink.ts';

/** Of which store the events are. */
export interface EnvelopeContext {
  /** Its identity, a UUID. */
  readonly storeId: string;
}

/** A form in which changes are told. */
export interface EnvelopeDefinition<C = JsonObject> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** Changes that it has words for, each or by its group; left out: all. */
  readonly tells?: readonly string[];
  /** Whether events have headers, or several go out as one message: only some sinks can do that. Default: no. */
  needsHttp?(config: C): boolean;
  /** Several events as one message; left out, or undefined: each goes out alone. Of one and the same, each alone is no other event. */
  batch?(messages: readonly EventMessage[], config: C): EventMessage | undefined;
  /** The event of a change; undefined: this form has no word for it. Pure: the same change always gives the same bytes. */
  write(change: Change, config: C, context: EnvelopeContext): EventMessage | undefined;
}

export function defineEnvelope<C = JsonObject>(definition: EnvelopeDefinition<C>): EnvelopeDefinition {
  return Object.freeze(definition) as unknown as EnvelopeDefinition;
}
