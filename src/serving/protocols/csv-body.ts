import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPerennialError } from '../../core/errors.ts';
import type { PerennialError } from '../../core/errors.ts';
import type { Row } from '../../core/tensor.ts';
import { DATA_LIMITS } from '../../data/table/limits.ts';
import type { AskOptions, InferenceService } from '../inference.ts';
import { SERVING_LIMITS } from '../limits.ts';
import { RequestError, toRequestError } from '../request-error.ts';
import type { Target } from '../router.ts';
import { readEveryRow } from '../rows-file.ts';
import type { EveryRow } from '../rows-file.ts';
import type { Answer, Servable } from '../servable.ts';
import { UnreadableRow } from '../source-rows.ts';

/** A table as a version reads it: its rows, with those that cannot be read in their places. */
interface BodyTable {
  readonly rows: readonly (Row | UnreadableRow)[];
  /** Where the rows are read one by one: says what is wrong with the table as a whole. */
  readonly malformed?: RequestError;
  /** From 1 on, of each row. */
  readonly lines?: readonly number[];
}

/** A body that is a table of CSV. */
export class CsvBody {
  readonly #bytes: Buffer;
  /** A rollout asks for the same table more than once. */
  readonly #read = new WeakMap<Servable['preprocessor'], Promise<BodyTable>>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * The answer to its rows, read as the source of the version that answers was read.
   *
   * @param partial rows that cannot be read or answered are set aside; `row` counts the records behind the header
   * @throws RequestError with the line of the row that it is about
   */
  async ask(service: InferenceService, target: Target, id: string, options: AskOptions, partial: boolean): Promise<CsvAnswer> {
    let table: BodyTable | undefined;
    const lineOf = (row: number | undefined): number | undefined => (row === undefined ? undefined : table?.lines?.[row]);
    try {
      const answer = await service.ask(
        target,
        id,
        async (servable) => {
          table = await this.#tableOf(servable);
          const { rows, malformed } = table;
          if (malformed !== undefined && (!partial || rows.length === 0)) throw malformed;
          return { rows, placed: true, ...(partial ? { partial } : {}) };
        },
        options,
      );
      const refused = answer.refused?.map(({ row, error }) => {
        const line = lineOf(row);
        return { row, ...(line === undefined ? {} : { line }), error };
      });
      return { ...answer, ...(refused === undefined ? {} : { refused }) };
    } catch (error) {
      const { status, message, facts } = toRequestError(error, id);
      const line = lineOf(facts.row);
      if (line === undefined) throw error;
      throw new RequestError(status, `${message.replace(/\.$/, '')} (line ${line} of the CSV).`, facts);
    }
  }

  #tableOf(servable: Servable): Promise<BodyTable> {
    const { preprocessor } = servable;
    const known = this.#read.get(preprocessor);
    if (known !== undefined) return known;
    const table = this.#readAs(servable);
    this.#read.set(preprocessor, table);
    return table;
  }

  /** @throws RequestError 400, 413 */
  async #readAs({ preprocessor }: Servable): Promise<BodyTable> {
    requireFewColumns(this.#bytes);
    // The readers of tables read files, whatever carries them.
    let folder: string | undefined;
    const refusal = ({ message }: PerennialError): RequestError =>
      new RequestError(
        400,
        message
          .replaceAll(`${folder}/`, '')
          .replaceAll(FILE_NAME, 'the CSV')
          .replace(/^the CSV/, 'The CSV'),
      );
    try {
      folder = await mkdtemp(join(tmpdir(), 'perennial-csv-'));
      const path = join(folder, FILE_NAME);
      await writeFile(path, this.#bytes);
      const found = await readEveryRow(
        path,
        {
          columns: Object.fromEntries(preprocessor.columns.map(({ name, type }) => [name, type])),
          ...(preprocessor.reading === undefined ? {} : { reading: preprocessor.reading }),
        },
        SERVING_LIMITS.rowsMax,
      );
      if (found.isCut === true)
        throw new RequestError(
          413,
          `More than ${SERVING_LIMITS.rowsMax} rows in one request; at most ${SERVING_LIMITS.rowsMax} are allowed. Send several requests.`,
        );
      return tableOf(found, refusal);
    } catch (error) {
      if (isPerennialError(error)) throw refusal(error);
      if (NO_ROOM.has((error as NodeJS.ErrnoException).code ?? ''))
        throw new RequestError(503, 'The server has no room left on its disk to read a table from. Send JSON, or try again later.', {
          retryAfter: 10,
        });
      throw error;
    } finally {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Of a line in the part in which the reader looks for the header, whatever divides it. @throws RequestError 413 */
function requireFewColumns(bytes: Buffer): void {
  let delimiters = 0;
  let quoted = false;
  for (const byte of bytes.subarray(0, DATA_LIMITS.headBytes)) {
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === LINE_FEED) delimiters = 0;
    else if (DELIMITERS.has(byte)) delimiters += 1;
    if (delimiters >= SERVING_LIMITS.csvColumnsMax)
      throw new RequestError(
        413,
        `The CSV has more than ${SERVING_LIMITS.csvColumnsMax} columns. Those that the model does not read can be left out.`,
      );
  }
}

const [QUOTE, LINE_FEED] = [34, 10];
const DELIMITERS: ReadonlySet<number> = new Set([...',;|\t'].map((one) => one.charCodeAt(0)));

/** A body is a file to the reader alone: messages call it what it is to a client. */
const FILE_NAME = 'rows-of-a-request.csv';

/** What a disk that is full, or may only be read, says. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** The line of each row that was set aside, where that is known. */
export interface CsvAnswer extends Answer {
  readonly refused?: readonly { readonly row: number; readonly line?: number; readonly error: string }[];
}

/** Malformed lines between the rows where they stand; without a place for each of them there are none at all. */
function tableOf({ rows, lines, malformed, malformedLines = [] }: EveryRow, refusal: (error: PerennialError) => RequestError): BodyTable {
  const readable = rows.map((row) => (isPerennialError(row) ? new UnreadableRow(refusal(row).message) : row));
  if (malformed === undefined) return { rows: readable, ...(lines === undefined ? {} : { lines }) };
  const broken = new Map(malformedLines.map(({ line, reason }) => [line, reason]));
  const placed = lines?.filter((line) => broken.has(line)).length === broken.size && broken.size === malformedLines.length;
  if (!placed) return { rows: [], malformed: refusal(malformed) };
  const next = readable.values();
  return {
    rows: lines!.map((line) =>
      broken.has(line) ? new UnreadableRow(`${broken.get(line)!.replaceAll(/ {2,}/g, ' ')}.`) : next.next().value!,
    ),
    malformed: refusal(malformed),
    lines: lines!,
  };
}
