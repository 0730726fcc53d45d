import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { PreprocessorJson } from '../../data/preprocess/preprocessor-json.ts';
import { REUSE, capital, pairInputs } from './adopt-inputs.ts';
import { baseText } from './base.ts';
import type { BaseNetwork } from './base.ts';
import type { InputNames } from './transfer-config.ts';

type ColumnJson = PreprocessorJson['columns'][number];

/**
 * The inputs of a registered base have to mean what they meant when it was trained: same columns, same transforms, and the same
 * statistics and vocabularies. Nothing is known of a file.
 *
 * @throws MODEL_INVALID naming the first column and transform that differ
 */
export function checkPreprocessing(base: BaseNetwork, examples: JsonObject, inputs: readonly TensorSpec[], names?: InputNames): void {
  if (base.preprocessor === undefined) return;
  const own = base.preprocessor as unknown as PreprocessorJson;
  const given = examples as unknown as PreprocessorJson;
  const refuse = (problem: string): never => {
    throw new PerennialError(
      'MODEL_INVALID',
      `${capital(baseText(base.origin))} was trained on inputs that were prepared otherwise: ${problem}.`,
      { hint: REUSE },
    );
  };
  for (const [name, spec] of pairInputs(base, inputs, names)) {
    const ours = own.columns.filter((column) => column.spec.name === name);
    const theirs = given.columns.filter((column) => column.spec.name === spec.name);
    const called = (columns: readonly ColumnJson[]): string => columns.map((column) => `"${column.name}"`).join(', ');
    // Only columns that are joined are told apart by their order.
    if (ours.length > 1 && called(ours) !== called(theirs))
      refuse(`"${name}" joins the columns ${called(ours)}, and that of the examples ${called(theirs)}`);
    for (const [index, column] of ours.entries()) compareColumns(column, theirs[index]!, refuse);
  }
  if (canonicalJson(seriesOf(own)) !== canonicalJson(seriesOf(given)))
    refuse(`its windows are ${canonicalJson(seriesOf(own))}, those of the examples ${canonicalJson(seriesOf(given))}`);
}

function seriesOf({ sequence }: PreprocessorJson): Json {
  return sequence === undefined ? null : { size: sequence.size, horizon: sequence.horizon };
}

function compareColumns(own: ColumnJson, given: ColumnJson, refuse: (problem: string) => never): void {
  const chain = ({ transforms }: ColumnJson): string =>
    transforms.length === 0
      ? 'no transforms'
      : transforms.map(({ name, value }) => (value === null ? name : `${name} ${JSON.stringify(value)}`)).join(', ');
  if (chain(own) !== chain(given))
    refuse(`"${own.name}" had ${chain(own)}; here ${given.name === own.name ? 'it' : `"${given.name}"`} has ${chain(given)}`);
  for (const [index, { name, state }] of own.transforms.entries()) {
    if (canonicalJson(state) !== canonicalJson(given.transforms[index]!.state))
      refuse(`${name} of "${own.name}" learnt other values than from the rows here`);
  }
}
