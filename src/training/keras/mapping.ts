import type { JsonObject } from '../../core/json.ts';
import type { Shape } from '../layers/shapes.ts';

/** Who reads what is written: TF.js speaks Keras 2, and knows less. */
export type KerasDialect = 'keras' | 'tfjs';

/**
 * A layer in Keras's words, for reading and writing. Keys are those of the layer in snake case, activations, initializers and
 * regularizers are translated by their names; what differs beyond that is said here.
 */
export interface KerasMapping<C = any> {
  /** The class in Keras 3, Keras 2 and TF.js. */
  readonly className: string;
  /** Other classes that are read as this layer. */
  readonly aliases?: readonly string[];
  /** The class for a configuration that needs another one. */
  classFor?(config: C, writing: KerasWriting): string | undefined;
  /** Of a class that another layer is read as too: whether this configuration is for this one. */
  accepts?(className: string, keras: JsonObject): boolean;
  /** Keras 2 and TF.js do not have the class, or a setting of it. */
  readonly keras3Only?: boolean | ((config: C) => boolean);
  /** Keys of ours that Keras does not have; `toKeras` and `fromKeras` see to them. */
  readonly omit?: readonly string[];
  /** Our key → Keras's, where it is not the same in snake case. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Keys that are always written so, and that a file must have so. */
  readonly fixed?: Readonly<JsonObject>;
  /** Changes what was translated, on the way out. */
  toKeras?(translated: JsonObject, config: C, writing: KerasWriting): JsonObject;
  /** Changes what was translated, on the way in: gives keys of ours. */
  fromKeras?(translated: Record<string, unknown>, keras: JsonObject, context: KerasReading): Record<string, unknown>;
  /** Keras's keys that `fromKeras` reads. */
  readonly reads?: readonly string[];
  /** Path of a weight inside its layer. Default: its name in snake case. */
  weightPath?(weight: string, config: C): string;
  /** Names of the weights in Keras's order, where it is not that of the layer. */
  weightOrder?(weights: readonly string[], config: C): readonly string[];
  /**
   * Arguments of the call besides the inputs; names of the inputs that are not the first argument; how many there are at least, the last
   * one repeated.
   */
  readonly call?: { readonly inputs?: readonly string[]; readonly inputsMin?: number; settings?(config: C): JsonObject };
}

export interface KerasWriting {
  /** Shapes of what the layer reads. */
  readonly inputs: readonly Shape[];
  readonly dialect: KerasDialect;
  /** @returns an error that names the layer */
  refuse(problem: string): Error;
}

export interface KerasReading {
  /** As it stands in the file: one of the mapping's names. */
  readonly className: string;
  /** Shapes of what the layer reads. */
  readonly inputs: readonly Shape[];
  /** 2 for Keras 2 and TF.js, 3 for Keras 3. */
  readonly version: 2 | 3;
  /** @returns an error that names the layer */
  refuse(problem: string): Error;
}
