import { PerennialError, isPerennialError } from '../../../core/errors.ts';
import { DefinitionRegistry } from '../../../core/registry.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import type { ArchitectureDefinition } from '../architecture.ts';
import type { LayerList } from './architecture-parts.ts';
import cnn from '../cnn.architecture.ts';
import mlp from '../mlp.architecture.ts';
import rnn from '../rnn.architecture.ts';
import textCnn from '../textCnn.architecture.ts';
import transformer from '../transformer.architecture.ts';
import { nameAndConfig, withDefaults } from '../../model/named.ts';
import type { Named } from '../../model/named.ts';
import { isTokens } from './sequence-input.ts';
import { product, showShape } from '../../layers/shapes.ts';

/**
 * Architectures without their output layers, for one input each. They are named here, since an architecture reads them: the index of all
 * would be a circle.
 */
export const encoderRegistry = new DefinitionRegistry<ArchitectureDefinition>(
  'encoder',
  [cnn, mlp, rnn, textCnn, transformer],
  ({ name }) => name,
);

/** What an input goes through where the document does not say it. */
function usualEncoder(input: TensorSpec): Named {
  if (input.shape.length === 3) return 'cnn';
  if (isTokens(input)) return 'textCnn';
  return input.shape.length === 2 ? 'rnn' : { mlp: { units: [] } };
}

/** Adds the layers from one input to a vector. @returns the name of the last one @throws MODEL_INVALID naming the input */
export function addEncoder(list: LayerList, input: TensorSpec, named: Named = usualEncoder(input)): string {
  const [name, settings] = nameAndConfig('encoder', named);
  const definition = encoderRegistry.get(name, 'MODEL_INVALID');
  const config = withDefaults(definition.configSchema, settings);
  const [problem] = definition.check?.(config) ?? [];
  if (problem !== undefined)
    throw new PerennialError('MODEL_INVALID', `The encoder ${name} of "${input.name}": ${problem.message}`, { hint: problem.fix });
  try {
    return list.branch(input.name, (branch) => definition.encode!(branch, config, [input]));
  } catch (error) {
    if (!isPerennialError(error, 'MODEL_INVALID')) throw error;
    const what = input.vocabularySize === undefined ? '' : product(input.shape) === 1 ? ' of a category' : ' of token ids';
    const usual = usualEncoder(input);
    throw new PerennialError(
      'MODEL_INVALID',
      `The encoder ${name} does not suit the input "${input.name}" ${showShape(input.shape)}${what}.`,
      { hint: `Use ${JSON.stringify(usual)}${name === 'mlp' ? '' : ', or "mlp"'}.`, cause: error },
    );
  }
}
