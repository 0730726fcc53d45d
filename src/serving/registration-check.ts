import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import type { Row, Tensor, TensorBatch } from '../core/tensor.ts';
import { datasetMeta, readRows } from '../data/stored/dataset-rows.ts';
import { decode } from '../data/answers/decode.ts';
import { isLabel, openExamples } from '../data/stored/examples.ts';
import type { ExamplesReader } from '../data/stored/examples.ts';
import { DATA_LIMITS } from '../data/table/limits.ts';
import { preprocessorParts } from '../data/preprocess/preprocessor.ts';
import { fieldsOf, recordsOf } from '../data/reading/csv-layout.ts';
import { parseJson, writeJson } from '../data/reading/json-numbers.ts';
import type { DatasetMeta } from '../data/stored/dataset.ts';
import { sequenceOf } from '../evaluation/measure/score.ts';
import type { Sequence } from '../evaluation/measure/score.ts';
import type { CheckedRows, RegistrationCheck } from '../registry/types.ts';
import { openBundle } from '../training/bundle/load-model.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { RequestError } from './request-error.ts';
import { readRowsFile } from './rows-file.ts';
import type { Servable } from './servable.ts';
import { checkRows } from './source-rows.ts';
import { metaAs } from '../storage/stored.ts';

/**
 * Up to which an answer may differ, relative where it is above 1. float32 has 24 bits (6e-8); a sum of some thousand products that is
 * added up in another order, as other sizes of batches have it, differs by up to 1e-5, and recurrent layers let that grow. What a value
 * that was read differently does to an answer is far above.
 */
const BOUND = 1e-4;
/** The same for inputs, which no network has changed yet. Ids and pixels are whole and must be equal. */
const INPUT_BOUND = 1e-5;
/** Bytes of the inputs of all answers: images are large. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Test rows in the order of the split, as a client would send them. */
interface RawRows {
  readonly from: CheckedRows['from'];
  /** Place of each in the test split. */
  readonly positions: readonly number[];
  readonly ways: readonly { readonly way: string; readonly rows: readonly Row[] }[];
}

/** Rows that go into one request, and the examples that its answers belong to. */
interface Question {
  /** Among the raw rows. */
  readonly start: number;
  readonly rows: number;
  /** Answers before this one have no example in the test split. */
  readonly skip: number;
  /** Examples of the test split, one after the other. */
  readonly examples: readonly number[];
}

interface Difference {
  readonly way: string;
  /** Row that the answer belongs to, among the raw rows; the first of its window. */
  readonly at: number;
  readonly column?: string;
  /** Row of the window whose value differs. */
  readonly step?: number;
  readonly inputs?: readonly [number, number];
  readonly answers: readonly [unknown, unknown];
}

const notChecked = (why: string): RegistrationCheck => ({ notChecked: why });

/**
 * Sends raw rows of the test split to a model that is about to get a version, as clients will: as JSON, and as `predict --rows` reads
 * a file of them. The answers must be those that the evaluation judged, which come from the tensors that preprocessing made of the
 * same rows.
 *
 * @param name under which the model is to be registered
 * @throws REGISTRATION_DIFFERS naming rows, the column and both values
 */
export async function checkRegistration(artifacts: ArtifactStore, model: OpenArtifact, name: string): Promise<RegistrationCheck> {
  const meta = metaAs(model, MODEL);
  if (meta.output.kind === 'samples') return notChecked('a generator answers from noise, not from rows');
  if (meta.output.kind === 'text') return notChecked('a language model continues texts in many ways, none of which is the answer');
  const [dataset, examples] = [await openLeft(artifacts, meta.dataset), await openLeft(artifacts, meta.examples)];
  if (dataset === undefined || examples === undefined)
    return notChecked(
      `${dataset === undefined ? 'the dataset' : 'the examples'} of its training ${dataset === undefined ? 'is' : 'are'} no longer in the store`,
    );
  const rows = datasetMeta(dataset);
  if (rows.reading === undefined) return notChecked('its dataset was made by version 0.1.0, which did not say how its source was read');
  const opened = await openExamples(examples, ['test']);
  if (opened.meta.dataset !== dataset.ref.digest) return notChecked('its examples were made of another dataset than the one that it names');
  const preprocessor = await model.json<JsonObject>('preprocessor.json');
  const sequence = sequenceOf(preprocessor);
  const reader = opened.reader('test');
  try {
    if (reader.rows === 0 || rows.rows.test === 0) return notChecked('there are no test rows');
    if (sequence === undefined && reader.rows !== rows.rows.test)
      return notChecked(
        `${reader.rows} test examples were made of ${rows.rows.test} test rows, so that it is not known which belongs to which`,
      );
    const bundle = await openBundle(model);
    try {
      const servable: Servable = {
        model: name,
        version: 0,
        preprocessor: bundle.preprocessor,
        predictor: bundle.predictor,
        sourceColumns: bundle.profile.columns.map((column) => column.name),
      };
      return await compare(servable, preprocessor, dataset, reader, sequence);
    } finally {
      bundle.predictor.dispose();
    }
  } finally {
    reader.close();
  }
}

/** undefined where nobody says which, or it is gone. */
async function openLeft(artifacts: ArtifactStore, digest: string | undefined): Promise<OpenArtifact | undefined> {
  if (digest === undefined || digest === '') return undefined;
  try {
    return await artifacts.open({ digest });
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function compare(
  servable: Servable,
  preprocessor: JsonObject,
  dataset: OpenArtifact,
  reader: ExamplesReader,
  sequence: Sequence | undefined,
): Promise<RegistrationCheck> {
  const meta = datasetMeta(dataset);
  const answersMax = Math.max(1, Math.min(DATA_LIMITS.rawRowsMax, Math.floor(INPUT_BYTES_MAX / Math.max(1, reader.rowBytes))));
  const questionsAt = (positions: readonly number[]): Question[] =>
    questionsOf(positions, { sequence, rows: meta.rows.test, examples: reader.rows, answersMax });
  let raw = await rawRows(servable, dataset, meta);
  let questions = raw === undefined ? [] : questionsAt(raw.positions);
  if (raw === undefined || questions.length === 0) {
    raw = await datasetRows(dataset, meta, answersMax + (sequence === undefined ? 0 : sequence.size + sequence.horizon));
    questions = questionsAt(raw.positions);
  }
  if (questions.length === 0) return notChecked(`a window takes ${sequence?.size ?? 1} rows, and the test split has ${meta.rows.test}`);
  const { output } = servable.predictor.meta;
  const found: Difference[] = [];
  let largest = 0;
  let answers = 0;
  for (const question of questions) {
    const inputs = servable.preprocessor.inputs.map(({ name }) => name);
    const stored = inputsOf(reader.gather(Int32Array.from(question.examples)), inputs);
    const judged = await servable.predictor.predict(stored);
    answers += question.examples.length;
    for (const { way, rows } of raw.ways) {
      const asked = await sendRows(servable, rows, question, { way, positions: raw.positions, from: raw.from });
      const answered = asked.answers.subarray(question.skip * (judged.length / question.examples.length));
      const decoded = (values: Float32Array, count: number): unknown[] => decode(output, values, count);
      for (let at = 0; at < question.examples.length; at++) {
        const width = judged.length / question.examples.length;
        const difference = largestDifference(
          judged.subarray(at * width, (at + 1) * width),
          answered.subarray(at * width, (at + 1) * width),
        );
        if (!(difference <= largest)) largest = difference;
        const input = firstInput(preprocessor, stored, asked.tensors, at, question.skip + at);
        if (difference <= BOUND && input === undefined) continue;
        const both = [decoded(judged, question.examples.length)[at], decoded(answered, question.examples.length)[at]] as const;
        found.push({ way, at: question.start + question.skip + at, answers: both, ...input });
      }
    }
  }
  if (found.length > 0) throw await differs(found, raw, answers, largest, dataset);
  return { rows: answers, from: raw.from, ways: raw.ways.map(({ way }) => way), largestDifference: largest, bound: BOUND };
}

interface Places {
  readonly sequence: Sequence | undefined;
  /** Of the test split. */
  readonly rows: number;
  readonly examples: number;
  readonly answersMax: number;
}

function questionsOf(positions: readonly number[], { sequence, rows, examples, answersMax }: Places): Question[] {
  if (sequence === undefined) {
    const count = Math.min(positions.length, answersMax);
    // One row by itself and all others together: a request has any number of rows.
    return [
      [0, Math.min(1, count)],
      [1, count],
    ].flatMap(([from, to]) => (to! > from! ? [{ start: from!, rows: to! - from!, skip: 0, examples: positions.slice(from, to) }] : []));
  }
  const questions: Question[] = [];
  let left = answersMax;
  for (let start = 0; start < positions.length && left > 0;) {
    let end = start + 1;
    while (end < positions.length && positions[end] === positions[end - 1]! + 1) end++;
    const windows = Array.from(
      { length: Math.max(0, end - start - sequence.size + 1) },
      (_, at) => positions[start + at]! + sequence.size - 1 + sequence.horizon - (rows - examples),
    );
    const skip = windows.filter((example) => example < 0).length;
    const own = windows.filter((example) => example >= 0 && example < examples).slice(0, left);
    if (own.length > 0) questions.push({ start, rows: skip + own.length + sequence.size - 1, skip, examples: own });
    left -= own.length;
    start = end;
  }
  return questions;
}

/** The kept rows of the source; undefined where there are none. */
async function rawRows({ preprocessor }: Servable, dataset: OpenArtifact, meta: DatasetMeta): Promise<RawRows | undefined> {
  const { rawTest, reading } = meta;
  if (
    rawTest === undefined ||
    dataset.manifest.files[rawTest.file] === undefined ||
    preprocessor.columns.some(({ type }) => type === 'image')
  )
    return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'perennial-check-'));
  try {
    // The ending says the format.
    const path = join(folder, `rows${extname(rawTest.file)}`);
    await copyFile(await dataset.path(rawTest.file), path);
    const columns = Object.fromEntries(preprocessor.columns.map(({ name, type }) => [name, type]));
    const own = preprocessor.reading ?? reading;
    const rows = await readRowsFile(path, { columns, ...(own === undefined ? {} : { reading: own }) }).catch((error: unknown) => {
      if (!isPerennialError(error)) throw error;
      throw refused(`raw rows of the test split cannot be read as "predict --rows" does: ${error.message}`, error);
    });
    if (rows.length !== rawTest.positions.length)
      throw refused(`of ${rawTest.positions.length} raw rows of the test split, "predict --rows" reads ${rows.length}`);
    const { format } = meta.source;
    const ways = [
      {
        way:
          format === 'json' || format === 'ndjson'
            ? `as the objects of the ${format} file`
            : `as rows that were read from a ${String(format)} file`,
        rows,
      },
    ];
    if (format === 'csv') ways.push({ way: 'as the texts of their cells', rows: textRows(await readFile(path, 'utf8'), meta) });
    // Rows that were set aside after they had been kept.
    const left = <T>(items: readonly T[]): T[] => items.filter((_, index) => rawTest.positions[index]! >= 0);
    return { from: 'source', positions: left(rawTest.positions), ways: ways.map((each) => ({ ...each, rows: left(each.rows) })) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every cell as the text that it is. */
function textRows(text: string, { reading }: DatasetMeta): Row[] {
  const { delimiter, quote, header } = reading!.source as {
    readonly delimiter?: string;
    readonly quote?: string;
    readonly header?: boolean;
  };
  const records = [...recordsOf(text, quote ?? '"')].map((record) => fieldsOf(record.text, delimiter ?? ',', quote ?? '"'));
  const names = header === false ? records[0]!.map((_, index) => `column_${index + 1}`) : records[0]!;
  return records
    .slice(header === false ? 0 : 1)
    .map((fields) => Object.fromEntries(names.map((name, index) => [name, fields[index] ?? ''])));
}

/** Rows of the dataset: where a row of the source is a file, or the source has none of the test split among its first ones. */
async function datasetRows(dataset: OpenArtifact, meta: DatasetMeta, limit: number): Promise<RawRows> {
  const rows: Row[] = [];
  for await (const batch of readRows(dataset, 'test', { limit })) {
    for (const row of batch)
      rows.push(
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            value instanceof Uint8Array
              ? Buffer.from(value).toString('base64')
              : typeof value === 'number' && !Number.isFinite(value)
                ? String(value)
                : value,
          ]),
        ),
      );
  }
  return {
    from: 'dataset',
    positions: rows.map((_, index) => index),
    ways: [{ way: meta.columns.some(({ type }) => type === 'image') ? 'as JSON with images in base64' : 'as JSON', rows }],
  };
}

/**
 * A key that an object of the source lacks is a missing value. The server takes a row without any of the model's columns, or without
 * one that another looks like, for a mistake; who means it says null.
 */
function withNulls({ preprocessor, sourceColumns }: Servable, row: Row): Row {
  const names = preprocessor.columns.map(({ name }) => name);
  const absent = names.filter((name) => !Object.hasOwn(row, name));
  if (
    absent.length === 0 ||
    (absent.length < names.length && Object.keys(row).every((key) => names.includes(key) || sourceColumns.includes(key)))
  )
    return row;
  return { ...row, ...Object.fromEntries(absent.map((name) => [name, null])) };
}

/** As the server does it: the body is parsed, its rows are checked, and the network is asked. */
async function sendRows(
  { preprocessor, predictor, ...rest }: Servable,
  rows: readonly Row[],
  { start, rows: count }: Question,
  { way, positions, from }: { readonly way: string; readonly positions: readonly number[]; readonly from: string },
): Promise<{ readonly tensors: TensorBatch; readonly answers: Float32Array }> {
  const servable = { preprocessor, predictor, ...rest };
  const body = parseJson(writeJson({ rows: rows.slice(start, start + count).map((row) => withNulls(servable, row)) })) as {
    readonly rows: readonly unknown[];
  };
  try {
    const tensors = await preprocessor.apply(checkRows(servable, body.rows));
    return { tensors, answers: await predictor.predict(tensors) };
  } catch (error) {
    if (!(error instanceof RequestError) && !isPerennialError(error, 'DATA_INVALID')) throw error;
    throw refused(
      `raw rows of the test split are refused, sent ${way}: ${messageOf(error)} That request begins with row ${positions[start]} of the test split of the ${from}`,
      error,
    );
  }
}

const refused = (problem: string, cause?: unknown): PerennialError =>
  new PerennialError('REGISTRATION_DIFFERS', `Nothing is registered: ${problem}.`, cause === undefined ? {} : { cause });

const inputsOf = (batch: TensorBatch, names: readonly string[]): TensorBatch =>
  Object.fromEntries(Object.entries(batch).filter(([name]) => !isLabel(name) && names.includes(name)));

/** NaN where one is no number and the other is. */
function largestDifference(judged: Float32Array, answered: Float32Array): number {
  if (judged.length !== answered.length) return Number.NaN;
  let largest = 0;
  for (let at = 0; at < judged.length; at++) {
    const [a, b] = [judged[at]!, answered[at]!];
    if (Object.is(a, b)) continue;
    const distance = Math.abs(a - b) / Math.max(1, Math.abs(a));
    if (Number.isNaN(distance)) return Number.NaN;
    largest = Math.max(largest, distance);
  }
  return largest;
}

/** The first column whose values in the tensors of one row differ, with both values. */
function firstInput(
  preprocessor: JsonObject,
  stored: TensorBatch,
  asked: TensorBatch,
  storedRow: number,
  askedRow: number,
): Pick<Difference, 'column' | 'step' | 'inputs'> | undefined {
  const { columns } = preprocessorParts(preprocessor).parts;
  const offsets = new Map<string, number>();
  for (const { name, spec } of columns) {
    const width = spec.shape.reduce((product, size) => product * size, 1);
    const offset = offsets.get(spec.name) ?? 0;
    offsets.set(spec.name, offset + width);
    const own = columns
      .filter((column) => column.spec.name === spec.name)
      .reduce((sum, column) => sum + column.spec.shape.reduce((product, size) => product * size, 1), 0);
    const [a, b] = [rowOf(stored[spec.name]!, storedRow), rowOf(asked[spec.name]!, askedRow)];
    for (let step = 0; step < a.length / own; step++) {
      for (let at = step * own + offset; at < step * own + offset + width; at++) {
        const whole = stored[spec.name]!.spec.dtype !== 'float32';
        if (Math.abs(a[at]! - b[at]!) <= (whole ? 0 : INPUT_BOUND * Math.max(1, Math.abs(a[at]!)))) continue;
        return { column: name, step, inputs: [a[at]!, b[at]!] };
      }
    }
  }
  return undefined;
}

function rowOf({ data, rows }: Tensor, row: number): Tensor['data'] {
  const width = data.length / rows;
  return data.subarray(row * width, (row + 1) * width);
}

async function differs(
  found: readonly Difference[],
  raw: RawRows,
  answers: number,
  largest: number,
  dataset: OpenArtifact,
): Promise<PerennialError> {
  const [first] = [...found].sort((a, b) => a.at - b.at) as [Difference];
  const rows = new Set(found.map(({ at }) => at)).size;
  const {
    column,
    step = 0,
    inputs,
    way,
    answers: [judged, answered],
  } = first;
  const place = raw.positions[first.at + step]!;
  const sent = raw.ways.find((each) => each.way === way)!.rows[first.at + step]!;
  let why = 'its inputs are equal, so that the network itself answers differently';
  if (column !== undefined) {
    const trained = await valueOf(dataset, place, column);
    why = `of its column "${column}" ${shown(sent[column])} becomes ${inputs![1]}, and in training ${shown(trained)} became ${inputs![0]}`;
  }
  return new PerennialError(
    'REGISTRATION_DIFFERS',
    `Nothing is registered: ${rows} of ${answers} raw rows of the test split do not give what the evaluation judged (answers differ by up to ${largest.toPrecision(3)}; ${BOUND} passes). The first is row ${place} of the split, sent ${way}: ${why}. It is answered ${shown(answered)}; judged was ${shown(judged)}.`,
    {
      details: {
        rows: answers,
        differing: rows,
        firstRow: place,
        way,
        largestDifference: largest,
        ...(column === undefined ? {} : { column, judgedInput: inputs![0], givenInput: inputs![1] }),
      },
    },
  );
}

async function valueOf(dataset: OpenArtifact, row: number, column: string): Promise<unknown> {
  for await (const [found] of readRows(dataset, 'test', { offset: row, limit: 1 })) return found?.[column];
  return undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return 'the image';
  const text = writeJson(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
