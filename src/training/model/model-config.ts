import type { TensorSpec } from '../../core/tensor.ts';
import { OBJECT, TENSOR, TEXT, defineStored, listOf, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';

/** One explicit layer of a network. */
export interface LayerNode {
  readonly name: string;
  readonly type: string;
  /** Complete: every default filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of layers or of model inputs. */
  readonly inputs: readonly string[];
  /**
   * In a training that started from another model. "weights": nothing of the layer moved; "statistics": nothing at first, its moving
   * statistics neither.
   */
  readonly frozen?: 'weights' | 'statistics';
}

/** `topology.json`: a network as an explicit graph, in an order in which every layer follows what it reads. */
export interface Topology {
  readonly formatVersion: 1;
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerNode[];
  /** Name of the layer whose output is the model's. */
  readonly output: string;
  /** Of a model with several outputs: the layers that give them, in their order. `output` then joins them. */
  readonly heads?: readonly string[];
}

/** {@link Topology} as it is stored. */
export const TOPOLOGY: StoredKind<Topology> = defineStored({
  name: 'layers of a model',
  formatVersion: 1,
  schema: recordSchema(
    {
      inputs: listOf(TENSOR),
      layers: listOf(recordSchema({ name: TEXT, type: TEXT, config: OBJECT, inputs: listOf(TEXT) })),
      output: TEXT,
    },
    { heads: listOf(TEXT) },
  ),
});

/** `model` of a train step: an architecture with its settings, or the layers themselves. */
export type ModelConfig =
  | { readonly architecture: string; readonly [setting: string]: unknown }
  | { readonly layers: readonly LayerConfig[]; readonly outputs?: Readonly<Record<string, string>> };

export type LayerConfig = {
  readonly type: string;
  readonly name?: string;
  readonly inputs?: readonly string[];
  readonly [setting: string]: unknown;
};
