import type { OutputSpec } from '../core/tensor.ts';
import { answerWidth } from '../data/answers/decode.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import type { ColumnType } from '../data/stored/column.ts';
import type { ModelSignature, SignatureColumn } from './types.ts';

const TYPES: Readonly<Record<ColumnType, SignatureColumn['type']>> = {
  number: 'double',
  integer: 'long',
  boolean: 'boolean',
  string: 'string',
  timestamp: 'datetime',
  image: 'binary',
};

const tensor = (name: string, shape: readonly number[]): ModelSignature['outputs'][number] => ({
  name,
  type: 'tensor',
  'tensor-spec': { dtype: 'float32', shape: [-1, ...shape] },
});

/** The columns that a request to the model carries, and what comes back. The label is not asked for. */
export function signatureOf(
  preprocessor: Pick<Preprocessor, 'columns' | 'windowSize'>,
  output: OutputSpec,
  outputShape: readonly number[],
): ModelSignature {
  return {
    inputs: preprocessor.columns.map(({ name, type, required }) => ({ name, type: TYPES[type], required })),
    outputs:
      output.kind === 'several' ? output.outputs.map((one) => tensor(one.name, [answerWidth(one)])) : [tensor(output.name, outputShape)],
    windowSize: preprocessor.windowSize,
  };
}
