import { shapesOf } from '../../model/describe.ts';
import type { Topology } from '../../model/model-config.ts';
import { layerRegistry } from '../../layers/index.generated.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** Where the mask of a tensor comes from: ids that an embedding reads, of which 0 is padding; or something else. */
export type MaskSource = { readonly ids: string; readonly vocabularySize: number } | 'other';

/** Layers whose output has a mask, by name. */
export function masksOf(tf: Tf, topology: Topology): ReadonlyMap<string, MaskSource> {
  const shapes = shapesOf(topology);
  const sources = new Map<string, MaskSource>();
  tf.engine().startScope();
  try {
    const masks = new Map<string, Tensor>();
    for (const node of topology.layers) {
      const { mask } = layerRegistry.get(node.type);
      if (mask === 'drop') continue;
      const read = node.inputs.map((name) => masks.get(name));
      // Layers hand on the very mask that they were given, or make one.
      const made =
        mask === 'keep'
          ? read.find((each) => each !== undefined)
          : mask(
              tf,
              node.inputs.map((name) => tf.zeros([1, ...shapes.get(name)!])),
              node.config,
              read,
            );
      if (made === undefined) continue;
      masks.set(node.name, made);
      const from = node.inputs.find((_name, index) => read[index] === made);
      if (node.type === 'embedding') sources.set(node.name, { ids: node.inputs[0]!, vocabularySize: Number(node.config.inputDim) });
      else
        sources.set(
          node.name,
          from === undefined
            ? merged(
                node.inputs.map((name) => sources.get(name)),
                made,
                read,
              )
            : sources.get(from)!,
        );
    }
  } finally {
    tf.engine().endScope();
  }
  return sources;
}

/** Masks of one source, merged step by step, are that mask still. */
function merged(sources: readonly (MaskSource | undefined)[], made: Tensor, read: readonly (Tensor | undefined)[]): MaskSource {
  const [first] = sources;
  const same =
    sources.length > 1 &&
    first !== undefined &&
    first !== 'other' &&
    sources.every((each) => each !== undefined && each !== 'other' && each.ids === first.ids);
  return same && read.every((mask) => mask!.shape.join() === made.shape.join()) ? first : 'other';
}
