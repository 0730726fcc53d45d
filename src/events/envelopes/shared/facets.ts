import type { JsonObject } from '../../../core/json.ts';

/** Who makes the events. */
export const PRODUCER = 'urn:perennial';
export const SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json';

/** A facet of the standard. @param version of its schema, as the official client of 2026 writes it */
export function facet(version: string, name: string, members: JsonObject): JsonObject {
  return { _producer: PRODUCER, _schemaURL: `https://openlineage.io/spec/facets/${version}/${name}.json#/$defs/${name}`, ...members };
}

/** A facet of our own, by the form that the standard asks of such. */
export function ownFacet(members: JsonObject): JsonObject {
  return { _producer: PRODUCER, _schemaURL: `${SCHEMA}#/$defs/RunFacet`, ...members };
}
