import { PerennialError } from '../../core/errors.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { Topology } from '../model/model-config.ts';
import { showShape } from '../layers/shapes.ts';
import { baseText, examplesOf } from './base.ts';
import type { BaseNetwork } from './base.ts';
import { listed } from './patterns.ts';
import type { InputNames } from './transfer-config.ts';

/**
 * Input of the base → input of the examples: by `names`, else by equal names; a single input of each is the same.
 *
 * @throws MODEL_INVALID where an input of the base has no counterpart
 */
export function pairInputs(base: BaseNetwork, inputs: readonly TensorSpec[], names: InputNames = {}): Map<string, TensorSpec> {
  const own = examplesOf(base);
  for (const [here, there] of Object.entries(names)) {
    if (!inputs.some(({ name }) => name === here))
      throw new PerennialError(
        'MODEL_INVALID',
        `"from.inputs": the examples have no input "${here}". There is: ${listed(inputs.map(({ name }) => name))}.`,
      );
    if (!own.some(({ name }) => name === there))
      throw new PerennialError(
        'MODEL_INVALID',
        `"from.inputs": ${baseText(base.origin)} has no input "${there}". It has ${listed(own.map(({ name }) => name))}.`,
      );
  }
  const given = new Map(Object.entries(names).map(([here, there]) => [there, here]));
  const pairs = new Map(
    own.map(({ name }): [string, TensorSpec] => {
      const wanted = given.get(name) ?? name;
      const found =
        inputs.find((input) => input.name === wanted) ??
        (own.length === 1 && inputs.length === 1 && given.size === 0 ? inputs[0] : undefined);
      if (found !== undefined) return [name, found];
      throw new PerennialError(
        'MODEL_INVALID',
        `${capital(baseText(base.origin))} reads ${own.map(show).join(', ')}; the examples give ${inputs.map(show).join(', ')}, and none of them is "${name}".`,
        {
          hint:
            base.preprocessor === undefined
              ? `Say which is which: "from": { …, "inputs": { "${inputs[0]?.name ?? 'name'}": "${name}" } }.`
              : REUSE,
        },
      );
    }),
  );
  const read = [...pairs.values()].map(({ name }) => name);
  const twice = read.find((name, index) => read.indexOf(name) !== index);
  if (twice === undefined) return pairs;
  const both = [...pairs].filter(([, { name }]) => name === twice).map(([name]) => name);
  throw new PerennialError(
    'MODEL_INVALID',
    `"from.inputs": "${twice}" of the examples would be read as ${listed(both)} of ${baseText(base.origin)}.`,
    { hint: 'Say for each of them what it is here.' },
  );
}

/** How to get the same inputs as a registered model. */
export const REUSE = 'Let the preprocess step take over the transforms of the same model with "from".';

/**
 * The network of the base over the inputs of the examples.
 *
 * @throws SHAPE_MISMATCH, MODEL_INVALID naming both sides and how to fix it
 */
export function adoptInputs(base: BaseNetwork, inputs: readonly TensorSpec[], names?: InputNames): Topology {
  const pairs = pairInputs(base, inputs, names);
  for (const spec of base.topology.inputs) checkInput(spec, pairs.get(spec.name)!, base);
  const renamed = (name: string): string => pairs.get(name)?.name ?? name;
  const { topology } = base;
  const clash = topology.layers.find(({ name }) => [...pairs.values()].some((input) => input.name === name));
  if (clash !== undefined)
    throw new PerennialError(
      'MODEL_INVALID',
      `The examples have an input "${clash.name}", and ${baseText(base.origin)} has a layer of that name.`,
      { hint: 'Rename the column in the source.' },
    );
  const adopted = topology.inputs.map(({ name }) => pairs.get(name)!);
  const unread = inputs.filter((input) => !adopted.includes(input));
  if (unread.length > 0) {
    throw new PerennialError(
      'MODEL_INVALID',
      `${capital(baseText(base.origin))} reads ${topology.inputs.map(show).join(', ')}, and nothing reads ${unread.map(show).join(', ')} of the examples.`,
      {
        hint: base.preprocessor === undefined ? 'Leave those columns out of "features" of the preprocess step.' : REUSE,
      },
    );
  }
  return { ...topology, inputs: adopted, layers: topology.layers.map((node) => ({ ...node, inputs: node.inputs.map(renamed) })) };
}

function checkInput(own: TensorSpec, given: TensorSpec, base: BaseNetwork): void {
  const where = `${capital(baseText(base.origin))} reads ${show(own)}, and the examples give ${show(given)}`;
  if (own.shape.length !== given.shape.length || own.shape.some((size, axis) => size !== given.shape[axis]))
    throw new PerennialError('SHAPE_MISMATCH', `${where}: the shapes differ.`, { hint: shapeHint(own, given, base) });
  const registered = base.preprocessor !== undefined;
  if (own.vocabularySize !== given.vocabularySize) {
    throw new PerennialError('SHAPE_MISMATCH', `${where}: the ids of the tokens do not mean the same.`, {
      hint: registered ? REUSE : 'Prepare the tokens as the model was trained, with as many ids.',
    });
  }
  // Values of a file may come as bytes: both are float32 in the network.
  if (registered && own.dtype !== given.dtype)
    throw new PerennialError('SHAPE_MISMATCH', `${where}: the values are not scaled alike.`, { hint: REUSE });
}

function shapeHint(own: TensorSpec, given: TensorSpec, base: BaseNetwork): string {
  if (base.preprocessor !== undefined) return REUSE;
  if (own.shape.length !== 3) return `Change the transforms of "${given.name}" so that they give ${showShape(own.shape)}.`;
  const gray = own.shape[2] === 1 ? ', "grayscale"' : '';
  return `Give "${given.name}" the transforms [{ "resize": [${own.shape[0]}, ${own.shape[1]}] }${gray}, "rescale"].`;
}

function show({ name, shape, dtype, vocabularySize }: TensorSpec): string {
  return `"${name}" ${showShape(shape)} ${vocabularySize === undefined ? dtype : `of ${vocabularySize} token ids`}`;
}

/** A sentence begins with a capital; the name of a file stays as it is. */
export function capital(text: string): string {
  return /\.\w+$/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
