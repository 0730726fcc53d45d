import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { pauses } from '../../platform/pauses.ts';
import { listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { PATH_SCHEMA, createRejects, defineReader, rowsAt, someRows } from './reader.ts';
import type { RawTable, ReadRequest, SourceFile } from './reader.ts';
import { CSV_MISSING } from '../reading/numbers.ts';
import { csvLayout, csvRecord, recordsOf } from '../reading/csv-layout.ts';
import { headerRepeats, isHeaderAgain } from '../reading/header-repeats.ts';
import type { CsvLayout } from '../reading/csv-layout.ts';
import { ENCODINGS, headOf, plainFiles, withEvenLines, withoutHead } from '../reading/text-files.ts';

interface CsvConfig {
  readonly format: 'csv';
  readonly path: string;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly skip?: number;
  readonly encoding?: string;
  readonly nullValues?: readonly string[];
}

interface Part {
  readonly file: SourceFile;
  readonly layout: CsvLayout;
  /** How often the header stands among the rows once more. */
  readonly repeats: number;
}

async function layouts(
  files: readonly SourceFile[],
  { db, config, expected, likely, likelySkip, workDir }: ReadRequest<CsvConfig>,
): Promise<Part[]> {
  const { delimiter, quote = '"', header = true, skip } = config;
  const parts: Part[] = [];
  for (const file of files) {
    if (file.size === 0) continue;
    const dialect = {
      quote,
      header,
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(skip === undefined ? {} : { skip }),
      ...(expected === undefined ? {} : { expected }),
      ...(likely === undefined ? {} : { likely }),
      ...(likelySkip === undefined ? {} : { likelySkip }),
    };
    const head = await headOf(file, DATA_LIMITS.headBytes);
    if (/^\uFEFF?\s*(\[\s*\{|\{\s*")/.test(head) && expected === undefined)
      throw new PerennialError(
        'SOURCE_INVALID',
        `${file.name} holds JSON, and no CSV: it begins with ${JSON.stringify(head.trim().slice(0, 30))}.`,
        {
          hint: 'Give "format": "json" for one array of objects, "ndjson" for an object on each line.',
        },
      );
    const layout = csvLayout(head, dialect, file.name);
    if (layout === undefined) continue;
    const repeats = await headerRepeats(file, layout, quote, db.signal);
    parts.push(
      layout.skip === undefined
        ? { file: await withoutHead(file, layout.offset, join(workDir, `rows-${parts.length}`)), layout: { ...layout, skip: 0 }, repeats }
        : { file, layout, repeats },
    );
  }
  const [first] = parts;
  if (first === undefined) throw new PerennialError('SOURCE_EMPTY', `${files.map((file) => file.name).join(', ')}: the file is empty.`);
  for (const { file, layout } of parts) {
    if (layout.names.join('\0') !== first.layout.names.join('\0')) {
      throw new PerennialError(
        'SOURCE_INVALID',
        `${file.name} has the columns ${layout.names.join(', ')}, but ${first.file.name} has ${first.layout.names.join(', ')}.`,
        { hint: 'Files of one source need the same columns in the same order.' },
      );
    }
    if (layout.delimiter !== first.layout.delimiter)
      throw new PerennialError(
        'SOURCE_INVALID',
        `${file.name} is divided by ${JSON.stringify(layout.delimiter)}, but ${first.file.name} by ${JSON.stringify(first.layout.delimiter)}.`,
        { hint: 'Files of one source are written alike; give "delimiter" if this was guessed wrongly.' },
      );
  }
  return parts;
}

function notesOf(parts: readonly Part[]): string[] {
  return parts.flatMap(({ file, layout, repeats }) => [
    ...(repeats === 0
      ? []
      : [
          `${file.name}: the header stands ${repeats === 1 ? 'once more' : `${repeats} more times`} among the rows, as where files were joined: it is no row and is left out there.`,
        ]),
    ...(layout.before.length === 0
      ? []
      : [
          `${file.name}: ${layout.before.length === 1 ? 'one line' : `${layout.before.length} lines`} before the header ${layout.before.length === 1 ? 'was' : 'were'} left out: ${layout.before
            .slice(0, 3)
            .map((line) => JSON.stringify(line.slice(0, 80)))
            .join(', ')}. Give "skip": 0 if they belong to the table.`,
        ]),
    ...(layout.trailing === 0
      ? []
      : [
          `${file.name}: a delimiter stands behind the last value of every row, and none behind the last name of the header (${layout.names.at(-1)}): the ${layout.trailing === 1 ? 'empty field is no column' : `${layout.trailing} empty fields are no columns`}.`,
        ]),
    ...(layout.rowNames === undefined
      ? []
      : [
          `${file.name}: the rows have one field more than the header has names: the first one (${JSON.stringify(layout.rowNames.slice(0, 40))}) is taken for the name of its row, and the second one for "${layout.names[1]}". Where a value holds the delimiter instead, put it into quotes.`,
        ]),
    ...(layout.names.length === 1 && /\S[\s:~^\x01]+\S/.test(layout.names[0]!)
      ? [
          `${file.name} is read as a table of one column, ${JSON.stringify(layout.names[0]!.slice(0, 60))}: no "," ";" tab or "|" divides its lines. Give "delimiter" if another character does.`,
        ]
      : []),
    ...(layout.looksLikeData
      ? [`${file.name}: the header looks like a row of data (${layout.names.slice(0, 4).join(', ')}). Give "header": false if it is one.`]
      : []),
  ]);
}

/** What DuckDB says of a malformed line, in words of ours. */
const REASONS: Readonly<Record<string, string>> = {
  'TOO MANY COLUMNS': 'malformed line, too many columns',
  'MISSING COLUMNS': 'malformed line, columns are missing',
  'LINE SIZE OVER MAXIMUM': `malformed line, longer than ${DATA_LIMITS.lineBytesMax / 2 ** 20} MB`,
  'INVALID ENCODING': 'malformed line, not UTF-8',
  'INVALID STATE': 'malformed line, quotes in the middle of a field',
  'UNQUOTED VALUE': 'malformed line, a quote is not closed',
  CAST: 'malformed line',
};

/** A quote that is never closed swallows every line after it: too much is lost to count it as one bad row. */
async function refuseOpenQuote(db: Database, parts: readonly Part[]): Promise<void> {
  const [open] = await db.rows(
    `SELECT line, file_path, left(csv_line, 80) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) WHERE error_type = 'UNQUOTED VALUE' ORDER BY file_id, line LIMIT 1`,
  );
  if (open === undefined) return;
  const name = parts.find(({ file }) => file.path === String(open[1]))?.file.name ?? parts[0]!.file.name;
  throw new PerennialError(
    'SOURCE_INVALID',
    `${name}, line ${String(open[0])}: a quote is opened and not closed as it should be: ${JSON.stringify(String(open[2]).split('\n', 1)[0])}.`,
    {
      hint: 'Close the quote, double a quote that belongs to the text, or give "quote": "" in the source where quotes mean nothing.',
    },
  );
}

/** Every operation of a query holds two thousand rows of all its columns: wide tables are copied some columns at a time. */
const COLUMNS_AT_ONCE = 200;

/** SQL: a field without a name holds a value after all. */
const beyond = ({ layout: { names, trailing } }: Part): string =>
  `(${Array.from({ length: trailing }, (_, index) => `coalesce(trim(c${names.length + index}), '') <> ''`).join(' OR ')})`;

/** How long other work of the process waits for the lines of a file to be counted, in milliseconds. */
const TURN_MS = 8;

/** SQL: a row is the header once more. No row of data has the names of its columns for values. */
function headerSql(fields: readonly string[], nullValues: readonly string[]): string {
  const equal = fields.map((field, index) => {
    const same = `trim(coalesce(c${index}, '')) = ${literal(field)}`;
    return nullValues.includes(field) ? `(c${index} IS NULL OR ${same})` : same;
  });
  return `(${equal.join(' AND ')})`;
}

/** @param plain one that is not empty */
async function linesOf(
  plain: SourceFile,
  { offset, delimiter, header }: CsvLayout,
  quote: string,
  records: number,
): Promise<readonly number[]> {
  const text = (await readFile(plain.path, 'utf8')).replace(/^\uFEFF/, '');
  let line = 1 + lineBreaksOf(text.slice(0, offset));
  const lines: number[] = [];
  const pause = pauses(undefined, TURN_MS);
  for (const record of recordsOf(text.slice(offset), quote)) {
    await pause();
    if (record.text !== '' && !isHeaderAgain(record.text, delimiter, quote, header)) lines.push(line);
    if (lines.length === records) break;
    line += 1 + lineBreaksOf(record.text);
  }
  return lines;
}

const lineBreaksOf = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0;

const forget = (db: Database): Promise<void> => db.run('DROP TABLE IF EXISTS csv_errors; DROP TABLE IF EXISTS csv_scans');

/** Delimiters that stand in no number. */
const PLAIN_DELIMITERS = [',', ';', '\t', '|'];

/** @param plain the files, as parts may hold copies without their headers */
function tableOf(request: ReadRequest<CsvConfig>, plain: readonly SourceFile[], parts: readonly Part[], mended: boolean): RawTable {
  const { db, config, workDir } = request;
  const { layout } = parts[0]!;
  const quote = config.quote ?? '"';
  const nullValues = config.nullValues ?? CSV_MISSING;
  const options = [
    'auto_detect=false',
    'header=false',
    `delim=${literal(layout.delimiter)}`,
    `quote=${literal(quote)}`,
    `escape=${literal(quote)}`,
    `max_line_size=${DATA_LIMITS.lineBytesMax}`,
    `buffer_size=${DATA_LIMITS.textBufferBytes}`,
  ];
  const scanned = (chosen: readonly Part[], more: readonly string[]): string => {
    const { skip = 0, names, trailing } = chosen[0]!.layout;
    const columns = Array.from({ length: names.length + trailing }, (_, index) => `'c${index}': 'VARCHAR'`).join(', ');
    return `read_csv(${listLiteral(chosen.map(({ file }) => pathLiteral(file.path)))}, ${[...options, `columns={${columns}}`, `skip=${skip}`, ...more].join(', ')})`;
  };
  const repeated = parts.some(({ repeats }) => repeats > 0);
  const scan = (chosen: readonly Part[], more: readonly string[]): string => {
    const first = chosen[0]!;
    const out = [
      ...(first.layout.trailing === 0 ? [] : [beyond(first)]),
      ...(repeated && layout.header !== undefined ? [headerSql(layout.header.fields, nullValues)] : []),
    ];
    return out.length === 0
      ? scanned(chosen, more)
      : `(SELECT ${layout.names.map((_, index) => `c${index}`).join(', ')} FROM ${scanned(chosen, more)} WHERE ${out.map((condition) => `NOT ${condition}`).join(' AND ')})`;
  };
  // Lines before the header, and delimiters behind the last value, may differ from file to file.
  const groups = parts.reduce<Part[][]>((all, part) => {
    const last = all.at(-1);
    if (last !== undefined && last[0]!.layout.skip === part.layout.skip && last[0]!.layout.trailing === part.layout.trailing)
      last.push(part);
    else all.push([part]);
    return all;
  }, []);
  const union = (more: readonly string[]): string =>
    groups.length === 1 ? scan(groups[0]!, more) : `(${groups.map((group) => `SELECT * FROM ${scan(group, more)}`).join(' UNION ALL ')})`;
  // A text that no field holds: nothing is missing then.
  const verbatim = union([`nullstr=${listLiteral([literal('\u0001')])}`, 'ignore_errors=true']);
  return {
    columns: layout.names.map((name, index) => ({
      name,
      from: 'text',
      id: `c${index}`,
      ...(layout.unnamed.has(name) ? { unnamed: true } : {}),
    })),
    source(rows) {
      if (rows === 'verbatim') return verbatim;
      const nulls = `nullstr=${listLiteral(nullValues.map(literal))}`;
      return rows === 'all'
        ? union([nulls, 'store_rejects=true', 'rejects_limit=0', `rejects_table='csv_errors'`, `rejects_scan='csv_scans'`])
        : someRows(union([nulls, 'ignore_errors=true']), rows);
    },
    ...(!mended &&
    !repeated &&
    parts.every((part) => part.layout.trailing === 0) &&
    layout.names.length > 1 &&
    PLAIN_DELIMITERS.includes(layout.delimiter) &&
    quote.length <= 1 &&
    quote.charCodeAt(0) !== layout.delimiter.charCodeAt(0)
      ? {
          plain: {
            files: parts.map(({ file, layout: { skip } }) => ({ path: file.path, skip: skip ?? 0 })),
            delimiter: layout.delimiter,
            quote,
            nullValues,
          },
        }
      : {}),
    async rejects() {
      await refuseOpenQuote(db, parts);
      const reason = `CASE min(error_type::VARCHAR) ${Object.entries(REASONS)
        .map(([type, words]) => `WHEN ${literal(type)} THEN ${literal(words)}`)
        .join(' ')} ELSE 'malformed line' END`;
      const files = parts.length > 1 ? `any_value(regexp_extract(file_path, '[^/]*$')) || ', '` : `''`;
      await db.run(
        `INSERT INTO rejects SELECT line, ${reason} || ': ' || ${files} || 'line ' || line || coalesce(', ' || nullif(left(replace(min(csv_line), chr(10), ' '), 60), ''), ''), min(csv_line) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) GROUP BY scan_id, file_id, line ORDER BY scan_id, file_id, line`,
      );
      for (const part of parts.filter(({ layout: { trailing } }) => trailing > 0)) {
        const all = `(SELECT *, row_number() OVER () + ${part.layout.skip ?? 0} AS line FROM ${scanned([part], ['ignore_errors=true'])})`;
        const fields = Array.from({ length: part.layout.names.length + part.layout.trailing }, (_, index) => `coalesce(c${index}, '')`);
        const content = `concat_ws(${literal(layout.delimiter)}, ${fields.join(', ')})`;
        const text = `(SELECT line, ${content} AS content FROM ${all} WHERE ${beyond(part)})`;
        await db.run(
          `INSERT INTO rejects SELECT line, ${literal(`${REASONS['TOO MANY COLUMNS']}: ${parts.length > 1 ? `${part.file.name}, ` : ''}line `)} || line || ', ' || left(replace(content, chr(10), ' '), 60), content FROM ${text} ORDER BY line`,
        );
      }
    },
    ...(parts.length === 1 ? { lines: async (records) => linesOf(plain[0]!, parts[0]!.layout, quote, records) } : {}),
    forget: () => forget(db),
    async copyRows(rows, path) {
      const ids = layout.names.map((_, index) => `c${index}`);
      const texts = rows.map((): string[] => []);
      for (let start = 0; start < ids.length; start += COLUMNS_AT_ONCE) {
        const found = await db.rows(rowsAt(`(SELECT ${ids.slice(start, start + COLUMNS_AT_ONCE).join(', ')} FROM ${verbatim})`, rows));
        for (const [row, fields] of found.entries())
          for (const field of fields.slice(0, -1)) texts[row]!.push(field === null ? '' : String(field));
      }
      const records = [...((config.header ?? true) ? [layout.names] : []), ...texts];
      await writeFile(path, records.map((fields) => `${csvRecord(fields, layout.delimiter, quote)}\n`).join(''));
    },
    async repair(error) {
      await forget(db);
      if (mended || !/state machine reached an invalid state|invalid state/i.test(messageOf(error))) return undefined;
      const even: SourceFile[] = [];
      for (const [index, file] of plain.entries()) even.push(await withEvenLines(file, quote, join(workDir, `even-${index}`)));
      return tableOf(request, even, await layouts(even, request), true);
    },
    options: {
      delimiter: layout.delimiter,
      quote,
      header: config.header ?? true,
      ...(config.skip === undefined ? {} : { skip: config.skip, skipped: layout.skipped }),
      ...(config.encoding === undefined ? {} : { encoding: config.encoding }),
      nullValues: [...nullValues],
    },
    nullValues,
    notes: [
      ...notesOf(parts),
      ...(mended ? [`${parts[0]!.file.name}: its lines end in different ways; all were taken as ends of lines.`] : []),
    ],
  };
}

export default defineReader<CsvConfig>({
  format: 'csv',
  summary: 'Comma-separated values with a header line; types follow from all values of a column. Files may be packed with gzip or zstd.',
  layout: 'files',
  endings: ['.csv', '.tsv', '.csv.gz', '.tsv.gz', '.csv.zst', '.tsv.zst'],
  text: (config) => (config.encoding ?? 'utf-8') === 'utf-8',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Comma-separated values.',
    properties: {
      format: { const: 'csv' },
      path: PATH_SCHEMA,
      delimiter: {
        type: 'string',
        minLength: 1,
        maxLength: 1,
        description: 'Character between fields. Left out: the one of "," ";" tab "|" that divides the lines most evenly.',
        examples: [';'],
      },
      quote: {
        type: 'string',
        maxLength: 1,
        default: '"',
        description: 'Character around fields that hold delimiters; doubled inside. Empty: none.',
      },
      header: { type: 'boolean', default: true, description: 'Whether a line names the columns; otherwise they are column_1, column_2, …' },
      skip: {
        type: 'integer',
        minimum: 0,
        maximum: 10_000,
        description:
          'Lines before the header (or the first row) that are left out. Left out: blank lines, comments that begin with "#" and titles are found, and said.',
        examples: [3],
      },
      encoding: {
        enum: Object.keys(ENCODINGS),
        default: 'utf-8',
        description: 'Encoding of the file. A byte order mark is believed more.',
      },
      nullValues: {
        type: 'array',
        items: { type: 'string' },
        description:
          'Fields that mean a missing value, in every column and in requests too; a number or point in time that equals one is missing however it is written (-999, -999.0). Left out: an empty field, NA, N/A, null and NULL. In columns of numbers, dates and true or false also the usual words do (NaN, None, ?, -, …), and it is said.',
        examples: [['', '-999']],
      },
    },
  },
  examples: [
    { format: 'csv', path: 'data/penguins.csv' },
    { format: 'csv', path: 'data/2024-*.csv', delimiter: ';', encoding: 'latin-1' },
  ],
  async read(request) {
    await createRejects(request.db);
    await forget(request.db);
    const files = await plainFiles(
      request.db,
      request.files.filter((file) => file.size > 0),
      request.config.encoding,
      request.workDir,
    );
    return tableOf(request, files, await layouts(files, request), false);
  },
});
