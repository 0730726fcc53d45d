import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { Direction, TrialRecord } from '../trial.ts';

/** What a decision is made from; nothing else decides it. */
export interface StopperQuestion<C = JsonObject> {
  /** Of the first objective. */
  readonly direction: Direction;
  /** The others of the study, with their readings so far. */
  readonly others: readonly TrialRecord[];
  /** The one that is asked about; its last reading is new. */
  readonly trial: TrialRecord;
  /** Most epochs of a trial. */
  readonly epochs: number;
  readonly config: C;
}

/** How a trial is ended that will not be the best. */
export interface StopperDefinition<C = JsonObject> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /** Epochs after which it is asked, ascending, below `epochs`. */
  asksAt(epochs: number, config: C): readonly number[];
  /** true: the trial ends here. Pure. */
  stops(question: StopperQuestion<C>): boolean;
}

export function defineStopper<C = JsonObject>(definition: StopperDefinition<C>): StopperDefinition {
  return Object.freeze(definition) as unknown as StopperDefinition;
}
