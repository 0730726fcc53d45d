import type { LayerConfig, Topology } from '../../../src/training/model/model-config.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';

/** Layers on inputs x0, x1, … of given shapes; the first layer reads all of them. */
export function parseLayers(layers: readonly LayerConfig[], shapes: readonly (readonly number[])[]): Topology {
  const inputs = shapes.map((shape, index) => ({ name: `x${index}`, shape, dtype: 'float32' as const }));
  return buildTopology(
    layers.map((layer, index) => (index === 0 ? { ...layer, inputs: inputs.map(({ name }) => name) } : layer)),
    inputs,
  );
}
