import { PerennialError } from '../../core/errors.ts';
import { shownValue } from '../../core/json.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Prediction, Row, TensorBatch, TensorSpec, TextOutput, TokenTexts } from '../../core/tensor.ts';
import { loadPreprocessor } from '../preprocess/preprocessor.ts';
import { preprocessorParts } from '../preprocess/preprocessor-json.ts';
import type { PreprocessorJson } from '../preprocess/preprocessor-json.ts';
import { isUnspaced } from '../transforms/shared/words.ts';
import type { Preprocessor } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

/** Input that says how a text is gone on with: [maxTokens, temperature, topK, topP, seed]. */
export const GENERATION = 'generation';

/** Most tokens of one continuation. */
export const CONTINUATION_MAX = 1_000;

/** How a text is gone on with. */
export interface Generation {
  /** Most tokens that are added. */
  readonly maxTokens: number;
  /** Divides the logarithms of the shares: 0 takes the most probable token, 1 draws by the shares as they are. */
  readonly temperature: number;
  /** Only so many most probable tokens are drawn from; 0: all. */
  readonly topK: number;
  /** Only the most probable tokens that together have this share are drawn from. */
  readonly topP: number;
  readonly seed: number;
}

/** Seeds travel as float32, which holds whole numbers up to here. */
const SEED_MAX = 2 ** 24 - 1;

const SETTINGS: readonly {
  readonly name: keyof Generation;
  readonly fallback: number;
  readonly type: 'integer' | 'number';
  readonly low: number;
  readonly high: number;
}[] = [
  { name: 'maxTokens', fallback: 50, type: 'integer', low: 1, high: CONTINUATION_MAX },
  { name: 'temperature', fallback: 1, type: 'number', low: 0, high: 100 },
  { name: 'topK', fallback: 0, type: 'integer', low: 0, high: 1_000_000 },
  { name: 'topP', fallback: 1, type: 'number', low: 0, high: 1 },
  { name: 'seed', fallback: 0, type: 'integer', low: 0, high: SEED_MAX },
];

/** Columns of a request beside the text. */
export const GENERATION_COLUMNS: readonly string[] = SETTINGS.map(({ name }) => name);

/** What a language model reads when it serves. */
export function promptInputs({ name, length, vocabularySize }: TextOutput): TensorSpec[] {
  return [
    { name, shape: [length], dtype: 'int32', vocabularySize },
    { name: GENERATION, shape: [SETTINGS.length], dtype: 'float32' },
  ];
}

/** Values that a language model answers with: how many tokens, whether the text is at its end, and the tokens. */
export const continuationWidth = 2 + CONTINUATION_MAX;

/** What the token ids of a fitted preprocessing stand for. @throws MODEL_INVALID where it has no such text */
export function tokenTextsOf(json: JsonObject, column: string): TokenTexts {
  const { columns } = json as unknown as PreprocessorJson;
  const tokenize = columns?.find(({ name }) => name === column)?.transforms.find(({ name }) => name === 'tokenize');
  if (tokenize === undefined)
    throw new PerennialError(
      'MODEL_INVALID',
      `The preprocessing of the model does not tokenize "${column}", so its tokens cannot become text.`,
      { hint: 'Use the transform "tokenize" in the preprocess step.' },
    );
  const { level } = preprocessorParts(json)
    .parts.columns.find(({ name }) => name === column)!
    .links.find(({ definition }) => definition.name === 'tokenize')!.config as { level: 'word' | 'character' };
  return { level, texts: (tokenize.state as unknown as { tokens: string[] }).tokens };
}

/**
 * The preprocessing of a language model as it serves: rows `{ <text>, maxTokens?, temperature?, topK?, topP?, seed? }`. Of a long text the
 * end is kept.
 */
export function promptPreprocessor(json: JsonObject, output: TextOutput): Preprocessor {
  const { columns, ...rest } = json as unknown as PreprocessorJson;
  const kept = columns.map((column) => ({
    ...column,
    transforms: column.transforms.map((each) =>
      each.name === 'tokenize' ? { ...each, value: { ...((each.value as JsonObject | null) ?? {}), truncation: 'pre' } } : each,
    ),
  }));
  const own = loadPreprocessor({ ...rest, columns: kept } as unknown as JsonObject);
  const inputs = promptInputs(output);
  return {
    inputs,
    output,
    windowSize: 1,
    columns: [...own.columns, ...SETTINGS.map(({ name, type }): Column & { required: boolean } => ({ name, type, required: false }))],
    async apply(rows): Promise<TensorBatch> {
      const texts = await own.apply(rows.map((row) => ({ [output.name]: row[output.name] })));
      const ids = texts[output.name]!;
      rows.forEach((_, row) => {
        if (ids.data[row * output.length] === 0)
          throw new PerennialError('DATA_INVALID', `row ${row}, column "${output.name}": the text has no token to go on from.`, {
            hint: 'Give at least one word (or character).',
          });
      });
      const asked = Float32Array.from(rows.flatMap((row, index) => SETTINGS.map((setting) => settingOf(row, index, setting))));
      return { [output.name]: ids, [GENERATION]: { spec: inputs[1]!, rows: rows.length, data: asked } };
    },
    toJson: () => json,
  };
}

function settingOf(row: Row, index: number, { name, fallback, type, low, high }: (typeof SETTINGS)[number]): number {
  const given = row[name];
  if (given === undefined || given === null || given === '') return fallback;
  const value = typeof given === 'string' ? Number(given) : given;
  if (typeof value === 'number' && value >= low && value <= high && (type === 'number' || Number.isInteger(value))) return value;
  throw new PerennialError(
    'DATA_INVALID',
    `row ${index}: "${name}" is ${shownValue(given)}; expected a ${type === 'integer' ? 'whole number' : 'number'} from ${low} to ${high}.`,
  );
}

/** The settings of one row as the network was given them. */
export function generationOf(values: ArrayLike<number>): Generation {
  return Object.fromEntries(SETTINGS.map(({ name }, at) => [name, values[at]!])) as unknown as Generation;
}

/** As values of the input {@link GENERATION}. */
export function generationValues(given: Partial<Generation>): Float32Array {
  return Float32Array.from(SETTINGS, ({ name, fallback }) => given[name] ?? fallback);
}

/** No space goes before these, or after those. */
const CLOSING = /^[.,:;!?%)\]}»”…'’]+$/u;
const OPENING = /^[([{«“¿¡#@$]+$/u;

/** Token ids as a text: words with spaces between them, but not before closing marks and after opening ones. */
export function textOfTokens(ids: ArrayLike<number>, { level, texts }: TokenTexts): string {
  const words = Array.from(ids, (id) => (id === 1 ? '\uFFFD' : (texts[id - 2] ?? '')));
  if (level === 'character') return words.join('');
  return words.reduce(
    (text, word, at) =>
      text +
      (at === 0 || CLOSING.test(word) || OPENING.test(words[at - 1]!) || (isUnspaced(word) && isUnspaced(words[at - 1]!)) ? '' : ' ') +
      word,
    '',
  );
}

/** Values of {@link continuationWidth} → what the model says. @throws INTERNAL where the tokens are not known */
export function decodeText({ tokens }: TextOutput, values: Float32Array, rows: number): Prediction[] {
  if (tokens === undefined)
    throw new PerennialError('INTERNAL', 'A language model was asked without its preprocessing, which knows its tokens.');
  return Array.from({ length: rows }, (_, row) => {
    const own = values.subarray(row * continuationWidth, (row + 1) * continuationWidth);
    const count = own[0]!;
    return {
      text: textOfTokens(own.subarray(2, 2 + count), tokens),
      tokens: count,
      finish: own[1] === 1 ? ('end' as const) : ('length' as const),
    };
  });
}
