import type { JsonObject, JsonSchema } from '../../core/json.ts';

/** Numbers of one epoch, by name: "loss", "validationLoss", "accuracy", "meanAbsoluteError" (of the validation rows). */
export type EpochNumbers = Readonly<Record<string, number>>;

export interface TrainingFacts {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Batches in all. */
  readonly steps: number;
  /** Names that `EpochNumbers` will hold. */
  readonly numbers: readonly string[];
}

export interface EpochVerdict {
  /** The weights of this epoch are the best so far. */
  readonly improved?: boolean;
  /** Why training ends here. */
  readonly stop?: string;
  /** A line for the log. */
  readonly note?: string;
}

/** A callback at work. Its state is JSON, and is part of every checkpoint. */
export interface Callback {
  /** Factor of the learning rate for an update. @param step 0 for the first @param epoch 0 for the first */
  learningRateFactor?(step: number, epoch: number): number;
  /** Momentum of an update, where a schedule moves it. @param step 0 for the first */
  momentum?(step: number): number;
  /** @param epoch 1 for the first */
  epochEnd?(epoch: number, numbers: EpochNumbers, learningRate: number): EpochVerdict;
  /** The best epoch's weights are put back when training ends. */
  readonly restoreBest?: boolean;
  state(): JsonObject;
  restore(state: JsonObject): void;
}

export interface CallbackDefinition<C = any> {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** @throws CONFIG_INVALID where it watches a number that there will not be */
  create(config: C, facts: TrainingFacts): Callback;
}

export function defineCallback<C>(
  parts: Omit<CallbackDefinition<C>, 'configSchema'> & {
    readonly properties: Record<string, JsonSchema>;
    readonly required?: readonly string[];
  },
): CallbackDefinition<C> {
  const { properties, required, ...rest } = parts;
  return Object.freeze({
    ...rest,
    configSchema: {
      type: 'object',
      description: parts.summary,
      additionalProperties: false,
      properties,
      ...(required === undefined ? {} : { required }),
    },
  });
}
