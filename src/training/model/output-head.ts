import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { Resolved } from './named.ts';
import { product, showShape } from '../layers/shapes.ts';
import type { Shape } from '../layers/shapes.ts';

export interface Head {
  readonly units: number;
  readonly activation: string;
}

/** Width and activation of the output layer for an output and a loss. @throws MODEL_INVALID where the loss does not fit the output */
export function headOf(output: OutputSpec, { name, definition }: Resolved<LossDefinition>): Head {
  checkLossFits(output, name, definition);
  if (output.kind === 'text') return { units: output.vocabularySize, activation: definition.activations[0]! };
  if (output.kind === 'number') return { units: output.width, activation: definition.activations[0]! };
  if (output.kind === 'classes' && definition.labels === 'index')
    return { units: output.classes.length, activation: definition.activations[0]! };
  return { units: 1, activation: definition.activations[0]! };
}

/** @throws MODEL_INVALID */
export function checkLossFits(output: OutputSpec, name: string, loss: LossDefinition): void {
  if (output.kind === 'none') {
    throw new PerennialError('MODEL_INVALID', 'The examples have no label to learn from.', { hint: 'Give "label" in the ingest step.' });
  }
  if (output.kind === 'classes' && loss.labels === 'number') {
    throw new PerennialError(
      'MODEL_INVALID',
      `The loss ${name} is for numbers, but the label "${output.name}" has the classes ${shownClasses(output.classes)}.`,
      {
        hint: `Use ${output.classes.length === 2 ? '"binaryCrossentropy" or ' : ''}"categoricalCrossentropy"; or ingest the label as a number.`,
      },
    );
  }
  if (output.kind === 'number' && loss.inUnitOfLabel === true && output.scale !== undefined) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The loss ${name} needs labels in their own unit, but "${output.name}" was scaled by the preprocess step.`,
      { hint: 'Give the preprocess step "label": [], or choose a loss that a scale does not change, for example "meanSquaredError".' },
    );
  }
  if (output.kind === 'number' && loss.labels !== 'number') {
    throw new PerennialError('MODEL_INVALID', `The loss ${name} is for classes, but the label "${output.name}" is a number.`, {
      hint: 'Use "meanSquaredError", "meanAbsoluteError" or "huber"; or ingest the label as text.',
    });
  }
  if (output.kind === 'classes' && loss.labels === 'binary' && output.classes.length !== 2) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The loss ${name} is for two classes, but the label "${output.name}" has ${output.classes.length}: ${shownClasses(output.classes)}.`,
      { hint: 'Use "categoricalCrossentropy".' },
    );
  }
}

/** The last layer must give what the loss reads. @throws SHAPE_MISMATCH, MODEL_INVALID */
export function checkHead(
  layer: { readonly name: string; readonly activation: string; readonly shape: Shape },
  output: OutputSpec,
  loss: Resolved<LossDefinition>,
): void {
  const head = headOf(output, loss);
  const label = output.kind === 'classes' ? `the ${output.classes.length} classes of "${output.name}"` : `"${output.name}"`;
  if (layer.shape.length !== 1 || product(layer.shape) !== head.units) {
    throw new PerennialError(
      'SHAPE_MISMATCH',
      `The last layer "${layer.name}" gives ${showShape(layer.shape)}, but ${label} with the loss ${loss.name} need [${head.units}].`,
      {
        hint: `End with { "type": "dense", "units": ${head.units}, "activation": "${head.activation}" }.`,
      },
    );
  }
  if (!loss.definition.activations.includes(layer.activation)) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The loss ${loss.name} reads the output of ${loss.definition.activations.join(' or ')}, but the last layer "${layer.name}" ends with ${layer.activation}.`,
      {
        hint: `Give the last layer "activation": "${head.activation}"${layer.activation === 'linear' && takesLogits(loss.definition) ? `, or the loss "fromLogits": true` : ''}, or choose a loss that fits ${layer.activation}.`,
      },
    );
  }
}

/** Whether a document can tell the loss to read logits: some always do. */
function takesLogits({ configSchema }: LossDefinition): boolean {
  return Object.hasOwn(configSchema.properties ?? {}, 'fromLogits');
}

function shownClasses(classes: readonly string[]): string {
  const shown = classes
    .slice(0, 5)
    .map((name) => `"${name}"`)
    .join(', ');
  return classes.length > 5 ? `${shown}, … (${classes.length})` : shown;
}
