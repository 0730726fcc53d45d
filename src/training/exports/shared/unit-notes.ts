import type { LabelOutput } from '../../../core/tensor.ts';
import type { ExportDefinition } from '../export.ts';
import type { ModelMeta } from '../../model/model-meta.ts';

/**
 * The unit of every number that an export answers, in sentences: formats of layers know no scale of a label, formats of graphs have it
 * inside.
 */
export function unitNotes({ output }: ModelMeta, answers: ExportDefinition['answers']): string[] {
  if (output.kind === 'several') return output.outputs.flatMap((one) => noteOf(one, answers));
  return output.kind === 'number' ? noteOf(output, answers) : [];
}

/** What goes in: no export reads columns through its tensors. */
export function inputNotes({ output }: ModelMeta): string[] {
  return output.kind === 'samples'
    ? []
    : ['It reads tensors, prepared as preprocessor.json says: not the values of the source as they are.'];
}

function noteOf(label: LabelOutput, answers: ExportDefinition['answers']): string[] {
  if (label.kind !== 'number') return [];
  const { name, scale } = label;
  if (scale === undefined || answers === 'source') return [`It answers "${name}" in the unit of the source data.`];
  const { mean, std } = scale;
  return [
    `It answers "${name}" as the network learnt it, scaled: answer * ${std} ${mean < 0 ? '-' : '+'} ${Math.abs(mean)} is "${name}" in the unit of the source data.`,
  ];
}
