import { mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isPerennialError } from '../../core/errors.ts';
import { openFile, readFileAs, readTable, withReadingPlace } from '../../data/reading/read-as.ts';
import type { SourceReading } from '../../data/stored/dataset.ts';
import { judgeWindow } from '../../monitoring/detect.ts';
import type { DriftOptions, JudgedWindow } from '../../monitoring/detect.ts';
import type { Before, Compared } from '../../monitoring/drift-checks/run-drift-check.ts';
import { measuredWindows } from '../../monitoring/measures/measured-images.ts';
import { judgeFileDrift } from '../../monitoring/model-drift.ts';
import { readCurrent } from '../../monitoring/read-current.ts';
import type { OpenTable } from '../../monitoring/read-current.ts';
import type { DriftReference } from '../../monitoring/reference.ts';
import { answerSome } from '../../scoring/answer-some.ts';
import type { SomeAnswers } from '../../scoring/answer-some.ts';
import { openSource } from '../../scoring/open-source.ts';
import type { RowsSource } from '../../scoring/open-source.ts';
import type { ScoredModel } from '../../scoring/score-task.ts';

/** Rows that the model answers, at most: more would hardly be told from them, and somebody waits. */
const ANSWERED_MAX = 10_000;
/** Rows whose images are measured and answered, at most: each is decoded. */
const PICTURES_MAX = 2_000;

/** A file of rows, or a folder of images, as two ways to read it. */
interface Current {
  readonly source: RowsSource;
  table<T>(): OpenTable<T>;
}

/**
 * Compares a file of rows, or a folder of images, with what a version was trained on: its columns, what is measured of its images, and what
 * the version answers to some of its rows.
 *
 * @param fetched the model with its files on this machine; asked for where something is asked of it
 * @param before windows of the same stream, newest first
 * @returns what was found, and what people should know of the file
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID; USAGE where nothing tells the format
 */
export async function judgeFile(
  reference: DriftReference,
  fetched: () => Promise<ScoredModel>,
  path: string,
  options: DriftOptions,
  before: Before,
): Promise<{ readonly compared: Compared; readonly notes: readonly string[] }> {
  const current = await openCurrent(path, reference.reading);
  const asked = await ask(reference, fetched, path, current.source);
  let notes: readonly string[] = [];
  const judgeInputs = async (rules: DriftOptions): Promise<JudgedWindow> => {
    const moments = new Set(
      Object.entries(rules.perColumn ?? {}).flatMap(([name, { measures = [] }]) => (measures.length > 0 ? [name] : [])),
    );
    const about = {
      moments,
      ...(asked.found === undefined ? {} : { measured: measuredWindows(asked.found.images) }),
      ...(current.source.origin === undefined ? {} : { origin: current.source.origin }),
    };
    const read = await readCurrent(current.table<JudgedWindow>(), reference.profile, about, (rows) => judgeWindow(reference, rows, rules));
    notes = read.notes;
    return read.result;
  };
  const predictions = reference.answers === undefined ? undefined : asked.found?.predictions;
  const compared = await judgeFileDrift(reference, judgeInputs, predictions, options, before);
  return { compared, notes: [...notes, ...asked.notes, ...someText(asked.found, compared.result.rows, reference)] };
}

async function openCurrent(path: string, reading: SourceReading | undefined): Promise<Current> {
  const folder = process.cwd();
  const found = await stat(resolve(folder, path)).catch(() => undefined);
  if (found?.isDirectory() !== true)
    return {
      source: {
        notes: [],
        open: async (db, workDir) => {
          await mkdir(workDir, { recursive: true });
          return openFile(path, folder, reading, { db, workDir });
        },
      },
      table: () => (columns, use) => readFileAs(path, folder, reading, columns, use),
    };
  const source = await openSource({ source: { path }, folder }, reading);
  return {
    source,
    table: () => (columns, use) =>
      withReadingPlace(async ({ db, workDir }) => readTable(await source.open(db, join(workDir, 'reading')), columns, use)),
  };
}

interface Asked {
  readonly found?: SomeAnswers;
  readonly notes: readonly string[];
}

/** Answers and images of some rows. Where the model cannot be asked, that is said, and the columns are compared all the same. */
async function ask(reference: DriftReference, fetched: () => Promise<ScoredModel>, path: string, source: RowsSource): Promise<Asked> {
  const images = reference.profile.columns.filter(({ name, type }) => type === 'image' && reference.columns.includes(name));
  const { answers, withoutAnswers } = reference;
  const why = answers === undefined && withoutAnswers !== undefined ? [withoutAnswers] : [];
  if (images.length === 0 && answers === undefined) return { notes: why };
  const rowsMax = images.length > 0 ? PICTURES_MAX : ANSWERED_MAX;
  const model = await fetched();
  try {
    const found = await answerSome({ model, source: { path }, folder: process.cwd() }, source, {
      rowsMax,
      answered: answers !== undefined,
    });
    return { found, notes: why };
  } catch (error) {
    // What is wrong with the file is told of by who reads its columns; a column that is gone is what is looked for.
    if (!isPerennialError(error, 'COLUMN_MISSING') && !isPerennialError(error, 'TENSORFLOW_MISSING')) throw error;
    return {
      notes: [`Answers${images.length === 0 ? '' : ' and images'} are not compared: the model cannot be asked, as ${error.message}`],
    };
  }
}

/** What the answers are to. */
function someText(found: SomeAnswers | undefined, rows: number, { answers }: DriftReference): string[] {
  if (found === undefined) return [];
  const { refused } = found;
  const what = [...(answers === undefined ? [] : ['answered']), ...(found.images.size === 0 ? [] : ['measured'])].join(' and ');
  const count = (number: number): string => number.toLocaleString('en');
  return [
    ...(found.rows < rows ? [`Of ${count(rows)} rows ${count(found.rows)} were ${what}.`] : []),
    ...(refused === 0 ? [] : [`${count(refused)} of ${count(found.rows)} rows cannot be answered, and count for the columns alone.`]),
  ];
}
