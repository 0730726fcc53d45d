import type { JsonObject } from '../core/json.ts';
import type { KindsByName } from '../steps/step-ports.ts';

export interface ProgramConfig {
  readonly command: readonly string[];
  readonly with?: JsonObject;
  readonly takes?: KindsByName;
  readonly gives?: KindsByName;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
}
