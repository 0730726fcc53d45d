import { activate, requireShapeKept } from './activations.ts';
import type { Activation } from './activations.ts';
import { activityProperties, penalized } from './shared/activity.ts';
import type { ActivityOptions } from './shared/activity.ts';
import { axisLengths, einsum, parseEquation } from './shared/einsum.ts';
import { defineLayer } from './layer.ts';
import type { Shape } from './shapes.ts';
import { activation } from '../model/schema-parts.ts';
import { shapeError } from './shapes.ts';
import { weightOf, weightProperties } from './shared/weight-options.ts';
import type { WeightOptions } from './shared/weight-options.ts';

interface Config extends WeightOptions<'kernel'>, WeightOptions<'bias'>, ActivityOptions {
  readonly equation: string;
  readonly outputShape: readonly (number | null)[];
  readonly biasAxes?: string;
  readonly activation: Activation;
}

/** From the first axis of the output that has a bias on; 1 for those that share it. */
function biasShape({ biasAxes = '', equation }: Config, lengths: Readonly<Record<string, number>>): Shape {
  const letters = [...parseEquation(equation).output.slice(1)];
  const first = letters.findIndex((letter) => biasAxes.includes(letter));
  return letters.slice(first).map((letter) => (biasAxes.includes(letter) ? lengths[letter]! : 1));
}

export default defineLayer<Config>({
  type: 'einsumDense',
  keras: { className: 'EinsumDense' },
  summary: 'A sum of products of input and kernel along named axes, e.g. dense per head: "abc,chd->abhd".',
  properties: {
    equation: {
      type: 'string',
      pattern: '^[A-Za-z ,>-]+$',
      maxLength: 64,
      description: 'Letters of the axes of input, kernel and output, the batch first.',
      examples: ['abc,cd->abd'],
    },
    outputShape: {
      type: 'array',
      items: { oneOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
      minItems: 1,
      maxItems: 6,
      description: 'Shape of the output of one example; null where it follows from the input.',
      examples: [[null, 64]],
    },
    biasAxes: {
      type: 'string',
      pattern: '^[A-Za-z]+$',
      maxLength: 8,
      description: 'Letters of the output that have a bias each. Default: no bias.',
      examples: ['d'],
    },
    activation: activation(),
    ...weightProperties('kernel', 'bias'),
    ...activityProperties,
  },
  required: ['equation', 'outputShape'],
  outputShape([input], config) {
    requireShapeKept('an einsumDense layer', config.activation);
    const equation = parseEquation(config.equation);
    const unknown = [...(config.biasAxes ?? '')].find((letter) => !equation.output.slice(1).includes(letter));
    if (unknown !== undefined)
      throw shapeError(
        `"biasAxes" names the axis "${unknown}", which the output "${equation.output}" does not have beside the batch`,
        'Give letters of the output.',
      );
    const lengths = axisLengths(equation, input!, config.outputShape);
    return [...equation.output.slice(1)].map((letter) => lengths[letter]!);
  },
  weights([input], config) {
    const equation = parseEquation(config.equation);
    const lengths = axisLengths(equation, input!, config.outputShape);
    return [
      weightOf(
        'kernel',
        [...equation.kernel].map((letter) => lengths[letter]!),
        config,
      ),
      ...(config.biasAxes === undefined ? [] : [weightOf('bias', biasShape(config, lengths), config)]),
    ];
  },
  call(tf, [x], { kernel, bias }, config, context) {
    const sums = einsum(tf, parseEquation(config.equation), x!, kernel!);
    return penalized(
      tf,
      activate(tf, bias === undefined ? sums : tf.add(sums, bias), config.activation),
      config.activityRegularizer,
      context,
    );
  },
  mask: 'drop',
  examples: [
    { inputs: [[4, 3]], config: { equation: 'abc,cd->abd', outputShape: [null, 5], biasAxes: 'd', activation: 'relu' } },
    { inputs: [[4, 3]], config: { equation: 'abc,bd->adc', outputShape: [2, 3] } },
  ],
});
