import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { Prng } from '../../core/prng.ts';
import type { Tensor as Values, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { openExamples } from '../../data/stored/examples.ts';
import { exportRegistry } from '../exports/index.generated.ts';
import type { ExportDefinition, ExportReader, ExportSource } from '../exports/export.ts';
import { marginNotes } from '../exports/shared/graph-outputs.ts';
import { firstSentence } from '../exports/shared/messages.ts';
import { inputNotes, unitNotes } from '../exports/shared/unit-notes.ts';
import { standardLayers, withoutScoreLayer } from '../exports/shared/standard-layers.ts';
import { readModel } from './load-model.ts';
import { nameAndConfig, resolveNamed } from '../model/named.ts';
import type { Named, Resolved } from '../model/named.ts';
import { NO_LOGITS } from '../model/network.ts';
import { product } from '../layers/shapes.ts';
import { loadTf } from '../tensorflow/tf.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';

/** How an export was compared with the model that it was made from. */
export interface ExportCheck {
  readonly rows: number;
  /** Rows of the test split, or drawn where there are none. */
  readonly source: 'test' | 'drawn';
  /** Numbers of rows that were asked for at once. */
  readonly batches: readonly number[];
  /** Of any value from the model's; in standard deviations of the values where they spread by more than 1. */
  readonly largestDifference: number;
  readonly bound: number;
  /** Share of the rows with the same most probable class; null where there are no classes. */
  readonly sameClass: number | null;
}

export interface Export {
  readonly format: string;
  readonly config: JsonObject;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly notes: readonly string[];
  readonly check: ExportCheck;
}

const ROWS_MAX = 256;
const BATCHES = [1, 2, 7, 64] as const;

/**
 * Writes a model in another format, reads it again, and compares what both say of the same rows.
 *
 * @param examples what the model was trained on; its test split is asked
 * @throws EXPORT_DIFFERS above the bound; MODEL_INVALID for what the format cannot hold
 */
export async function createExport(model: OpenArtifact, name: string, named: Named, examples: OpenArtifact | undefined): Promise<Export> {
  const source = { ...(await readModel(model)), name };
  const rows = examples === undefined ? undefined : await testRows(source.network.topology.inputs, examples);
  return exportNetwork(source, await model.bytes('preprocessor.json'), named, rows);
}

/** The same for a network that is at hand. */
export async function exportNetwork(
  whole: ExportSource,
  preprocessor: Uint8Array,
  named: Named,
  rows: ExportRows | undefined,
): Promise<Export> {
  const tf = loadTf();
  const resolved = resolveNamed(exportRegistry, named);
  const { definition } = resolved;
  const standard = definition.layers === undefined ? undefined : standardLayers(tf, whole.network, whole.weights, definition.layers);
  const json = JSON.parse(Buffer.from(preprocessor).toString('utf8')) as JsonObject;
  const source = {
    ...whole,
    ...(standard === undefined ? {} : { network: standard.network, weights: standard.weights }),
    ...('columns' in json ? { preprocessor: json } : {}),
  };
  const written = await definition.write(tf, source, resolved.config);
  const notes = [
    ...(standard?.notes ?? []),
    ...inputNotes(source.meta),
    ...written.notes,
    ...marginNotes(source.meta),
    ...unitNotes(source.meta, definition.answers),
  ];
  const files = { ...written.files, ...besides(preprocessor, definition, written.signature, notes) };
  const folder = await mkdtemp(join(tmpdir(), 'perennial-export-'));
  try {
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    const expected = standard === undefined ? whole : { ...whole, network: withoutScoreLayer(whole.network) };
    const check = await checkFiles(tf, source, expected, resolved, folder, rows ?? drawnRows(source.network.topology.inputs));
    return { format: resolved.name, config: nameAndConfig('export', named)[1] as JsonObject, files, notes, check };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param model what the answers of `source` as it was written are compared with */
async function checkFiles(
  tf: Tf,
  source: ExportSource,
  model: ExportSource,
  resolved: Resolved<ExportDefinition>,
  folder: string,
  rows: ExportRows,
): Promise<ExportCheck> {
  let reader: ExportReader | undefined;
  try {
    reader = await resolved.definition.open(tf, folder, source);
    return await compare(tf, model, resolved, reader, rows);
  } catch (error) {
    if (isPerennialError(error)) throw error;
    throw new PerennialError(
      'MODEL_INVALID',
      `The model cannot be exported as "${resolved.name}": what was written cannot be read there (${firstSentence(messageOf(error))}).`,
      { hint: 'Export it in another format.', cause: error },
    );
  } finally {
    reader?.dispose();
  }
}

/** What the format knows nothing of: how rows become tensors, and what the tensors mean. */
function besides(
  preprocessor: Uint8Array,
  { besides: folder, name, summary }: ExportDefinition,
  signature: JsonObject,
  notes: readonly string[],
): Record<string, Uint8Array> {
  const at = (file: string): string => (folder === '' ? file : `${folder}/${file}`);
  const text = [
    `${name}: ${summary}`,
    '',
    'The model reads tensors, not the columns of the data. preprocessor.json says how columns become them',
    '(fitted transforms, in order), signature.json what each tensor and each output is.',
    '',
    ...notes,
    '',
  ].join('\n');
  return {
    [at('preprocessor.json')]: preprocessor,
    [at('signature.json')]: Buffer.from(`${JSON.stringify(signature, null, 2)}\n`),
    [at('README.txt')]: Buffer.from(text),
  };
}

/** Rows that model and export are both asked about. */
export interface ExportRows {
  readonly batch: TensorBatch;
  readonly rows: number;
  readonly source: 'test' | 'drawn';
}

async function testRows(inputs: readonly TensorSpec[], examples: OpenArtifact | undefined): Promise<ExportRows | undefined> {
  if (examples === undefined) return undefined;
  const { reader } = await openExamples(examples);
  const test = reader('test');
  try {
    const rows = Math.min(ROWS_MAX, test.rows);
    if (rows === 0) return undefined;
    const read = test.read(0, rows);
    // A generator reads noise, which no data have.
    if (inputs.some(({ name }) => read[name] === undefined)) return undefined;
    return { rows, source: 'test', batch: Object.fromEntries(inputs.map(({ name }) => [name, copied(read[name]!)])) };
  } finally {
    test.close();
  }
}

/** The reader's buffers may be used again. */
const copied = (tensor: Values): Values => ({ ...tensor, data: tensor.data.slice() });

/** Rows that are no data, the same each time: ids below the vocabulary, numbers around 0. */
function drawnRows(inputs: readonly TensorSpec[]): ExportRows {
  const rows = 64;
  const batch = Object.fromEntries(
    inputs.map((spec): [string, Values] => {
      const prng = new Prng(1, 'export', spec.name);
      const draw = spec.vocabularySize === undefined ? () => prng.normal() : () => Math.floor(prng.uniform() * spec.vocabularySize!);
      const values = Array.from({ length: rows * product(spec.shape) }, draw);
      return [spec.name, { spec, rows, data: spec.vocabularySize === undefined ? Float32Array.from(values) : Int32Array.from(values) }];
    }),
  );
  return { batch, rows, source: 'drawn' };
}

/** @throws EXPORT_DIFFERS */
async function compare(
  tf: Tf,
  source: ExportSource,
  { name, definition, config }: Resolved<ExportDefinition>,
  reader: ExportReader,
  { batch, rows, source: from }: ExportRows,
): Promise<ExportCheck> {
  const expected = expectedOutputs(tf, source, definition, batch, rows);
  const bound = definition.bound(config);
  const batches: number[] = [];
  let largest = 0;
  let same: number | null = null;
  for (let start = 0, turn = 0; start < rows; turn++) {
    const count = Math.min(turn < BATCHES.length ? BATCHES[turn]! : BATCHES.at(-1)!, rows - start);
    const outputs = await reader.run(slice(batch, start, count), count);
    for (const [output, { values, width, spread }] of Object.entries(expected)) {
      const own = values.subarray(start * width, (start + count) * width);
      const given = outputs[output];
      if (given?.length !== own.length)
        throw differs(name, `gives ${given?.length ?? 'no'} values of "${output}" for ${count} rows; expected were ${own.length}`);
      largest = Math.max(largest, difference(own, given, spread));
      if (source.meta.output.kind === 'classes' && width > 1) same = (same ?? 0) + sameTops(own, given, width);
    }
    if (!batches.includes(count)) batches.push(count);
    start += count;
  }
  const drawn = await reader.runRows?.();
  if (drawn !== undefined) {
    for (const [output, { values, spread }] of Object.entries(expectedOutputs(tf, source, definition, drawn.batch, drawn.rows)))
      largest = Math.max(largest, difference(values, drawn.outputs[output]!, spread));
  }
  const check = { rows, source: from, batches, largestDifference: largest, bound, sameClass: same === null ? null : same / rows };
  if (!(largest <= bound)) {
    throw differs(
      name,
      `differs from the model by ${largest.toPrecision(3)} on ${rows} ${from === 'test' ? 'rows of the test split' : 'drawn rows'}; up to ${bound} passes`,
      { check },
    );
  }
  return check;
}

function differs(format: string, problem: string, details: Record<string, unknown> = {}): PerennialError {
  return new PerennialError('EXPORT_DIFFERS', `The export "${format}", read again, ${problem}.`, { details });
}

interface Expected {
  readonly values: Float32Array;
  readonly width: number;
  readonly spread: number;
}

/** What the model itself gives, operation by operation: not by the trace that exports are made of. */
function expectedOutputs(
  tf: Tf,
  { meta, network, weights, name }: ExportSource,
  definition: ExportDefinition,
  batch: TensorBatch,
  rows: number,
): Record<string, Expected> {
  const parts: Record<string, Float32Array>[] = [];
  for (let start = 0; start < rows; start += BATCHES.at(-1)!) {
    const count = Math.min(BATCHES.at(-1)!, rows - start);
    tf.tidy(() => {
      const tensors = new Map(
        network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(weights.get(fullName)!, [...shape], 'float32') as Tensor]),
      );
      const { output } = network.forward(tf, network.inputTensors(tf, slice(batch, start, count)), tensors, {
        training: false,
        seed: 0,
        iteration: 0,
        logits: NO_LOGITS,
      });
      const outputs = definition.outputs(tf, { meta, network, weights, name }, output);
      parts.push(Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [key, (tensor.dataSync() as Float32Array).slice()])));
    });
  }
  return Object.fromEntries(
    Object.keys(parts[0]!).map((key) => {
      const values = new Float32Array(parts.reduce((length, part) => length + part[key]!.length, 0));
      let offset = 0;
      for (const part of parts) {
        values.set(part[key]!, offset);
        offset += part[key]!.length;
      }
      return [key, { values, width: values.length / rows, spread: deviation(values) }];
    }),
  );
}

function slice(batch: TensorBatch, start: number, count: number): TensorBatch {
  return Object.fromEntries(
    Object.entries(batch).map(([name, { spec, data }]) => {
      const width = product(spec.shape);
      return [name, { spec, rows: count, data: data.slice(start * width, (start + count) * width) }];
    }),
  );
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Largest of all, in units of the spread; NaN where one is no number and the other is. Values far from 0 are not finer than float32. */
function difference(expected: Float32Array, given: Float32Array, spread: number): number {
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const [a, b] = [expected[index]!, given[index]!];
    if (Object.is(a, b)) continue;
    const distance = Math.abs(a - b) / Math.max(1, spread, Math.abs(a) / 100);
    if (!(distance <= largest)) largest = distance;
    if (Number.isNaN(distance)) return NaN;
  }
  return largest;
}

function sameTops(a: Float32Array, b: Float32Array, width: number): number {
  const top = (values: Float32Array, row: number): number => {
    let best = 0;
    for (let index = 1; index < width; index++) if (values[row * width + index]! > values[row * width + best]!) best = index;
    return best;
  };
  let same = 0;
  for (let row = 0; row < a.length / width; row++) same += Number(top(a, row) === top(b, row));
  return same;
}
