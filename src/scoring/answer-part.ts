import { createWriteStream } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { PerennialError } from '../core/errors.ts';
import { writeJson } from '../data/reading/json-numbers.ts';
import { ident, literal } from '../data/table/duckdb.ts';
import type { Database } from '../data/table/duckdb.ts';
import type { Servable } from '../serving/servable.ts';
import { sha256File } from '../storage/digest.ts';
import { answerColumns, answerValues } from '../data/answers/answer-columns.ts';
import type { AnswerColumn, AnswerValues } from '../data/answers/answer-columns.ts';
import { BatchAnswerer } from './answer-batch.ts';
import { answerList } from './answer-list.ts';
import { placesAt, rangeSql, readBatches, rowsAt } from './part-batches.ts';
import type { PartOrder, ScorerJob } from './protocol.ts';
import { ANSWERS_ENDING, partName } from './score-task.ts';
import type { PartRecord } from './score-task.ts';

/** Values of all windows of a batch: 32 MB. */
const WINDOW_VALUES_MAX = 2 ** 23;

/** A stream of rows ends where its connection is asked for something else. */
export interface Connections {
  readonly read: Database;
  readonly write: Database;
}

/** Answers parts of a snapshot, one after the other; of a model of series in their order. */
export class PartScorer {
  readonly #servable: Servable;
  readonly #job: ScorerJob;
  readonly #answerer: BatchAnswerer;
  readonly #columns: readonly AnswerColumn[];
  readonly #rowsAtOnce: number;

  constructor(servable: Servable, job: ScorerJob) {
    this.#servable = servable;
    this.#job = job;
    this.#answerer = new BatchAnswerer(servable, job.rows);
    const { meta } = servable.predictor;
    this.#columns = answerColumns(
      meta.output,
      meta.outputShape.reduce((product, size) => product * size, 1),
    );
    const values = servable.preprocessor.inputs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    this.#rowsAtOnce = Math.max(64, Math.min(8_192, Math.floor(WINDOW_VALUES_MAX / values)));
  }

  /** Only what windows of later parts reach back over. */
  async follow({ read, write }: Connections, order: PartOrder): Promise<void> {
    for await (const batch of this.#batches(read, order)) await this.#answerer.answer(batch, this.#rowsOf(write, batch.firstRow), false);
  }

  /** Writes the answers of a part, then the rows that were set aside, then the record that says that both are whole. */
  async score({ read, write: db }: Connections, order: PartOrder, onRows: (rows: number) => void): Promise<PartRecord> {
    const { output } = this.#servable.predictor.meta;
    await db.run(
      `CREATE OR REPLACE TEMP TABLE answers (${['r DOUBLE', ...this.#columns.map((column, index) => `a${index} ${typeSql(column)}`)].join(', ')})`,
    );
    const refused = new Map<number, string>();
    let answered = 0;
    let seen = 0;
    for await (const batch of this.#batches(read, order)) {
      const { values, ends, refused: bad } = await this.#answerer.answer(batch, this.#rowsOf(db, batch.firstRow));
      for (const [place, reason] of bad) refused.set(batch.firstRow + place, reason);
      if (ends.length > 0) {
        const columns: AnswerValues[] = answerValues(output, values, ends.length);
        await db.append('answers', [Float64Array.from(ends, (end) => batch.firstRow + end), ...columns], ends.length);
        answered += ends.length;
      }
      seen += batch.rows;
      onRows(batch.rows);
    }
    if (seen !== order.rows)
      throw new PerennialError('INTERNAL', `Part ${order.part} has ${order.rows} rows, and ${seen} of them were read.`);
    const files = { [`${partName(order.part)}${ANSWERS_ENDING[this.#job.format]}`]: await this.#writeAnswers(db, order, answered) };
    if (refused.size > 0) files[`${partName(order.part)}.aside.ndjson`] = await this.#writeAside(db, order, refused);
    const record: PartRecord = { formatVersion: 1, part: order.part, rows: order.rows, answered, aside: refused.size, files };
    await this.#whole(`${partName(order.part)}.json`, (path) => writeFile(path, JSON.stringify(record)));
    return record;
  }

  #batches(db: Database, order: PartOrder): ReturnType<typeof readBatches> {
    return readBatches(db, this.#job.place, this.#servable.preprocessor.columns, order, this.#rowsAtOnce);
  }

  #rowsOf(db: Database, firstRow: number) {
    return async (places: readonly number[]) => {
      const found = await rowsAt(
        db,
        this.#job.place,
        this.#servable.preprocessor.columns,
        places.map((place) => firstRow + place),
      );
      return new Map([...found].map(([row, values]) => [row - firstRow, values]));
    };
  }

  async #writeAnswers(db: Database, order: PartOrder, answered: number): Promise<PartRecord['files'][string]> {
    const { format, kept, prefix, place } = this.#job;
    const sorted = place.snapshot.sorted === true;
    const list = answerList({ columns: this.#columns, kept, prefix, format, sorted }).map(({ name, sql }) => `${sql} AS ${ident(name)}`);
    const range = rangeSql(place, order);
    // Where each row has an answer they stand side by side: nothing is looked up and sorted.
    const rows =
      kept.length === 0 && !sorted
        ? 'answers a'
        : answered === order.rows
          ? `answers a POSITIONAL JOIN ${range} s`
          : `answers a JOIN ${range} s ON s.file_row_number = CAST(a.r AS BIGINT) ORDER BY a.r`;
    // Probabilities hardly repeat: lists of their values are given up early.
    const options = {
      parquet: 'FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000',
      csv: 'FORMAT csv, HEADER false',
      ndjson: 'FORMAT json',
    }[format];
    return this.#whole(`${partName(order.part)}${ANSWERS_ENDING[format]}`, (path) =>
      db.run(`COPY (SELECT ${list.join(', ')} FROM ${rows}) TO ${literal(path)} (${options})`),
    );
  }

  async #writeAside(db: Database, order: PartOrder, refused: ReadonlyMap<number, string>): Promise<PartRecord['files'][string]> {
    const numbers = [...refused.keys()].sort((a, b) => a - b);
    return this.#whole(`${partName(order.part)}.aside.ndjson`, async (path) => {
      const file = createWriteStream(path);
      const failed = once(file, 'error').then(([error]) => Promise.reject(error as Error));
      failed.catch(() => undefined);
      for (let start = 0; start < numbers.length; start += 1_000) {
        const some = numbers.slice(start, start + 1_000);
        const rows = await rowsAt(db, this.#job.place, this.#servable.preprocessor.columns, some);
        const places = this.#job.place.snapshot.sorted === true ? await placesAt(db, this.#job.place, some) : undefined;
        const text = some
          .map((row) => `${writeJson({ row: places?.get(row) ?? row, error: refused.get(row), values: rows.get(row) ?? null })}\n`)
          .join('');
        if (!file.write(text)) await Promise.race([once(file, 'drain'), failed]);
      }
      file.end();
      await Promise.race([once(file, 'close'), failed]);
    });
  }

  /** A file that appears whole. */
  async #whole(name: string, write: (path: string) => Promise<void>): Promise<PartRecord['files'][string]> {
    const path = join(this.#job.partsDir, name);
    await write(`${path}.part`);
    const [{ size }, digest] = await Promise.all([stat(`${path}.part`), sha256File(`${path}.part`)]);
    await rename(`${path}.part`, path);
    return { digest, size };
  }
}

function typeSql({ type, texts }: AnswerColumn): string {
  if (texts !== undefined || type === 'boolean' || type === 'integer') return 'INTEGER';
  return type === 'number' ? 'DOUBLE' : 'VARCHAR';
}
