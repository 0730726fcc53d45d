import type { OutputSpec } from '../core/tensor.ts';
import type { JsonObject, JsonSchema } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import type { Topology } from '../training/model/model-config.ts';
import type { VersionManifest } from '../registry/types.ts';
import type { Place } from './places/place.ts';

/** What every target that has a place says of it. */
export interface PlacedConfig {
  /** Whole: absolute, or "s3://bucket/prefix". */
  readonly path: string;
  /** Versions that stay there, the champion among them. */
  readonly keep: number;
}

/** What a target works with. */
export interface TargetTools {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  progress(message: string): void;
}

/** What of a version goes to a target, before it goes anywhere. */
export interface Prepared {
  /** Its files, by their path in the folder of the version. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What was measured, in sentences. */
  readonly evidence: readonly string[];
  /** Numbers behind the evidence. */
  readonly measured: JsonObject;
  /** Why it must not go there; empty: it may. */
  readonly refusals: readonly string[];
  /** What a reader should know: units before anything else. */
  readonly notes: readonly string[];
}

/** What a document alone tells of the model that will be deployed. */
export interface PlannedModel {
  readonly output: OutputSpec['kind'];
}

export interface Placing<C> {
  /** Says no before anything is trained. undefined: nothing is known against it. */
  unfit?(model: PlannedModel, config: C): string | undefined;
  /** As {@link unfit}, of the layers. @throws MODEL_INVALID naming one */
  unfitLayers?(topology: Topology, config: C): void;
  /** Whether it says no where there are no test rows. Default: no. */
  measuresOnTest?(config: C): boolean;
  /** @throws MODEL_INVALID, EXPORT_DIFFERS for what cannot be written in its format */
  prepare(tools: TargetTools, version: VersionManifest, model: OpenArtifact, config: C): Promise<Prepared>;
  /** The file without which the folder of a version is none. */
  readonly first: string;
  /** Whether versions above the champion are taken away: who watches the folder serves the highest number. Default: no. */
  withdraws?(config: C): boolean;
  /** What besides the folders of the versions tells which is the champion. @param versions that lie there, in rising order */
  point?(place: Place, model: string, champion: Champion, config: C): Promise<void>;
  /** Says in a sentence how it is used, where it lies. */
  usage(config: C, model: string): string;
}

export interface Champion {
  readonly version: number;
  readonly artifact: OpenArtifact;
}

/** Where a champion is kept, and who serves it from there. */
export interface TargetDefinition<C = any> {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** Absent: whatever it stands for follows the routing by itself. */
  readonly placing?: Placing<C>;
  readonly examples: readonly C[];
  readonly reference: string;
}

const KEEP_DEFAULT = 3;

const PATH_SCHEMA: JsonSchema = {
  type: 'string',
  minLength: 1,
  pattern: '^(?!s3:)|^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$',
  description:
    'A folder, relative to the document, that the workers can write to; or "s3://BUCKET/PREFIX", reached with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and S3_ENDPOINT of the workers. What is of one model lies under its name.',
  examples: ['s3://models/live', '../live'],
};

const KEEP_SCHEMA: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: 1000,
  default: KEEP_DEFAULT,
  description: 'Versions that stay there, the champion among them; older ones are removed.',
  examples: [5],
};

type Parts<C> = Omit<TargetDefinition<C>, 'configSchema' | 'placing'> & {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly placing?: Placing<C & PlacedConfig>;
};

/** A target with a place has "path" and "keep" besides its own settings. */
export function defineTarget<C extends object = Record<string, never>>(parts: Parts<C>): TargetDefinition<C & PlacedConfig> {
  const { properties = {}, examples, placing, ...rest } = parts;
  const placed = placing === undefined ? {} : { path: PATH_SCHEMA, ...properties, keep: KEEP_SCHEMA };
  return Object.freeze({
    ...rest,
    ...(placing === undefined ? {} : { placing }),
    examples: examples as readonly (C & PlacedConfig)[],
    configSchema: {
      type: 'object',
      description: parts.summary,
      additionalProperties: false,
      properties: placed,
      ...(placing === undefined ? {} : { required: ['path'] }),
    },
  });
}
