import type { Json, JsonObject, JsonSchema } from '../../core/json.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Column, ColumnType } from '../../data/stored/column.ts';
import type { Preprocessor } from '../../data/stored/dataset.ts';
import { numberFormatOf, timestampFormatOf } from '../../data/reading/value-format.ts';
import { SERVING_LIMITS } from '../../serving/limits.ts';
import { outputsOf } from '../../serving/named-outputs.ts';
import type { NamedOutput } from '../../serving/named-outputs.ts';
import type { ModelState } from '../../serving/model-slot.ts';
import type { Servable } from '../../serving/servable.ts';

/** What is told of one version that is served. */
export interface ModelSchemas {
  readonly model: string;
  readonly version: number;
  /** That answer now, in memory or under an alias. */
  readonly versions: readonly number[];
  readonly aliases: readonly string[];
  /** One row of the source, by column. */
  readonly row: JsonSchema;
  /** Rows that the model answers, made up from what it was fitted on; as many as one prediction needs. */
  readonly exampleRows: readonly JsonObject[];
  /** One answer of the plain form. */
  readonly prediction: JsonSchema;
  readonly outputs: readonly NamedOutput[];
  readonly columns: readonly (Column & { readonly required: boolean })[];
  readonly windowSize: number;
}

/** What a request to the version carries, and what comes back. */
export async function modelSchemas(
  servable: Servable,
  { loaded, shelf, aliases }: Pick<ModelState, 'loaded' | 'shelf' | 'aliases'>,
): Promise<ModelSchemas> {
  const { preprocessor, predictor, model, version } = servable;
  const { columns, windowSize } = preprocessor;
  const required = columns.filter((column) => column.required).map(({ name }) => name);
  return {
    model,
    version,
    versions: [...new Set([...loaded, ...shelf, ...Object.values(aliases)])].sort((a, b) => a - b),
    aliases: Object.keys(aliases),
    columns,
    windowSize,
    outputs: outputsOf(servable),
    row: {
      type: 'object',
      description:
        'A row as it is in the source, by column. Other columns of the source may stand in it, and are not read; optional ones are imputed.',
      properties: Object.fromEntries(columns.map((column) => [column.name, columnSchema(column)])),
      ...(required.length > 0 ? { required } : columns.length > 0 ? { anyOf: columns.map(({ name }) => ({ required: [name] })) } : {}),
    },
    exampleRows: await exampleRows(preprocessor),
    prediction: predictionSchema(predictor.meta.output),
  };
}

/** As many rows as one prediction needs, or more. */
export function rowsSchema({ row, windowSize }: Pick<ModelSchemas, 'row' | 'windowSize'>): JsonSchema {
  return { type: 'array', items: row, minItems: windowSize, description: `At most ${SERVING_LIMITS.rowsMax} rows.` };
}

const NUMBER_TEXT = '^\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*$';

function columnSchema(column: Column & { readonly required: boolean }): JsonSchema {
  const schema = valueSchema(column);
  const note = `${WORDS[column.type]}${column.required ? '' : '; imputed where it is missing'}`;
  return { description: note, ...schema };
}

const WORDS: Readonly<Record<ColumnType, string>> = {
  number: 'Number',
  integer: 'Whole number',
  boolean: 'True or false',
  string: 'Text',
  timestamp: 'Point in time',
  image: 'Image file (PNG, JPEG, …) as base64',
};

function valueSchema(column: Column & { readonly required: boolean }): JsonSchema {
  // What is missing in a required column has nothing to stand in for it.
  const missing: readonly JsonSchema[] = column.required ? [] : [{ type: 'null' }];
  const text: JsonSchema = { type: 'string' };
  switch (column.type) {
    case 'number':
    case 'integer':
      // How numbers are written as texts is the column's own affair where it is declared.
      return {
        anyOf: [{ type: 'number' }, numberFormatOf(column.format) === undefined ? { ...text, pattern: NUMBER_TEXT } : text, ...missing],
      };
    case 'boolean':
      return { anyOf: [{ type: 'boolean' }, { enum: ['true', 'false'] }, ...missing] };
    case 'image':
      return { anyOf: [IMAGE, { type: 'object', required: ['b64'], additionalProperties: false, properties: { b64: IMAGE } }] };
    case 'timestamp':
      return { anyOf: [timestampFormatOf(column.format)?.unit === undefined ? text : { type: ['string', 'number'] }, ...missing] };
    case 'string':
      return {};
  }
}

const IMAGE: JsonSchema = { type: 'string', contentEncoding: 'base64' };

function predictionSchema(output: OutputSpec): JsonSchema {
  if (output.kind === 'classes')
    return object({
      label: { type: 'string', enum: [...output.classes] },
      probabilities: object(Object.fromEntries(output.classes.map((name) => [name, { type: 'number' }]))),
    });
  if (output.kind === 'several')
    return object({ outputs: object(Object.fromEntries(output.outputs.map((one) => [one.name, predictionSchema(one)]))) });
  if (output.kind === 'anomaly') return object({ score: { type: 'number' }, anomaly: { type: 'boolean' } });
  if (output.kind === 'number')
    return object({ value: output.width === 1 ? { type: 'number' } : { type: 'array', items: { type: 'number' } } });
  return { type: 'object' };
}

/** Answers have what is named, and may have more: the place of a window, the series. */
function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', required: Object.keys(properties), properties };
}

async function exampleRows(preprocessor: Preprocessor): Promise<JsonObject[]> {
  const typical = typicalValues(preprocessor);
  const rows: JsonObject[] = [];
  for (let at = 0; at < preprocessor.windowSize; at += 1) {
    const row: Record<string, Json> = {};
    for (const column of preprocessor.columns) row[column.name] = await exampleValue(column, preprocessor, typical.get(column.name), at);
    rows.push(row);
  }
  return rows;
}

/** States of fitted transforms in the order of their chains. */
function typicalValues(preprocessor: Preprocessor): Map<string, readonly JsonObject[]> {
  const { columns } = preprocessor.toJson() as {
    columns?: readonly { name: string; transforms?: readonly { state: JsonObject | null }[] }[];
  };
  return new Map(
    (columns ?? []).map(({ name, transforms }) => [name, (transforms ?? []).flatMap(({ state }) => (state === null ? [] : [state]))]),
  );
}

/** Names under which transforms keep what is usual in their column. */
const USUAL = ['value', 'mean', 'median', 'center', 'min'];

async function exampleValue(column: Column, preprocessor: Preprocessor, states: readonly JsonObject[] = [], at: number): Promise<Json> {
  const usual = states
    .flatMap((state) => USUAL.map((name) => state[name]))
    .find((value) => typeof value === 'number' || typeof value === 'string');
  switch (column.type) {
    case 'number':
      return typeof usual === 'number' && Number.isFinite(usual) ? Number(usual.toPrecision(4)) : 1;
    case 'integer':
      return typeof usual === 'number' && Number.isFinite(usual) ? Math.round(usual) : 1;
    case 'boolean':
      return true;
    case 'string': {
      const category = states.flatMap((state) => (Array.isArray(state['categories']) ? (state['categories'] as Json[]) : []))[0];
      const text = typeof usual === 'string' ? usual : category;
      return text === undefined ? 'text' : String(text);
    }
    case 'timestamp':
      return exampleTime(column, at);
    case 'image':
      return exampleImage(preprocessor, column.name);
  }
}

/** Days that follow each other, from the first of 2024. */
function exampleTime(column: Column, at: number): Json {
  const moment = new Date(Date.UTC(2024, 0, 1 + at));
  const { unit, format } = timestampFormatOf(column.format) ?? {};
  if (unit !== undefined) return moment.getTime() * { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 }[unit];
  return format === undefined ? moment.toISOString() : written(moment, format);
}

const PARTS: readonly (readonly [pattern: RegExp, of: (moment: Date) => string])[] = [
  [/yyyy/g, (moment) => String(moment.getUTCFullYear())],
  [/MM/g, (moment) => String(moment.getUTCMonth() + 1).padStart(2, '0')],
  [/dd/g, (moment) => String(moment.getUTCDate()).padStart(2, '0')],
  [/HH|mm|ss/g, () => '00'],
  [/SSS/g, () => '000'],
];

function written(moment: Date, format: string): string {
  return PARTS.reduce((text, [pattern, of]) => text.replace(pattern, of(moment)), format);
}

/** A grey picture of the size that the model takes, or a small one where any is resized. */
async function exampleImage({ inputs }: Preprocessor, name: string): Promise<string> {
  const [height = 8, width = 8, channels = 3] = inputs.find((input) => input.name === name)?.shape ?? [];
  const { default: sharp } = await import('sharp');
  const picture = sharp({ create: { width, height, channels: 3, background: { r: 128, g: 128, b: 128 } } });
  return (await (channels === 1 ? picture.greyscale() : picture).png().toBuffer()).toString('base64');
}
