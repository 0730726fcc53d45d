import type { LabelOutput } from '../../../core/tensor.ts';
import { freeName } from '../../keras/to-keras.ts';
import { lossRegistry } from '../../losses/index.generated.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { ModelMeta } from '../../model/model-meta.ts';

/** Outputs by name, in the terms of the source data: shares of classes, numbers in the units of the label. */
export function graphOutputs(tf: Tf, meta: ModelMeta, output: Tensor): Readonly<Record<string, Tensor>> {
  if (meta.output.kind === 'several') {
    const { outputs } = meta.output;
    const heads = meta.heads!;
    const parts = tf.split(
      output,
      heads.map(({ width }) => width),
      1,
    ) as Tensor[];
    const taken = new Set<string>();
    return Object.fromEntries(
      outputs.flatMap((label, index) =>
        Object.entries(labelOutput(tf, label, heads[index]!.loss, parts[index]!)).map(([name, tensor]) => [
          freeName(`${label.name}_${name}`, taken),
          tensor,
        ]),
      ),
    );
  }
  if (meta.output.kind === 'anomaly') return { score: output };
  if (meta.output.kind === 'samples') return { sample: output };
  // Of the next token, by its id.
  if (meta.output.kind === 'text') return { probabilities: output };
  return meta.output.kind === 'none' ? { output } : labelOutput(tf, meta.output, meta.loss, output);
}

function labelOutput(tf: Tf, label: LabelOutput, loss: string, output: Tensor): Readonly<Record<string, Tensor>> {
  if (label.kind === 'number')
    return { value: label.scale === undefined ? output : tf.add(tf.mul(output, label.scale.std), label.scale.mean) };
  // Margins are no shares: they are given as they are.
  if (lossRegistry.find(loss)?.score !== undefined) return { margin: output };
  const width = output.shape.at(-1);
  return { probabilities: width === 1 && output.rank === 2 ? tf.concat([tf.sub(1, output), output], 1) : output };
}

/** What a network that was trained by margins gives, in place of what predictions say. */
export function marginNotes({ loss, heads = [] }: ModelMeta): string[] {
  if (![loss, ...heads.map((head) => head.loss)].some((name) => lossRegistry.find(name)?.score !== undefined)) return [];
  return [
    'It gives margins as they are: above 0 is the second class. `perennial predict` says the score (margin + 1) / 2, cut to 0 and 1, for the same rows.',
  ];
}

/** One name per line, in the order of the probabilities. undefined where there are no classes. */
export function labelsText({ output }: ModelMeta): string | undefined {
  return output.kind === 'classes' ? `${output.classes.join('\n')}\n` : undefined;
}
