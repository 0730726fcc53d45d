import { open } from 'node:fs/promises';
import { PerennialError } from '../../core/errors.ts';
import { literal, listLiteral, pathLiteral } from '../duckdb.ts';
import type { Database } from '../duckdb.ts';
import { DATA_LIMITS } from '../limits.ts';
import { PATH_SCHEMA, createRejects, defineReader } from '../reader.ts';
import type { SourceFile } from '../reader.ts';

interface CsvConfig {
  readonly format: 'csv';
  readonly path: string;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly encoding?: 'utf-8' | 'latin-1' | 'utf-16';
  readonly nullValues?: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'];
const NULLS = ['', 'NA', 'N/A', 'null', 'NULL'];
const DECODERS = { 'utf-8': 'utf-8', 'latin-1': 'latin1', 'utf-16': 'utf-16le' } as const;

/** The first record of a file, whose quoted fields may hold line breaks. */
async function firstRecord(file: SourceFile, encoding: keyof typeof DECODERS, quote: string): Promise<string> {
  const handle = await open(file.path);
  try {
    const buffer = Buffer.alloc(Math.min(1 << 20, Math.max(1, file.size)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const text = new TextDecoder(DECODERS[encoding]).decode(buffer.subarray(0, bytesRead));
    let quoted = false;
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === quote) quoted = !quoted;
      else if (!quoted && (text[at] === '\n' || text[at] === '\r')) {
        if (at > 0) return text.slice(0, at);
      }
    }
    return text;
  } finally {
    await handle.close();
  }
}

function splitRecord(record: string, delimiter: string, quote: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < record.length; at += 1) {
    const char = record[at]!;
    if (quoted && char === quote && record[at + 1] === quote) {
      field += quote;
      at += 1;
    } else if (char === quote && quote !== '') quoted = !quoted;
    else if (!quoted && char === delimiter) {
      fields.push(field);
      field = '';
    } else field += char;
  }
  fields.push(field);
  return fields;
}

function columnNames(fields: readonly string[], header: boolean, file: SourceFile): string[] {
  if (!header) return fields.map((_, index) => `column_${index + 1}`);
  const names = fields.map((field, index) => field.trim() || `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new PerennialError('SOURCE_INVALID', `${file.name} has two columns named "${twice}".`, { hint: 'Give every column of the header its own name, or "header": false if the first line is data.' });
  return names;
}

/** A quote that is never closed swallows every line after it: too much is lost to count it as one bad row. */
async function refuseOpenQuote(db: Database, records: readonly { readonly file: SourceFile }[], fallback: string): Promise<void> {
  const [open] = await db.rows(`SELECT line, file_path, left(csv_line, 80) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) WHERE error_type = 'UNQUOTED VALUE' ORDER BY file_id, line LIMIT 1`);
  if (open === undefined) return;
  const name = records.find(({ file }) => file.path === String(open[1]))?.file.name ?? fallback;
  throw new PerennialError('SOURCE_INVALID', `${name}, line ${String(open[0])}: a quote is opened and not closed as it should be: ${JSON.stringify(String(open[2]).split('\n', 1)[0])}.`, {
    hint: 'Close the quote, double a quote that belongs to the text, or give "quote": "" in the source where quotes mean nothing.',
  });
}

export default defineReader<CsvConfig>({
  format: 'csv',
  summary: 'Comma-separated values with a header line; types follow from all values of a column.',
  layout: 'files',
  text: (config) => (config.encoding ?? 'utf-8') === 'utf-8',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Comma-separated values.',
    properties: {
      format: { const: 'csv' },
      path: PATH_SCHEMA,
      delimiter: { type: 'string', minLength: 1, maxLength: 1, description: 'Character between fields. Left out: the one of "," ";" tab "|" that splits the first line most.', examples: [';'] },
      quote: { type: 'string', maxLength: 1, default: '"', description: 'Character around fields that hold delimiters; doubled inside. Empty: none.' },
      header: { type: 'boolean', default: true, description: 'Whether the first line names the columns; otherwise they are column_1, column_2, …' },
      encoding: { enum: ['utf-8', 'latin-1', 'utf-16'], default: 'utf-8', description: 'Encoding of the file.' },
      nullValues: { type: 'array', items: { type: 'string' }, default: NULLS, description: 'Fields that mean a missing value.', examples: [['', '-999']] },
    },
  },
  examples: [{ format: 'csv', path: 'data/penguins.csv' }, { format: 'csv', path: 'data/2024-*.csv', delimiter: ';', encoding: 'latin-1' }],
  async read({ db, config, files, limit }) {
    await createRejects(db);
    const encoding = config.encoding ?? 'utf-8';
    const quote = config.quote ?? '"';
    const header = config.header ?? true;
    const records = [];
    for (const file of files) {
      if (file.size > 0) records.push({ file, record: (await firstRecord(file, encoding, quote)).replace(/^\uFEFF/, '') });
    }
    const first = records[0];
    if (first === undefined || first.record.trim() === '') throw new PerennialError('SOURCE_EMPTY', `${files.map((file) => file.name).join(', ')}: the file is empty.`);
    const delimiter = config.delimiter ?? DELIMITERS.map((char) => ({ char, fields: splitRecord(first.record, char, quote).length })).sort((a, b) => b.fields - a.fields)[0]!.char;
    const names = columnNames(splitRecord(first.record, delimiter, quote), header, first.file);
    for (const { file, record } of records) {
      const other = columnNames(splitRecord(record, delimiter, quote), header, file);
      if (other.join('\0') !== names.join('\0')) {
        throw new PerennialError('SOURCE_INVALID', `${file.name} has the columns ${other.join(', ')}, but ${first.file.name} has ${names.join(', ')}.`, { hint: 'Files of one source need the same columns in the same order.' });
      }
    }
    const options = [
      'auto_detect=false', `header=${header}`, `delim=${literal(delimiter)}`, `quote=${literal(quote)}`, `escape=${literal(quote)}`, `encoding=${literal(encoding)}`,
      `columns={${names.map((_, index) => `'c${index}': 'VARCHAR'`).join(', ')}}`,
      `nullstr=${listLiteral((config.nullValues ?? NULLS).map(literal))}`,
      'store_rejects=true', 'rejects_limit=0', `rejects_table='csv_errors'`, `rejects_scan='csv_scans'`, `max_line_size=${DATA_LIMITS.lineBytesMax}`,
    ];
    const source = `read_csv(${listLiteral(records.map(({ file }) => pathLiteral(file.path)))}, ${options.join(', ')})`;
    await db.run(`CREATE TEMP TABLE raw AS SELECT row_number() OVER () AS "row", * FROM (SELECT * FROM ${source}${limit === undefined ? '' : ` USING SAMPLE reservoir(${limit} ROWS) REPEATABLE (1)`})`);
    await refuseOpenQuote(db, records, first.file.name);
    await db.run(`INSERT INTO rejects SELECT line, 'malformed line, ' || lower(min(error_type)) || ': ' || min(error_message), min(csv_line) FROM csv_errors GROUP BY scan_id, file_id, line ORDER BY file_id, line`);
    return { columns: names.map((name) => ({ name, type: 'infer' })) };
  },
});
