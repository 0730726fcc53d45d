import type { ModelMeta } from '../../src/training/model/model-meta.ts';

/** Facts of a model that was never trained, but for those that a test is about. */
export function modelFacts(facts: Partial<ModelMeta> = {}): ModelMeta {
  return {
    inputs: [],
    output: { kind: 'classes', name: 'label', classes: ['a', 'b'], source: 'string' } as unknown as ModelMeta['output'],
    outputShape: [2],
    parameters: 0,
    trainableParameters: 0,
    loss: 'categoricalCrossentropy',
    optimizer: 'adam',
    epochsRun: 1,
    bestEpoch: 1,
    seed: 1,
    final: {},
    examples: '',
    dataset: '',
    training: {},
    ...facts,
  };
}
