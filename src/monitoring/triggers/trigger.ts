import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import type { VersionManifest } from '../../registry/types.ts';
import type { StoreDigest } from '../timeline/store-digest.ts';

export interface TriggerDeps {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

/** What a trigger looks at. */
export interface TriggerLook {
  readonly pipeline: string;
  readonly model: string;
  /** ISO 8601 UTC. */
  readonly nominalTime: string;
}

/** What a trigger found. */
export interface TriggerFinding {
  readonly due: boolean;
  /** One sentence. */
  readonly summary: string;
  /** Markdown. */
  readonly details?: string;
  /** What was looked at: rows, events. */
  readonly rows: number;
  /** Kept with the run that it leads to. */
  readonly evidence: JsonObject;
  /** Nothing can be seen, and somebody has to change something: why. */
  readonly blind?: true;
  /** What is told whole, in place of `details`. */
  readonly digest?: StoreDigest;
}

/**
 * What starts runs by itself, or rolls back, pauses, tells. One file `NAME.trigger.ts`: its name is its key in `on`; how often it looks,
 * how long it rests and what it does is the same for all, and not among its settings.
 */
export interface TriggerDefinition<S = any> {
  readonly name: string;
  readonly summary: string;
  /** Closed object schema of its own settings, with defaults. */
  readonly configSchema: JsonSchema;
  /** Settings that are durations: they arrive in milliseconds, under the name with "Ms". */
  readonly durations: readonly string[];
  /** Default of `every`; with `tells`, of `cron`. */
  readonly every: string;
  /** Default of `coolDown`. */
  readonly coolDown: string;
  /** It looks by the calendar, and what it finds is told and nothing else: there is no `do`, `coolDown` and `attempts`. */
  readonly tells?: true;
  /** It is about the champion: without one there is nothing to look at. */
  readonly ofChampion: boolean;
  /** Where the source holds no row that the champion has not seen, a run is of no use. */
  readonly needsNewRows: boolean;
  readonly examples: readonly JsonObject[];
  readonly reference?: string;
  /** Mistakes that the schema cannot say. @param settings as written, with defaults */
  mistakes?(settings: JsonObject, facts: { readonly pipeline: string; readonly model: string | undefined }): readonly TriggerMistake[];
  /** @throws CONFIG_INVALID for settings that do not fit the model */
  look(deps: TriggerDeps, look: TriggerLook, settings: S, champion: VersionManifest | undefined): Promise<TriggerFinding>;
  /** Remembers that something was done about a finding. Told again where nobody knows whether it was told. */
  settle?(deps: TriggerDeps, look: TriggerLook, settings: S, finding: TriggerFinding, what: string): Promise<void>;
}

export interface TriggerMistake {
  /** JSON pointer inside the trigger's settings. */
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

export function defineTrigger<S>(definition: TriggerDefinition<S>): TriggerDefinition {
  return Object.freeze(definition) as unknown as TriggerDefinition;
}
