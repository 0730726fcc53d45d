import { PerennialError } from '../../core/errors.ts';
import { shownValue } from '../../core/json.ts';
import { Prng } from '../../core/prng.ts';
import type { Row, SamplesOutput, Tensor, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import type { Preprocessor } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

/** Inputs of a generator: noise, and the index of the wanted class. */
export const LATENT = 'latent';
export const LATENT_LABEL = 'label';

const SEED: Column & { readonly required: boolean } = { name: 'seed', type: 'integer', required: true };

/** Of a generator, by what it answers. */
export function latentInputs({ latentSize, label }: Pick<SamplesOutput, 'latentSize' | 'label'>): TensorSpec[] {
  return [
    { name: LATENT, shape: [latentSize], dtype: 'float32' },
    ...(label === undefined ? [] : [{ name: LATENT_LABEL, shape: [1], dtype: 'int32' as const, vocabularySize: label.classes.length }]),
  ];
}

/** Standard normal numbers that belong to a seed: the same on every machine. */
export function latentOf(seed: number, size: number): Float32Array {
  const random = new Prng('latent', seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

/** What stands for preprocessing where examples are made and not read: rows `{ seed }`, of a conditional generator `{ seed, <label> }`. */
export function latentPreprocessor(output: SamplesOutput): Preprocessor {
  const inputs = latentInputs(output);
  const { label } = output;
  return {
    inputs,
    output,
    columns: [SEED, ...(label === undefined ? [] : [{ name: label.name, type: 'string' as const, required: true }])],
    windowSize: 1,
    async apply(rows): Promise<TensorBatch> {
      return latentBatch(
        output,
        rows.map((row, index) => ({ seed: seedOf(row, index), ...(label === undefined ? {} : { label: classOf(row, index, label) }) })),
      );
    },
    toJson: () => ({ formatVersion: 1, samples: output.name }),
  };
}

/** The tensors that a generator reads for given seeds, and indices of classes. */
export function latentBatch(
  { latentSize, label }: Pick<SamplesOutput, 'latentSize' | 'label'>,
  asked: readonly { readonly seed: number; readonly label?: number }[],
): TensorBatch {
  const [latentSpec, labelSpec] = latentInputs({ latentSize, ...(label === undefined ? {} : { label }) });
  const data = new Float32Array(asked.length * latentSize);
  asked.forEach(({ seed }, row) => data.set(latentOf(seed, latentSize), row * latentSize));
  const batch: Record<string, Tensor> = { [LATENT]: { spec: latentSpec!, rows: asked.length, data } };
  if (labelSpec !== undefined)
    batch[LATENT_LABEL] = { spec: labelSpec, rows: asked.length, data: Int32Array.from(asked, (each) => each.label ?? 0) };
  return batch;
}

function seedOf(row: Row, index: number): number {
  const { seed } = row;
  if (typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new PerennialError('DATA_INVALID', `row ${index}: the seed is ${shownValue(seed)}; a sample is made of a whole number from 0 up.`, {
    hint: 'Give rows like { "seed": 7 }.',
  });
}

function classOf(row: Row, index: number, { name, classes }: NonNullable<SamplesOutput['label']>): number {
  const found = classes.indexOf(String(row[name]));
  if (found >= 0) return found;
  const shown = classes
    .slice(0, 10)
    .map((each) => `"${each}"`)
    .join(', ');
  throw new PerennialError(
    'DATA_INVALID',
    `row ${index}: there is no class ${shownValue(row[name])} of "${name}". There is: ${shown}${classes.length > 10 ? ', …' : ''}.`,
  );
}
