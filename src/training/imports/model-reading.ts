import type { Shape } from '../layers/shapes.ts';
import type { Topology } from '../model/model-config.ts';

/** A network with its weights, from a file of another program. */
export interface ReadModel {
  readonly topology: Topology;
  /** By full name, "layer/weight": all that the topology has. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** What was read otherwise than it was written, in sentences. */
  readonly notes: readonly string[];
  /** E.g. "Keras 3.15.1, HDF5". */
  readonly origin: string;
}

export interface ReadModelOptions {
  /** Shapes of one example, by input, where the file leaves dimensions open. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** The same for a model with one input, whatever its name. */
  readonly inputShape?: Shape;
}
