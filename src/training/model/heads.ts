import { PerennialError } from '../../core/errors.ts';
import { ownValue } from '../../core/json.ts';
import type { LabelOutput, OutputSpec } from '../../core/tensor.ts';
import { answerWidth } from '../../data/answers/decode.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { Named } from './named.ts';
import type { HeadLoss } from '../objectives/objective.ts';
import { headOf } from './output-head.ts';
import { resolveLoss } from '../losses/resolve-loss.ts';
import { lossRegistry } from '../losses/index.generated.ts';
import type { HeadMeta } from './model-meta.ts';

/** Losses and weights of several outputs, as a train step gives them. */
export interface HeadsConfig {
  readonly losses?: Readonly<Record<string, Named>>;
  readonly lossWeights?: Readonly<Record<string, number>>;
}

/** Each of several outputs with its loss; undefined for one output. @throws CONFIG_INVALID, MODEL_INVALID */
export function resolveHeads(output: OutputSpec, { losses = {}, lossWeights = {} }: HeadsConfig): readonly HeadLoss[] | undefined {
  const labels = output.kind === 'several' ? output.outputs.map(({ name }) => name) : [];
  for (const [key, named] of [
    ['losses', losses],
    ['lossWeights', lossWeights],
  ] as const) {
    const unknown = Object.keys(named).find((name) => !labels.includes(name));
    if (unknown === undefined) continue;
    if (output.kind !== 'several')
      throw new PerennialError('CONFIG_INVALID', `"${key}" is for several labels, but there is only "${output.name}".`, {
        hint: 'Give "loss", or name several labels in the ingest step.',
      });
    throw new PerennialError(
      'CONFIG_INVALID',
      `"${key}" names "${unknown}", and the labels are ${labels.map((name) => `"${name}"`).join(', ')}.`,
    );
  }
  if (output.kind !== 'several') return undefined;
  return output.outputs.map((each) => ({
    output: each,
    loss: resolveLoss(ownValue(losses, each.name), each),
    weight: ownValue(lossWeights, each.name) ?? 1,
  }));
}

/** Values per row that a network gives for an output with this loss. */
export function headWidth(output: LabelOutput, definition: LossDefinition): number {
  return headOf(output, { name: definition.name, definition, config: {} }).units;
}

/** As `meta` of a model says it. */
export function headsMeta(heads: readonly HeadLoss[]): HeadMeta[] {
  return heads.map(({ output, loss }) => ({ loss: loss.name, width: headWidth(output, loss.definition) }));
}

/** Values per row of all answers. */
export function answersWidth(outputs: readonly LabelOutput[]): number {
  return outputs.reduce((sum, output) => sum + answerWidth(output), 0);
}

/** What a network gives for several outputs → answers: a single value for two classes becomes both probabilities. */
export function joinAnswers(values: Float32Array, rows: number, outputs: readonly LabelOutput[], heads: readonly HeadMeta[]): Float32Array {
  const given = heads.reduce((sum, { width }) => sum + width, 0);
  const wanted = answersWidth(outputs);
  const answers = new Float32Array(rows * wanted);
  for (let row = 0; row < rows; row++) {
    let from = row * given;
    let to = row * wanted;
    for (const [index, { loss, width }] of heads.entries()) {
      const { score } = lossRegistry.get(loss);
      const own = values.subarray(from, from + width).map((value) => (score === undefined ? value : score(value)));
      const output = outputs[index]!;
      answers.set(width === 1 && output.kind === 'classes' ? Float32Array.of(1 - own[0]!, own[0]!) : own, to);
      from += width;
      to += answerWidth(output);
    }
  }
  return answers;
}
