import { ROLES } from '../../access/roles.ts';
import type { Role } from '../../access/roles.ts';
import type { JsonSchema } from '../../core/json.ts';
import { EVENT_LIMITS } from '../../serving/protocols/events.ts';
import { FEEDBACK_LIMITS } from '../../monitoring/feedback/feedback-record.ts';
import { LOG_HEADER } from '../../serving/headers.ts';
import { COLUMN_DATATYPE } from '../../serving/protocols/open-inference-messages.ts';
import { LIFETIME_PATTERN, TOKEN_NAME_PATTERN } from '../../access/tokens.ts';
import type { ModelSchemas } from './model-schemas.ts';
import { rowsSchema } from './model-schemas.ts';

export const TAGS = {
  rows: 'Plain rows',
  feedback: 'Feedback',
  v2: 'Open Inference Protocol',
  v1: 'TensorFlow Serving',
  mlflow: 'MLflow scoring',
  watch: 'Watching',
  reports: 'Reports and cards',
  tokens: 'Tokens',
} as const;

export interface Body {
  readonly schema: JsonSchema;
  readonly example?: unknown;
  /** For what the schema cannot say. */
  readonly note?: string;
  /** Bodies that are not JSON, by media type. */
  readonly others?: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: string }>>;
  readonly optional?: true;
}

/** What one address does under one method. */
export interface Operation {
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  /** JSON unless a media type is named. */
  readonly answer: JsonSchema | { readonly media: string } | 'empty';
  /** Of any model. */
  readonly body?: Body;
  /** Of one model that is served: gives its address an entry of its own. undefined: the model does not take this. */
  readonly ofModel?: (model: ModelSchemas) => { readonly body: Body; readonly answer: JsonSchema } | undefined;
  /** Answers without a token. */
  readonly open?: true;
  /** What a token has to allow; default "predict". */
  readonly role?: Role;
  /** Answers with 201. */
  readonly creates?: true;
  /** About all models, and yet for tokens of some: it speaks of those alone. */
  readonly ofSome?: true;
  /** Changes something: each call is told in the log. */
  readonly audited?: true;
  /** What may follow the address, by name. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  /** Takes {@link LOG_HEADER}. */
  readonly logged?: true;
  /** Statuses that tell how things stand and carry the answer, too. */
  readonly alsoAnswers?: readonly number[];
}

const object = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  required: [...required],
  properties,
});
const text: JsonSchema = { type: 'string' };
/** Of how many last days pages tell, where the address says none. */
export const TIMELINE_DAYS = 90;
export const DIGEST_DAYS = 7;
export const DAYS_MAX = 3_660;
const DAYS: JsonSchema = { type: 'integer', minimum: 1, maximum: DAYS_MAX, description: 'Of the last so many days.' };
const integer: JsonSchema = { type: 'integer' };
const bool: JsonSchema = { type: 'boolean' };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const closed = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): JsonSchema => ({
  ...object(properties, required),
  additionalProperties: false,
});

const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

const ANY_ROW: JsonSchema = { type: 'object', description: 'A row as it is in the source, by column.', minProperties: 1 };
const ANY_ROWS: JsonSchema = { type: 'array', items: ANY_ROW, minItems: 1 };

const PARTIAL_NOTE = 'Answer the good rows, and list the others under "refused" with place and reason.';

/** One row, several, or several with a wish. */
const rowsBody = (row: JsonSchema, rows: JsonSchema): JsonSchema => ({
  anyOf: [closed({ rows, partial: { ...bool, description: PARTIAL_NOTE } }, ['rows']), rows, row],
});

const predictions = (prediction: JsonSchema): JsonSchema => ({
  ...object({
    model: text,
    version: integer,
    predictions: list(prediction),
    refused: list(
      object({ row: integer, line: { ...integer, description: 'Of a body of CSV, from 1 on.' }, error: text }, ['row', 'error']),
    ),
    id: { ...text, description: 'Of the request; feedback is joined by it.' },
  }),
  required: ['model', 'version', 'predictions', 'id'],
});

const CSV: JsonSchema = { type: 'string', description: 'A header with the names of the columns, and a line for each row.' };
/** As a field of CSV. */
const field = (value: unknown): string => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
const csvOf = ({ columns, exampleRows }: ModelSchemas): string =>
  [columns.map(({ name }) => name), ...exampleRows.map((row) => columns.map(({ name }) => row[name] ?? ''))]
    .map((fields) => `${fields.map(field).join(',')}\n`)
    .join('');
const formOf = ({ columns }: ModelSchemas): JsonSchema => ({
  ...object(
    Object.fromEntries(
      columns.map(({ name, type }) => [name, type === 'image' ? { ...text, contentMediaType: 'application/octet-stream' } : text]),
    ),
    columns.filter(({ required }) => required).map(({ name }) => name),
  ),
  description: 'One row; several where each name occurs as often.',
});

const predict: Operation = {
  tag: 'rows',
  summary: 'Predict from rows as they are in the source',
  logged: true,
  query: { partial: { ...bool, description: `${PARTIAL_NOTE} For bodies that have no place for it.` } },
  body: {
    schema: rowsBody(ANY_ROW, ANY_ROWS),
    others: { 'text/csv': { schema: CSV }, 'multipart/form-data': { schema: { type: 'object', minProperties: 1 } } },
  },
  answer: predictions({ type: 'object' }),
  ofModel: (model) => ({
    body: {
      schema: model.windowSize === 1 ? rowsBody(model.row, rowsSchema(model)) : rowsBody(rowsSchema(model), rowsSchema(model)),
      example: { rows: model.exampleRows },
      others: { 'text/csv': { schema: CSV, example: csvOf(model) }, 'multipart/form-data': { schema: formOf(model) } },
    },
    answer: predictions(model.prediction),
  }),
};

const mlflow: Operation = {
  tag: 'mlflow',
  summary: 'Predict from a data frame, instances, inputs or CSV',
  logged: true,
  body: {
    schema: {
      oneOf: [
        closed({ dataframe_split: splitOf(), params: { type: 'object', maxProperties: 0 } }, ['dataframe_split']),
        closed({ dataframe_records: ANY_ROWS, params: { type: 'object', maxProperties: 0 } }, ['dataframe_records']),
        closed({ instances: { type: 'array', minItems: 1 } }, ['instances']),
        closed({ inputs: {} }, ['inputs']),
      ],
    },
    others: { 'text/csv': { schema: CSV } },
  },
  answer: object({ predictions: list({ type: 'object' }) }),
  ofModel: (model) => ({
    body: {
      schema: {
        oneOf: [
          closed({ dataframe_records: rowsSchema(model) }, ['dataframe_records']),
          closed({ dataframe_split: splitOf(model) }, ['dataframe_split']),
        ],
      },
      example: { dataframe_records: model.exampleRows },
      others: { 'text/csv': { schema: CSV, example: csvOf(model) } },
    },
    answer: object({ predictions: list(model.prediction) }),
  }),
};

function splitOf(model?: ModelSchemas): JsonSchema {
  const names = model?.columns.map(({ name }) => name);
  const values =
    names === undefined
      ? {}
      : { minItems: names.length, maxItems: names.length, prefixItems: model!.columns.map(({ name }) => valueOf(model!, name)) };
  return closed(
    {
      columns: names === undefined ? { type: 'array', items: text, minItems: 1, uniqueItems: true } : { const: names },
      data: { type: 'array', items: { type: 'array', ...values }, minItems: model?.windowSize ?? 1 },
      index: { type: 'array' },
    },
    ['columns', 'data'],
  );
}

const valueOf = ({ row }: ModelSchemas, column: string): JsonSchema => (row.properties as Readonly<Record<string, JsonSchema>>)[column]!;

const TENSOR_PROPERTIES: Readonly<Record<string, JsonSchema>> = {
  name: text,
  shape: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } },
  datatype: { enum: ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64', 'BYTES'] },
  data: { type: 'array' },
  parameters: { type: 'object' },
};
const TENSOR = object(TENSOR_PROPERTIES, ['name', 'shape', 'datatype']);
const INFER_ANSWER = object({ model_name: text, model_version: text, id: text, outputs: list(TENSOR) }, [
  'model_name',
  'model_version',
  'outputs',
]);
const inferBody = (columns?: ModelSchemas['columns'], outputs?: ModelSchemas['outputs']): JsonSchema => {
  const named = (name: string): JsonSchema => ({ type: 'object', required: ['name'], properties: { name: { const: name } } });
  return closed(
    {
      id: { ...text, maxLength: 200 },
      parameters: { type: 'object', properties: {}, additionalProperties: false },
      inputs: {
        type: 'array',
        minItems: 1,
        items: TENSOR,
        ...(columns === undefined
          ? {}
          : { allOf: columns.filter(({ required }) => required).map(({ name }) => ({ contains: named(name) })) }),
      },
      outputs: list(
        closed({ name: outputs === undefined ? text : { enum: outputs.map(({ name }) => name) }, parameters: { type: 'object' } }, [
          'name',
        ]),
      ),
    },
    ['inputs'],
  );
};

const BINARY_NOTE = 'Tensors may follow in binary, as Inference-Header-Content-Length says.';

const infer: Operation = {
  tag: 'v2',
  summary: 'Infer; the columns of the source, or the tensors of the network, are the inputs',
  logged: true,
  body: { schema: inferBody(), note: BINARY_NOTE },
  answer: INFER_ANSWER,
  ofModel: ({ columns, outputs, exampleRows }) => ({
    body: {
      schema: inferBody(columns, outputs),
      note: BINARY_NOTE,
      example: {
        inputs: columns.map(({ name, type }) => ({
          name,
          shape: [exampleRows.length],
          datatype: COLUMN_DATATYPE[type],
          data: exampleRows.map((row) => row[name]),
        })),
      },
    },
    answer: INFER_ANSWER,
  }),
};

const MODEL_METADATA: Operation = {
  tag: 'v2',
  summary: 'Columns, outputs and versions',
  answer: object({ name: text, versions: list(text), platform: text, inputs: list({ type: 'object' }), outputs: list({ type: 'object' }) }),
};
const MODEL_READY: Operation = {
  tag: 'v2',
  summary: 'Whether a version answers',
  answer: object({ name: text, ready: bool }),
  alsoAnswers: [503],
};
const MODEL_CONFIG: Operation = { tag: 'v2', summary: 'Configuration, as Triton describes models', answer: object({ name: text }) };
const MODEL_STATS: Operation = {
  tag: 'v2',
  summary: 'Requests and times since the server began',
  role: 'operate',
  answer: object({ model_stats: list({ type: 'object' }) }),
};

const VERSION_STATUS: Operation = {
  tag: 'v1',
  summary: 'Versions that answer',
  answer: object({ model_version_status: list(object({ version: text, state: text, status: { type: 'object' } })) }),
};
const METADATA: Operation = {
  tag: 'v1',
  summary: 'Signature',
  answer: object({ model_spec: { type: 'object' }, metadata: { type: 'object' } }),
};
const SIGNATURE_NAME: JsonSchema = { ...text, description: '"serving_default", or left out.' };

const tfPredict: Operation = {
  tag: 'v1',
  summary: 'Predict from instances (by row) or inputs (by column)',
  logged: true,
  body: {
    schema: {
      oneOf: [
        closed({ instances: { type: 'array', minItems: 1 }, signature_name: SIGNATURE_NAME }, ['instances']),
        closed({ inputs: {}, signature_name: SIGNATURE_NAME }, ['inputs']),
      ],
    },
  },
  answer: { anyOf: [object({ predictions: { type: 'array' } }), object({ outputs: {} })] },
  ofModel: (model) => ({
    body: {
      schema: closed({ instances: rowsSchema(model), signature_name: { enum: ['serving_default'] } }, ['instances']),
      example: { instances: model.exampleRows },
    },
    answer: object({ predictions: { type: 'array' } }),
  }),
};
const examplesBody = (row: JsonSchema): JsonSchema =>
  closed(
    { examples: { type: 'array', items: row, minItems: 1 }, context: { type: 'object' }, signature_name: { enum: ['serving_default'] } },
    ['examples'],
  );
const verbOf = (verb: 'classify' | 'regress', summary: string): Operation => ({
  tag: 'v1',
  summary,
  logged: true,
  body: { schema: examplesBody(ANY_ROW) },
  answer: object({ results: { type: 'array' } }),
  ofModel: (model) => {
    const answers = model.outputs.map(({ name }) => name).join();
    if (answers !== (verb === 'classify' ? 'label,probabilities' : 'value') || model.windowSize > 1) return undefined;
    return {
      body: { schema: examplesBody(model.row), example: { examples: model.exampleRows } },
      answer: object({ results: { type: 'array' } }),
    };
  },
});

const SCALAR: JsonSchema = { type: ['string', 'number', 'boolean'] };
const SCALARS: JsonSchema = { type: 'object', minProperties: 1, additionalProperties: SCALAR };
const FEEDBACK: JsonSchema = {
  ...closed(
    {
      id: { ...text, minLength: 1, maxLength: FEEDBACK_LIMITS.idChars, description: 'Of the request that was answered.' },
      row: { ...integer, minimum: 0, description: 'Place of the row among those of the request.' },
      key: { ...SCALARS, description: 'In place of the id: columns of the row, with their values.' },
      label: { anyOf: [SCALAR, SCALARS], description: 'The true answer.' },
      flag: { ...bool, description: 'Whether the answer was taken for wrong.' },
      comment: { ...text, maxLength: FEEDBACK_LIMITS.commentChars },
    },
    [],
  ),
  oneOf: [{ required: ['id'] }, { required: ['key'], not: { required: ['row'] } }],
  anyOf: [{ required: ['label'] }, { required: ['flag'] }],
};

const PAGE = { media: 'text/html' } as const;
const HEALTH: Operation = {
  tag: 'mlflow',
  summary: 'Whether the server answers',
  answer: 'empty',
  open: true,
  alsoAnswers: [503],
};

/** Every address of the server under its method, as the HTTP framework writes them; verbs of TensorFlow Serving behind a colon. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /models/:model/predict': predict,
  'POST /models/:model/versions/:version/predict': predict,
  'POST /models/:model/feedback': {
    tag: 'feedback',
    summary: 'Send true labels and flags of answers',
    body: {
      schema: {
        anyOf: [
          closed({ feedback: { type: 'array', minItems: 1, items: FEEDBACK } }, ['feedback']),
          { type: 'array', minItems: 1, items: FEEDBACK },
          FEEDBACK,
        ],
      },
      example: { feedback: [{ id: 'id-of-an-answer', label: 'the true one' }] },
    },
    answer: object({ model: text, kept: integer }),
  },
  'POST /pipelines/:pipeline/events': {
    tag: 'feedback',
    summary: 'Tell a pipeline of something: its trigger "event" takes all that came since its last look',
    role: 'operate',
    audited: true,
    body: {
      schema: closed(
        {
          id: { ...text, minLength: 1, maxLength: EVENT_LIMITS.idChars, description: 'The same however often the event is told.' },
          type: { ...text, maxLength: EVENT_LIMITS.textChars, description: 'By which the document may choose; default "event".' },
          why: { ...text, maxLength: EVENT_LIMITS.textChars, description: 'For people.' },
          data: { type: 'object', description: 'Kept with the run that it leads to.' },
        },
        ['id'],
      ),
      example: { id: 'load-2026-03-01', type: 'table.loaded', why: 'the nightly load is through' },
    },
    answer: object({ pipeline: text, id: text, state: { enum: ['waits', 'done'] }, new: bool, lookedAt: text, what: text }),
  },
  'GET /': { tag: 'watch', summary: 'Whether the server lives; browsers are led to /docs', answer: object({ status: text }), open: true },
  'GET /models': { tag: 'watch', summary: 'What is served', answer: object({ models: list({ type: 'object' }) }) },
  'GET /metrics': { tag: 'watch', summary: 'Metrics in the format of Prometheus', role: 'operate', answer: { media: 'text/plain' } },
  'GET /openapi.json': { tag: 'watch', summary: 'This description', ofSome: true, answer: { type: 'object' } },
  'GET /docs': { tag: 'watch', summary: 'This description as a page', answer: PAGE, open: true },
  'GET /v2': { tag: 'v2', summary: 'The server', answer: object({ name: text, version: text, extensions: list(text) }) },
  'GET /v2/health/live': { tag: 'v2', summary: 'Whether the server lives', answer: object({ live: bool }), open: true },
  'GET /v2/health/ready': {
    tag: 'v2',
    summary: 'Whether the server answers, and what is amiss',
    answer: object({
      ready: bool,
      live: bool,
      store: { enum: ['up', 'down'] },
      degraded: integer,
      predictionLog: { enum: ['written', 'waiting'] },
    }),
    open: true,
    alsoAnswers: [503],
  },
  'GET /v2/models/:model': MODEL_METADATA,
  'GET /v2/models/:model/versions/:version': MODEL_METADATA,
  'GET /v2/models/:model/ready': MODEL_READY,
  'GET /v2/models/:model/versions/:version/ready': MODEL_READY,
  'GET /v2/models/:model/config': MODEL_CONFIG,
  'GET /v2/models/:model/versions/:version/config': MODEL_CONFIG,
  'GET /v2/models/:model/stats': MODEL_STATS,
  'GET /v2/models/:model/versions/:version/stats': MODEL_STATS,
  'GET /v2/models/stats': MODEL_STATS,
  'POST /v2/models/:model/infer': infer,
  'POST /v2/models/:model/versions/:version/infer': infer,
  'POST /v2/repository/models/:model/load': {
    tag: 'v2',
    summary: 'Wait until a model answers',
    role: 'operate',
    audited: true,
    body: { schema: orNull(closed({ parameters: orNull({ type: 'object', maxProperties: 0 }) }, [])), optional: true },
    answer: { type: 'object' },
  },
  'POST /v2/repository/models/:model/unload': {
    tag: 'v2',
    summary: 'Always refused: what is served follows the aliases',
    role: 'operate',
    audited: true,
    body: { schema: { type: 'object' }, optional: true },
    answer: { type: 'object' },
  },
  'POST /v2/repository/index': {
    tag: 'v2',
    summary: 'Every version in memory or under an alias',
    body: { schema: orNull(closed({ ready: bool, repository_name: {} }, [])), optional: true },
    answer: list(object({ name: text, version: text, state: text, reason: text })),
  },
  'GET /v1/models': { tag: 'v1', summary: 'Versions of all models', answer: object({ models: list({ type: 'object' }) }) },
  'GET /v1/models/:model': VERSION_STATUS,
  'GET /v1/models/:model/versions/:number': VERSION_STATUS,
  'GET /v1/models/:model/labels/:label': VERSION_STATUS,
  'GET /v1/models/:model/metadata': METADATA,
  'GET /v1/models/:model/versions/:number/metadata': METADATA,
  'GET /v1/models/:model/labels/:label/metadata': METADATA,
  ...Object.fromEntries(
    ['/v1/models/:model', '/v1/models/:model/versions/:number', '/v1/models/:model/labels/:label'].flatMap((path) => [
      [`POST ${path}:predict`, tfPredict],
      [`POST ${path}:classify`, verbOf('classify', 'Scores of all classes')],
      [`POST ${path}:regress`, verbOf('regress', 'One number for each example')],
    ]),
  ),
  'GET /ping': HEALTH,
  'GET /health': HEALTH,
  'GET /version': { tag: 'mlflow', summary: 'Version of the server', answer: { media: 'text/plain' } },
  'POST /invocations': { ...mlflow, summary: 'Predict with the one model that is served' },
  'POST /models/:model/invocations': mlflow,
  'GET /tokens': {
    tag: 'tokens',
    summary: 'Tokens there are and were, without the tokens themselves',
    role: 'admin',
    answer: object({ tokens: list({ type: 'object' }) }),
  },
  'POST /tokens': {
    tag: 'tokens',
    summary: 'Make a token; it is told in this answer alone',
    role: 'admin',
    creates: true,
    audited: true,
    body: {
      schema: closed(
        {
          name: { ...text, pattern: TOKEN_NAME_PATTERN, description: 'Of its holder.' },
          role: { enum: [...ROLES] },
          models: { type: 'array', items: text, minItems: 1, description: 'Left out: all.' },
          lifetime: { ...text, pattern: LIFETIME_PATTERN, description: 'Such as "90d"; left out: it does not expire.' },
          requestsPerSecond: { type: 'number', exclusiveMinimum: 0, description: 'That each server takes; more get 429.' },
          rowsPerRequest: { type: 'integer', minimum: 1, description: 'More get 413.' },
        },
        ['name', 'role'],
      ),
    },
    answer: object({ id: text, name: text, role: text, token: text }),
  },
  'DELETE /tokens/:id': {
    tag: 'tokens',
    summary: 'Revoke a token, by its id or name',
    role: 'admin',
    audited: true,
    answer: object({ id: text, name: text, revokedAt: text }),
  },
  'GET /evaluations/:digest/report': { tag: 'reports', summary: 'Report of an evaluation', role: 'operate', answer: PAGE },
  'GET /models/:model/versions/:version/report': { tag: 'reports', summary: 'Report of a version', role: 'operate', answer: PAGE },
  'GET /models/:model/versions/:version/card': { tag: 'reports', summary: 'Model card', role: 'operate', answer: PAGE },
  'GET /models/:model/timeline': {
    tag: 'reports',
    summary: 'What became of a model: versions, champions, drift, incidents, who did what',
    role: 'operate',
    query: { days: { ...DAYS, default: TIMELINE_DAYS } },
    answer: PAGE,
  },
  'GET /models/:model/drift/:id/report': { tag: 'reports', summary: 'Report of a check for drift', role: 'operate', answer: PAGE },
  'GET /digest': {
    tag: 'reports',
    summary: 'What happened to all models',
    role: 'operate',
    query: { days: { ...DAYS, default: DIGEST_DAYS } },
    answer: PAGE,
  },
};

/** The operation of a route, of HEAD that of GET; the verbs of one address are one route, and ask for the same. */
export function operationOf(method: string, url: string): Operation | undefined {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  return OPERATIONS[key] ?? OPERATIONS[`${key}:predict`];
}

/** Headers that a request may carry. */
export const LOG_PARAMETER = {
  name: LOG_HEADER,
  in: 'header',
  required: false,
  description: '"off": these rows are no traffic, and stay out of the prediction log.',
  schema: { enum: ['on', 'off'] },
};
