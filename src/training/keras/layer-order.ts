import type { Topology } from '../model/model-config.ts';

/**
 * Names of inputs and layers in the order in which Keras lists the layers of a Functional model, and by which it takes the weights of
 * an HDF5 file: the farthest from the output first, those equally far as a walk from the output meets them.
 *
 * @see `map_graph` of Keras 3, `_map_graph_network` of Keras 2
 */
export function kerasLayerOrder({ inputs, layers, output }: Topology): string[] {
  const reads = new Map(layers.map((layer) => [layer.name, layer.inputs]));
  const met: string[] = [];
  const seen = new Set<string>();
  const walk = [output];
  while (walk.length > 0) {
    const name = walk.pop()!;
    if (seen.has(name)) continue;
    seen.add(name);
    met.push(name);
    walk.push(...[...(reads.get(name) ?? [])].reverse());
  }
  const distance = new Map<string, number>(inputs.map(({ name }) => [name, 0]));
  // Every layer follows what it reads, so that backwards each is complete before it is passed on.
  for (const { name, inputs: sources } of [...layers].reverse()) {
    const own = distance.get(name) ?? 0;
    distance.set(name, own);
    for (const source of sources) distance.set(source, Math.max(distance.get(source) ?? 0, own + 1));
  }
  return met
    .map((name, index) => ({ name, index, distance: distance.get(name)! }))
    .sort((a, b) => b.distance - a.distance || a.index - b.index)
    .map(({ name }) => name);
}
