import type { ArtifactKind } from '../core/artifact.ts';
import { ARTIFACT_KINDS } from '../core/artifact.ts';
import type { Port } from '../core/step.ts';

/** Kinds by port name, as the steps `command` and `script` are configured with. */
export type KindsByName = Readonly<Record<string, ArtifactKind>>;

const PORT_NAME = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';

/** Schema of `takes` and `gives`. */
export function portsSchema(description: string, example: KindsByName): Record<string, unknown> {
  return {
    type: 'object',
    default: {},
    propertyNames: { pattern: PORT_NAME },
    additionalProperties: { enum: [...ARTIFACT_KINDS] },
    description,
    examples: [example],
  };
}

export function portsOf(config: { readonly takes?: KindsByName; readonly gives?: KindsByName }): {
  inputs: Record<string, Port>;
  outputs: Record<string, Port>;
} {
  const ports = (kinds: KindsByName = {}): Record<string, Port> =>
    Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, { kind }]));
  return { inputs: ports(config.takes), outputs: ports(config.gives) };
}
