import { valuesOf } from '../named-outputs.ts';
import type { NamedOutput } from '../named-outputs.ts';
import type { Answer } from '../servable.ts';
import { bytesOfValues } from './binary-tensors.ts';
import type { RequestedOutput } from './open-inference-messages.ts';

/** One output of an answer: its values are in `data`, or in binary behind the JSON. */
export interface InferOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size: number };
}

export interface InferAnswer {
  readonly header: {
    readonly model_name: string;
    readonly model_version: string;
    readonly id: string;
    readonly outputs: readonly InferOutput[];
  };
  readonly tail: readonly Buffer[];
}

/** The JSON of an answer, and the tensors that follow it where binary was asked for, both in the order in which they were asked for. */
export function inferAnswer(answer: Answer, wanted: readonly RequestedOutput[]): InferAnswer {
  const rows = answer.predictions.length;
  const tail: Buffer[] = [];
  const outputs = wanted.map(({ output, binary, classification }): InferOutput => {
    const plain = valuesOf(answer, output);
    const named = classification === undefined ? undefined : plain.map((values) => largest(values, output, classification));
    const datatype = named === undefined ? output.datatype : 'BYTES';
    const shape = [rows, ...(named === undefined ? output.shape : [named[0]?.length ?? 0])];
    const values = (named ?? plain).flat(Infinity);
    if (!binary) return { name: output.name, shape, datatype, data: values };
    const bytes = bytesOfValues(values, datatype);
    tail.push(bytes);
    return { name: output.name, shape, datatype, parameters: { binary_data_size: bytes.length } };
  });
  return {
    header: { model_name: answer.servable.model, model_version: String(answer.servable.version), id: answer.id, outputs },
    tail,
  };
}

/** `value:index` of the largest values, with the name of the class where there is one: `0.97:2:Gentoo`. */
function largest(values: unknown, { classes }: NamedOutput, count: number): string[] {
  return (Array.isArray(values) ? (values as number[]) : [values as number])
    .map((value, index) => ({ value, index }))
    .sort((a, b) => b.value - a.value || a.index - b.index)
    .slice(0, count)
    .map(({ value, index }) => [value, index, ...(classes === undefined ? [] : [classes[index]])].join(':'));
}
