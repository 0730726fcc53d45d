import type { JsonObject } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';

/** A document that was read. */
export interface Declared {
  readonly plan: Plan;
  /** Absolute path. */
  readonly file: string;
  /** As it was compiled: parameters substituted. */
  readonly document: JsonObject;
}
