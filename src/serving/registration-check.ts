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
import { preprocessorParts } from '../data/preprocess/preprocessor-json.ts';
import { fieldsOf, recordsOf } from '../data/reading/csv-layout.ts';
import { pauses } from '../platform/pauses.ts';
import { parseJson, writeJson } from '../data/reading/json-numbers.ts';
import { SPLITS } from '../data/stored/dataset.ts';
import type { DatasetMeta, SourceReading, Split } from '../data/stored/dataset.ts';
import { sequenceOf } from '../evaluation/measure/score.ts';
import type { Sequence } from '../evaluation/measure/score.ts';
import { readSeriesRows } from '../evaluation/rows/series-rows.ts';
import type { WantedWindow } from '../evaluation/rows/series-rows.ts';
import type { CheckedRows, RegistrationCheck } from '../registry/types.ts';
import { openBundle } from '../training/bundle/load-model.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { questionsOfRows, questionsOfWindows } from './check-questions.ts';
import type { Question } from './check-questions.ts';
import { RequestError } from './request-error.ts';
import { readRowsFile } from './rows-file.ts';
import type { Servable } from './servable.ts';
import { checkRows } from './source-rows.ts';
import { wireForms } from './wire-forms.ts';
import type { WireForm } from './wire-forms.ts';
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

/** Rows that are sent instead of those of the source, where examples are windows: each of some takes several. */
const WINDOW_ROWS_MAX = 2_000;

/** How long other work of the worker waits for answers to be compared, in milliseconds. */
const TURN_MS = 20;

/** Test rows in the order of the split, as a client would send them. */
interface RawRows {
  readonly from: CheckedRows['from'];
  /** Of each its place among the rows of all splits. */
  readonly places: readonly number[];
  readonly ways: readonly { readonly way: string; readonly rows: readonly Row[] }[];
}

interface Difference {
  readonly way: string;
  /** Row that the answer is of, among the raw rows. */
  readonly answer: number;
  /** Row whose value differs, where one does. */
  readonly at: number;
  /** There is no answer. */
  readonly unanswered?: true;
  readonly column?: string;
  readonly inputs?: readonly [number, number];
  readonly answers: readonly [unknown, unknown];
}

const notChecked = (why: string): { readonly notChecked: string } => ({ notChecked: why });

/**
 * Sends raw rows of the test split to a model that is about to get a version, as clients will: as `predict --rows` reads a file of them,
 * and in every form in which JSON can hold their values. The answers must be those that the evaluation judged, which come from the
 * tensors that preprocessing made of the
 * same rows.
 *
 * @param name under which the model is to be registered
 * @throws REGISTRATION_DIFFERS naming rows, the column and both values
 */
export async function checkRegistration(artifacts: ArtifactStore, model: OpenArtifact, name: string): Promise<RegistrationCheck> {
  return withJudged(artifacts, model, name, ({ servable, preprocessor, dataset, reader, sequence }) =>
    compare(servable, preprocessor, dataset, reader, sequence),
  );
}

/** What a client sends for one answer, and the answer that was judged. */
export interface JudgedQuestion {
  /** As JSON can hold them; of a model of series the rows of one window. */
  readonly rows: readonly Row[];
  readonly answer: unknown;
}

/** Test rows as a client would send them, at most so many answers; or why there are none. */
export async function judgedQuestions(
  artifacts: ArtifactStore,
  model: OpenArtifact,
  name: string,
  answersMax: number,
): Promise<readonly JudgedQuestion[] | { readonly notChecked: string }> {
  return withJudged(artifacts, model, name, async ({ servable, dataset, reader, sequence }) => {
    const asked = await (sequence === undefined
      ? rowQuestions(servable, dataset, answersMax)
      : windowQuestions(servable, dataset, sequence, answersMax, reader.rows));
    if (asked === undefined) return { notChecked: 'there is no window in the test split' };
    const { output } = servable.predictor.meta;
    const { rows } = asked.raw.ways[0]!;
    const found: JudgedQuestion[] = [];
    for (const question of asked.questions) {
      const stored = inputsOf(
        reader.gather(Int32Array.from(question.answers, ({ example }) => example)),
        servable.preprocessor.inputs.map((input) => input.name),
      );
      const judged = await servable.predictor.predict(stored);
      const answers = decode(output, judged, question.answers.length);
      question.answers.forEach(({ rows: own }, at) =>
        found.push({ rows: own.map((row) => withNulls(servable, rows[question.rows[row]!]!)), answer: answers[at] }),
      );
    }
    return found;
  });
}

/** A model beside the test rows that it was judged on. */
interface JudgedModel {
  readonly servable: Servable;
  readonly preprocessor: JsonObject;
  readonly dataset: OpenArtifact;
  readonly reader: ExamplesReader;
  readonly sequence: Sequence | undefined;
}

async function withJudged<T>(
  artifacts: ArtifactStore,
  model: OpenArtifact,
  name: string,
  use: (judged: JudgedModel) => Promise<T>,
): Promise<T | { readonly notChecked: string }> {
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
      return await use({ servable, preprocessor, dataset, reader, sequence });
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
  const answersMax = Math.max(1, Math.min(DATA_LIMITS.rawRowsMax, Math.floor(INPUT_BYTES_MAX / Math.max(1, reader.rowBytes))));
  const asked =
    sequence === undefined
      ? await rowQuestions(servable, dataset, answersMax)
      : await windowQuestions(servable, dataset, sequence, answersMax, reader.rows);
  if (asked === undefined) return notChecked('there is no window in the test split');
  const { raw, questions } = asked;
  const { output } = servable.predictor.meta;
  const found: Difference[] = [];
  const places = columnPlaces(preprocessor);
  const pause = pauses(undefined, TURN_MS);
  let largest = 0;
  let answers = 0;
  for (const question of questions) {
    const inputs = servable.preprocessor.inputs.map(({ name }) => name);
    const stored = inputsOf(reader.gather(Int32Array.from(question.answers, ({ example }) => example)), inputs);
    const judged = await servable.predictor.predict(stored);
    answers += question.answers.length;
    const width = judged.length / question.answers.length;
    for (const { way, rows } of raw.ways) {
      const asked = await sendRows(servable, rows, question, {
        way,
        from: raw.from,
        first: placeText(dataset, raw.places[question.rows[0]!]!),
      });
      for (const [at, { row, rows: own }] of question.answers.entries()) {
        await pause();
        const decoded = (values: Float32Array, index: number): unknown =>
          decode(output, values.subarray(index * width, (index + 1) * width), 1)[0];
        const index = asked.ends === undefined ? row : asked.ends.indexOf(row);
        const last = question.rows[row]!;
        if (index === -1) {
          largest = Number.NaN;
          found.push({ way, answer: last, at: last, unanswered: true, answers: [decoded(judged, at), undefined] });
          continue;
        }
        const difference = largestDifference(
          judged.subarray(at * width, (at + 1) * width),
          asked.answers.subarray(index * width, (index + 1) * width),
        );
        if (!(difference <= largest)) largest = difference;
        const input = firstInput(places, stored, asked.tensors, at, index);
        if (difference <= BOUND && input === undefined) continue;
        found.push({
          way,
          answer: last,
          at: input === undefined ? last : question.rows[own[input.step]!]!,
          answers: [decoded(judged, at), decoded(asked.answers, index)],
          ...(input === undefined ? {} : { column: input.column, inputs: input.inputs }),
        });
      }
    }
  }
  if (found.length > 0) throw await differs(found, raw, answers, largest, dataset);
  return { rows: answers, from: raw.from, ways: raw.ways.map(({ way }) => way), largestDifference: largest, bound: BOUND };
}

interface Asked {
  readonly raw: RawRows;
  readonly questions: readonly Question[];
}

async function rowQuestions(servable: Servable, dataset: OpenArtifact, answersMax: number): Promise<Asked | undefined> {
  const meta = datasetMeta(dataset);
  const before = meta.rows.train + meta.rows.validation;
  let raw = await rawRows(servable, dataset, meta);
  if (raw === undefined || raw.places.length === 0)
    raw = await datasetRows(
      dataset,
      Array.from({ length: Math.min(answersMax, meta.rows.test) }, (_, row) => before + row),
    );
  const questions = questionsOfRows(
    raw.places.map((place) => place - before),
    answersMax,
  );
  return questions.length === 0 ? undefined : { raw, questions };
}

/**
 * Which windows there are say the rules that cut them for the training: of several series, over gaps and rows that were set aside.
 * Asked are those whose rows were all kept as the source had them, or else some of the dataset.
 *
 * @throws REGISTRATION_DIFFERS where the rows hold other windows than were judged
 */
async function windowQuestions(
  servable: Servable,
  dataset: OpenArtifact,
  sequence: Sequence,
  answersMax: number,
  examples: number,
): Promise<Asked | undefined> {
  const windowsOf = async (wanted: WantedWindow): Promise<ReadonlyMap<number, Int32Array>> => {
    const { targets, windows } = await readSeriesRows(dataset, sequence, [], 0, { wanted });
    if (targets.length !== examples)
      throw refused(`${examples} windows of the test split were judged, and its rows hold ${targets.length}`);
    return windows;
  };
  const raw = await rawRows(servable, dataset, datasetMeta(dataset));
  if (raw !== undefined) {
    const held = new Set(raw.places);
    const windows = await windowsOf((places, kept) => kept < answersMax && places.every((place) => held.has(place)));
    if (windows.size > 0) return { raw, questions: questionsOfWindows(windows, raw.places) };
  }
  const some = Math.max(1, Math.min(answersMax, Math.floor(WINDOW_ROWS_MAX / sequence.size)));
  const windows = await windowsOf((_, kept) => kept < some);
  if (windows.size === 0) return undefined;
  const rows = await datasetRows(
    dataset,
    [...new Set([...windows.values()].flatMap((places) => [...places]))].sort((a, b) => a - b),
  );
  return { raw: rows, questions: questionsOfWindows(windows, rows.places) };
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
    const own = withoutSkip(preprocessor.reading ?? reading);
    const rows = await readRowsFile(path, { columns, ...(own === undefined ? {} : { reading: own }) }).catch((error: unknown) => {
      if (!isPerennialError(error)) throw error;
      throw refused(`raw rows of the test split cannot be read as "predict --rows" does: ${error.message}`, error);
    });
    if (rows.length !== rawTest.positions.length)
      throw refused(`of ${rawTest.positions.length} raw rows of the test split, "predict --rows" reads ${rows.length}`);
    const { format } = meta.source;
    const ways: WireForm[] = [
      {
        way:
          format === 'json' || format === 'ndjson'
            ? `as the objects of the ${format} file`
            : `as rows that were read from a ${String(format)} file`,
        rows,
      },
    ];
    const texts = format === 'csv' ? textRows(await readFile(path, 'utf8'), meta) : undefined;
    if (texts !== undefined) ways.push({ way: 'as the texts of their cells', rows: texts });
    const known = preprocessor.columns.map((column) => ({ ...reading?.columns.find(({ name }) => name === column.name), ...column }));
    ways.push(...wireForms(rows, texts, known));
    // Rows that were set aside after they had been kept.
    const left = <T>(items: readonly T[]): T[] => items.filter((_, index) => rawTest.positions[index]! >= 0);
    const before = meta.rows.train + meta.rows.validation;
    return {
      from: 'source',
      places: left(rawTest.positions).map((position) => before + position),
      ways: ways.map((each) => ({ ...each, rows: left(each.rows) })),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The kept rows stand in a file of their own, without what stood before them. */
function withoutSkip(reading: SourceReading | undefined): SourceReading | undefined {
  if (reading === undefined) return undefined;
  const { skip: _skip, ...source } = reading.source;
  return { ...reading, source };
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

/**
 * Rows of the dataset: where a row of the source is a file, or the source has none of the test split among its first ones.
 *
 * @param places among the rows of all splits, rising
 */
async function datasetRows(dataset: OpenArtifact, places: readonly number[]): Promise<RawRows> {
  const meta = datasetMeta(dataset);
  const wanted = new Set(places);
  const rows: Row[] = [];
  let before = 0;
  for (const split of SPLITS) {
    const own = places.filter((place) => place >= before && place < before + meta.rows[split]);
    if (own.length > 0) {
      let place = own[0]!;
      for await (const batch of readRows(dataset, split, { offset: place - before, limit: own.at(-1)! - place + 1 }))
        for (const row of batch) if (wanted.has(place++)) rows.push(asJson(row));
    }
    before += meta.rows[split];
  }
  return {
    from: 'dataset',
    places,
    ways: [{ way: meta.columns.some(({ type }) => type === 'image') ? 'as JSON with images in base64' : 'as JSON', rows }],
  };
}

/** Images as base64; JSON has no infinities. */
function asJson(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array
        ? Buffer.from(value).toString('base64')
        : typeof value === 'number' && !Number.isFinite(value)
          ? String(value)
          : value,
    ]),
  );
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

/** As the server does it: the body is parsed, its rows are checked, and the network is asked. @returns with the last rows of windows */
async function sendRows(
  servable: Servable,
  rows: readonly Row[],
  question: Question,
  { way, first, from }: { readonly way: string; readonly first: string; readonly from: string },
): Promise<{ readonly tensors: TensorBatch; readonly answers: Float32Array; readonly ends?: Int32Array }> {
  const { preprocessor, predictor } = servable;
  const body = parseJson(writeJson({ rows: question.rows.map((row) => withNulls(servable, rows[row]!)) })) as {
    readonly rows: readonly unknown[];
  };
  try {
    const checked = checkRows(servable, body.rows);
    if (preprocessor.series === undefined) {
      const tensors = await preprocessor.apply(checked);
      return { tensors, answers: await predictor.predict(tensors) };
    }
    const { tensors, ends } = await preprocessor.series.windows(checked);
    return { tensors, ends, answers: await predictor.predict(tensors) };
  } catch (error) {
    if (!(error instanceof RequestError) && !isPerennialError(error, 'DATA_INVALID')) throw error;
    throw refused(
      `raw rows of the test split are refused, sent ${way}: ${messageOf(error)} That request begins with ${first} of the ${from}`,
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
  places: readonly ColumnPlace[],
  stored: TensorBatch,
  asked: TensorBatch,
  storedRow: number,
  askedRow: number,
): { readonly column: string; readonly step: number; readonly inputs: readonly [number, number] } | undefined {
  for (const { column, input, offset, width, own } of places) {
    const { spec } = stored[input]!;
    const [a, b] = [rowOf(stored[input]!, storedRow), rowOf(asked[input]!, askedRow)];
    const whole = spec.dtype !== 'float32';
    for (let step = 0; step < a.length / own; step++) {
      for (let at = step * own + offset; at < step * own + offset + width; at++) {
        if (Math.abs(a[at]! - b[at]!) <= (whole ? 0 : INPUT_BOUND * Math.max(1, Math.abs(a[at]!)))) continue;
        return { column, step, inputs: [a[at]!, b[at]!] };
      }
    }
  }
  return undefined;
}

/** Where a column stands in a row of an input, which has `own` values at every step. */
interface ColumnPlace {
  readonly column: string;
  readonly input: string;
  readonly offset: number;
  readonly width: number;
  readonly own: number;
}

/** Once for all rows: what it costs for each of thousands of columns must not grow with the others. */
function columnPlaces(preprocessor: JsonObject): ColumnPlace[] {
  const widths = new Map<string, number>();
  const placed = preprocessorParts(preprocessor).parts.columns.map(({ name: column, spec: { name: input, shape } }) => {
    const offset = widths.get(input) ?? 0;
    const width = shape.reduce((product, size) => product * size, 1);
    widths.set(input, offset + width);
    return { column, input, offset, width };
  });
  return placed.map((place) => ({ ...place, own: widths.get(place.input)! }));
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
  const rows = new Set(found.map(({ answer }) => answer)).size;
  const {
    column,
    inputs,
    way,
    unanswered,
    answers: [judged, answered],
  } = first;
  const place = raw.places[first.at]!;
  const sent = raw.ways.find((each) => each.way === way)!.rows[first.at]!;
  let why =
    unanswered === true
      ? 'the server makes no window of it and the rows before it, and the training did'
      : 'its inputs are equal, so that the network itself answers differently';
  if (column !== undefined) {
    const trained = await valueOf(dataset, place, column);
    why = `of its column "${column}" ${shown(sent[column])} becomes ${inputs![1]}, and in training ${shown(trained)} became ${inputs![0]}`;
  }
  return new PerennialError(
    'REGISTRATION_DIFFERS',
    `Nothing is registered: ${rows} of ${answers} raw rows of the test split do not give what the evaluation judged (answers differ by up to ${largest.toPrecision(3)}; ${BOUND} passes). The first is ${placeText(dataset, place)}, sent ${way}: ${why}. It is answered ${shown(answered)}; judged was ${shown(judged)}.`,
    {
      details: {
        rows: answers,
        differing: rows,
        firstRow: inSplit(dataset, place).row,
        way,
        largestDifference: largest,
        ...(column === undefined ? {} : { column, judgedInput: inputs![0], givenInput: inputs![1] }),
      },
    },
  );
}

async function valueOf(dataset: OpenArtifact, place: number, column: string): Promise<unknown> {
  const { split, row } = inSplit(dataset, place);
  for await (const [found] of readRows(dataset, split, { offset: row, limit: 1 })) return found?.[column];
  return undefined;
}

/** Where a row of all splits is. */
function inSplit(dataset: OpenArtifact, place: number): { readonly split: Split; readonly row: number } {
  const { train, validation } = datasetMeta(dataset).rows;
  if (place >= train + validation) return { split: 'test', row: place - train - validation };
  return place >= train ? { split: 'validation', row: place - train } : { split: 'train', row: place };
}

function placeText(dataset: OpenArtifact, place: number): string {
  const { split, row } = inSplit(dataset, place);
  return `row ${row} of the ${split} split`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return 'the image';
  const text = writeJson(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
