import type { JsonObject } from '../../core/json.ts';
import type { KindsByName } from '../../steps/step-ports.ts';

export interface ScriptConfig {
  readonly path: string;
  readonly with?: JsonObject;
  readonly takes?: KindsByName;
  readonly gives?: KindsByName;
  readonly files?: readonly string[];
}
