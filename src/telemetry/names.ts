/**
 * Every name that Perennial tells OpenTelemetry: spans, attributes and metrics. What is not in these tables does not leave the
 * process (guard.ts), so neither a row, nor a secret, nor an error's message can.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/ for the names of `semconv`
 */

export type AttributeValue = string | number | boolean;

interface AttributeEntry {
  readonly type: 'string' | 'int' | 'double' | 'boolean';
  /** Whose name it is. */
  readonly of: 'semconv' | 'temporal' | 'perennial';
  readonly description: string;
  /** What its values look like, where that is known: others are left out. Keeps free text from getting in by a side door. */
  readonly values?: RegExp;
}

/** Names of models, pipelines, steps: what documents may call things. */
const NAME = /^[\w.@:-]{1,128}$/;
const CODE = /^[\w.]{1,64}$/;

export const ATTRIBUTES = {
  'cicd.pipeline.name': { type: 'string', of: 'semconv', description: 'The pipeline: `pipeline` of its document.', values: NAME },
  'cicd.pipeline.run.id': { type: 'string', of: 'semconv', description: 'The run, as `perennial runs list` names it.', values: NAME },
  'cicd.pipeline.run.state': {
    type: 'string',
    of: 'semconv',
    description: 'Where the run is: `executing`.',
    values: /^(pending|executing|finalizing)$/,
  },
  'cicd.pipeline.result': {
    type: 'string',
    of: 'semconv',
    description: 'How a run ended. A gate that said no is a `failure`, something around Perennial that broke an `error`.',
    values: /^(success|failure|error|timeout|cancellation|skip)$/,
  },
  'cicd.pipeline.task.name': { type: 'string', of: 'semconv', description: 'The step: `id` of the document.', values: NAME },
  'cicd.pipeline.task.run.id': {
    type: 'string',
    of: 'semconv',
    description: 'The attempt: activity id and number of the attempt.',
    values: /^[\w.@:# -]{1,160}\/\d+$/,
  },
  'cicd.pipeline.task.run.result': {
    type: 'string',
    of: 'semconv',
    description: 'How an attempt of a step ended; `skip`: its result came from the cache.',
    values: /^(success|failure|error|timeout|cancellation|skip)$/,
  },
  'cicd.worker.id': {
    type: 'string',
    of: 'semconv',
    description: 'The worker process: its pid and host, as Temporal shows it.',
    values: /^[\w.@:-]{1,256}$/,
  },
  'error.type': {
    type: 'string',
    of: 'semconv',
    description: 'A code of docs/errors.md, a status of HTTP or gRPC, or the class of the error. Never its message.',
    values: CODE,
  },
  'exception.type': {
    type: 'string',
    of: 'semconv',
    description: 'Class of an error that Temporal recorded. Message and stack are left out.',
    values: CODE,
  },
  'http.request.method': { type: 'string', of: 'semconv', description: 'GET, POST and so on.', values: /^[A-Z_]{1,16}$/ },
  'http.response.status_code': { type: 'int', of: 'semconv', description: 'Status of the answer.' },
  'http.route': { type: 'string', of: 'semconv', description: 'The route that matched, with its parameters by name.' },
  'network.protocol.version': { type: 'string', of: 'semconv', description: '1.0 or 1.1.', values: /^[\d.]{1,8}$/ },
  'process.exit.code': { type: 'int', of: 'semconv', description: 'What the command ended with.' },
  'rpc.system.name': { type: 'string', of: 'semconv', description: '`grpc`.', values: /^grpc$/ },
  'rpc.method': {
    type: 'string',
    of: 'semconv',
    description: 'Service and method of a call over gRPC, as in `inference.GRPCInferenceService/ModelInfer`.',
    values: /^[\w.]{1,128}\/\w{1,64}$/,
  },
  'rpc.response.status_code': {
    type: 'string',
    of: 'semconv',
    description: 'Status of the answer to it, as in `OK` and `NOT_FOUND`.',
    values: CODE,
  },
  'server.address': { type: 'string', of: 'semconv', description: 'Host that was asked.', values: /^[\w.:[\]-]{1,253}$/ },
  'server.port': { type: 'int', of: 'semconv', description: 'Port that was asked.' },
  'url.path': {
    type: 'string',
    of: 'semconv',
    description: 'Path of a request that was answered; the route where it was refused, since a mistaken path may hold anything.',
  },
  'url.scheme': { type: 'string', of: 'semconv', description: 'http or https.', values: /^https?$/ },
  'url.template': { type: 'string', of: 'semconv', description: 'Path that was asked, with its parameters by name.' },
  temporalWorkflowId: { type: 'string', of: 'temporal', description: 'Id of the workflow.' },
  run_id: { type: 'string', of: 'temporal', description: "Temporal's id of the execution.", values: /^[\w-]{1,64}$/ },
  temporalActivityId: { type: 'string', of: 'temporal', description: 'Id of the activity: the step.' },
  temporalUpdateId: { type: 'string', of: 'temporal', description: "Id of an Update of a model's workflow." },
  'perennial.command': { type: 'string', of: 'perennial', description: 'The command without its arguments.', values: /^[a-z]+( [a-z]+)*$/ },
  'perennial.trigger': {
    type: 'string',
    of: 'perennial',
    description: 'What started the run: manual, schedule, backfill, drift, newData and so on.',
    values: NAME,
  },
  'perennial.verdict': { type: 'string', of: 'perennial', description: 'What the gates said.', values: NAME },
  'perennial.step.type': { type: 'string', of: 'perennial', description: 'Type of the step: `uses` of the document.', values: NAME },
  'perennial.cache.result': {
    type: 'string',
    of: 'perennial',
    description: 'hit, miss, or off where the step or the run does not read the cache.',
    values: /^(hit|miss|off)$/,
  },
  'perennial.task_queue': { type: 'string', of: 'perennial', description: 'Task queue that the step waited in.' },
  'perennial.store.operation': {
    type: 'string',
    of: 'perennial',
    description: 'get, getStream, head, put, putFile, list or delete.',
    values: /^[a-zA-Z]{1,16}$/,
  },
  'perennial.store.system': { type: 'string', of: 'perennial', description: 'file, s3 or memory.', values: /^(file|s3|memory)$/ },
  'perennial.store.area': {
    type: 'string',
    of: 'perennial',
    description: 'First part of the key: artifacts, blobs, cache, models and so on.',
    values: /^[a-z]{1,32}$/,
  },
  'perennial.store.key': { type: 'string', of: 'perennial', description: 'Key of the object.' },
  'perennial.store.bytes': { type: 'int', of: 'perennial', description: 'Bytes that were read or written.' },
  'perennial.model.name': { type: 'string', of: 'perennial', description: 'Name in the registry.', values: NAME },
  'perennial.model.version': { type: 'int', of: 'perennial', description: 'Number of the version.' },
  'perennial.registry.action': {
    type: 'string',
    of: 'perennial',
    description: 'register, promote, alias, removeAlias, rollback, unpin or delete.',
    values: /^[a-zA-Z]{1,16}$/,
  },
  'perennial.registry.alias': { type: 'string', of: 'perennial', description: 'Alias that moved.', values: NAME },
  'perennial.registry.changed': { type: 'boolean', of: 'perennial', description: 'false: it was so already.' },
  'perennial.confirmed': { type: 'boolean', of: 'perennial', description: 'Whether every live server answered with the version.' },
  'perennial.servers': { type: 'int', of: 'perennial', description: 'Servers that were asked.' },
  'perennial.run.trace_id': {
    type: 'string',
    of: 'perennial',
    description: 'Trace of the run that made the version; the span of a prediction has a link to it, too.',
    values: /^[0-9a-f]{32}$/,
  },
  'perennial.rows': { type: 'int', of: 'perennial', description: 'Predictions of one answer.' },
  'perennial.engine': { type: 'string', of: 'perennial', description: 'How the trainer computes: graph or eager.', values: NAME },
  'perennial.epochs': { type: 'int', of: 'perennial', description: 'Epochs that the trainer was to do.' },
  'perennial.resumed_epoch': {
    type: 'int',
    of: 'perennial',
    description: 'Epoch of the checkpoint that the trainer went on from; 0 for a fresh start.',
  },
} as const satisfies Record<string, AttributeEntry>;

export type AttributeName = keyof typeof ATTRIBUTES;
export type Attributes = { readonly [name in AttributeName]?: AttributeValue | undefined };

interface SpanEntry {
  readonly of: 'semconv' | 'temporal' | 'perennial';
  readonly kind: 'internal' | 'server' | 'client';
  readonly description: string;
}

/** By their names; `{…}` stands for a word. */
export const SPANS = {
  'perennial {command}': {
    of: 'perennial',
    kind: 'internal',
    description: 'A command, from its start to its exit. Goes on with the trace of `TRACEPARENT`, where a CI system has set it.',
  },
  'StartWorkflow:{type}': { of: 'temporal', kind: 'internal', description: 'The client starts a run.' },
  'StartWorkflowUpdate:{type}': { of: 'temporal', kind: 'internal', description: 'The client sends an Update.' },
  'UpdateWithStartWorkflow:{type}': {
    of: 'temporal',
    kind: 'internal',
    description: "The client asks the model's workflow to promote, roll back or unpin.",
  },
  'SignalWorkflow:{type}': { of: 'temporal', kind: 'internal', description: 'A client sends a Signal.' },
  CancelWorkflow: { of: 'temporal', kind: 'internal', description: 'The client cancels a run.' },
  TerminateWorkflow: { of: 'temporal', kind: 'internal', description: 'The client terminates a run.' },
  'RunWorkflow:{type}': {
    of: 'temporal',
    kind: 'internal',
    description:
      'A run, a check of a monitor, a backfill, the turn of a pipeline or the workflow of a model, from its start to its end. The root of what a schedule starts.',
  },
  'HandleUpdate:{type}': { of: 'temporal', kind: 'internal', description: 'A workflow does what an Update asks for.' },
  'ValidateUpdate:{type}': { of: 'temporal', kind: 'internal', description: 'A workflow looks whether it takes an Update.' },
  'StartActivity:{type}': { of: 'temporal', kind: 'internal', description: 'A step of a run with its waiting and all its attempts.' },
  'StartChildWorkflow:{type}': {
    of: 'temporal',
    kind: 'internal',
    description: 'A monitor or a backfill starts a run; a run takes the turn of its pipeline.',
  },
  'ContinueAsNew:{type}': { of: 'temporal', kind: 'internal', description: 'The workflow of a model begins a new history.' },
  'RunActivity:{type}': { of: 'temporal', kind: 'internal', description: 'One attempt of a step, on a worker.' },
  train: { of: 'perennial', kind: 'internal', description: 'The trainer process, from its start to its result.' },
  'store {operation}': {
    of: 'perennial',
    kind: 'client',
    description: 'One call of the object store, its repetitions included. Only within a trace.',
  },
  'registry {action}': { of: 'perennial', kind: 'internal', description: 'A version is registered, or the routing changed.' },
  confirm: { of: 'perennial', kind: 'internal', description: 'All servers are asked until they answer with the version.' },
  'predict {model}': {
    of: 'perennial',
    kind: 'internal',
    description: 'A question answered by one version. Linked to the trace of the run that made it.',
  },
  '{method}': { of: 'semconv', kind: 'client', description: 'An HTTP request to a model server; or one to it that no route matched.' },
  '{method} {route}': { of: 'semconv', kind: 'server', description: 'An HTTP request that the model server answers.' },
  '{service}/{call}': { of: 'semconv', kind: 'server', description: 'A call over gRPC that the model server answers.' },
} as const satisfies Record<string, SpanEntry>;

interface MetricEntry {
  readonly kind: 'counter' | 'upDownCounter' | 'histogram' | 'gauge';
  /** UCUM. */
  readonly unit: string;
  readonly of: 'semconv' | 'perennial';
  readonly description: string;
  readonly attributes: readonly AttributeName[];
  /** Bounds of the buckets of a histogram, where the default of OpenTelemetry does not fit. */
  readonly buckets?: readonly number[];
}

const QUICK = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const LONG = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 14_400];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export const METRICS = {
  'cicd.pipeline.run.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'semconv',
    description: 'Duration of runs.',
    attributes: ['cicd.pipeline.name', 'cicd.pipeline.run.state', 'cicd.pipeline.result', 'error.type', 'perennial.trigger'],
    buckets: LONG,
  },
  'cicd.pipeline.run.active': {
    kind: 'upDownCounter',
    unit: '{run}',
    of: 'semconv',
    description: 'Runs that are under way. Start and end may be counted by two workers: sum over them.',
    attributes: ['cicd.pipeline.name', 'cicd.pipeline.run.state'],
  },
  'cicd.pipeline.run.errors': {
    kind: 'counter',
    unit: '{error}',
    of: 'semconv',
    description: 'Runs that failed, were rejected or timed out, by their error.',
    attributes: ['cicd.pipeline.name', 'error.type'],
  },
  'perennial.step.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'perennial',
    description: 'Duration of the attempts of steps, without waiting.',
    attributes: ['cicd.pipeline.name', 'cicd.pipeline.task.name', 'perennial.step.type', 'cicd.pipeline.task.run.result', 'error.type'],
    buckets: LONG,
  },
  'perennial.step.active': {
    kind: 'upDownCounter',
    unit: '{step}',
    of: 'perennial',
    description: 'Attempts of steps that run on the worker.',
    attributes: ['perennial.step.type', 'perennial.task_queue'],
  },
  'perennial.queue.wait': {
    kind: 'histogram',
    unit: 's',
    of: 'perennial',
    description: 'Time that an attempt of a step waited in its task queue for a worker.',
    attributes: ['perennial.task_queue', 'perennial.step.type'],
    buckets: LONG,
  },
  'perennial.cache.lookups': {
    kind: 'counter',
    unit: '{lookup}',
    of: 'perennial',
    description: 'Steps that could be cached, by what the cache said.',
    attributes: ['perennial.cache.result', 'perennial.step.type', 'cicd.pipeline.name'],
  },
  'perennial.trainer.epochs': {
    kind: 'counter',
    unit: '{epoch}',
    of: 'perennial',
    description: 'Epochs that were trained.',
    attributes: [],
  },
  'perennial.trainer.examples.rate': {
    kind: 'gauge',
    unit: '{example}/s',
    of: 'perennial',
    description: 'Examples that the trainer learns from in a second.',
    attributes: [],
  },
  'perennial.trainer.memory': {
    kind: 'gauge',
    unit: 'By',
    of: 'perennial',
    description: 'Resident memory of the trainer process.',
    attributes: [],
  },
  'perennial.store.operation.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'perennial',
    description: 'Duration of calls of the object store, within traces or not.',
    attributes: ['perennial.store.operation', 'perennial.store.system', 'perennial.store.area', 'error.type'],
    buckets: QUICK,
  },
  'perennial.registry.changes': {
    kind: 'counter',
    unit: '{change}',
    of: 'perennial',
    description: 'Versions registered and changes of the routing.',
    attributes: ['perennial.model.name', 'perennial.registry.action', 'perennial.registry.changed', 'error.type'],
  },
  'perennial.registry.confirmation.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'perennial',
    description: 'Time until the servers answered with a promoted version, or until it was given up.',
    attributes: ['perennial.model.name', 'perennial.confirmed'],
    buckets: QUICK,
  },
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'semconv',
    description: 'Duration of HTTP requests to the model server.',
    attributes: ['http.request.method', 'http.route', 'http.response.status_code', 'url.scheme', 'network.protocol.version', 'error.type'],
    buckets: QUICK,
  },
  'rpc.server.call.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'semconv',
    description: 'Duration of calls to the model server over gRPC.',
    attributes: ['rpc.system.name', 'rpc.method', 'rpc.response.status_code', 'error.type'],
    buckets: QUICK,
  },
  'http.server.active_requests': {
    kind: 'upDownCounter',
    unit: '{request}',
    of: 'semconv',
    description: 'HTTP requests that are being answered.',
    attributes: ['http.request.method', 'url.scheme'],
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    of: 'semconv',
    description: 'Duration of HTTP requests to model servers.',
    attributes: ['http.request.method', 'http.response.status_code', 'server.address', 'server.port', 'url.template', 'error.type'],
    buckets: QUICK,
  },
  'perennial.server.predictions': {
    kind: 'counter',
    unit: '{row}',
    of: 'perennial',
    description: 'Rows predicted.',
    attributes: ['perennial.model.name', 'perennial.model.version'],
  },
  'perennial.server.batch.rows': {
    kind: 'histogram',
    unit: '{row}',
    of: 'perennial',
    description: 'Rows per call of the network.',
    attributes: ['perennial.model.name'],
    buckets: ROWS,
  },
  'perennial.server.queue.wait': {
    kind: 'histogram',
    unit: 's',
    of: 'perennial',
    description: 'Time from a question to the end of its last batch.',
    attributes: ['perennial.model.name'],
    buckets: QUICK,
  },
  'perennial.server.swaps': {
    kind: 'counter',
    unit: '{swap}',
    of: 'perennial',
    description: 'Times another version began to answer.',
    attributes: ['perennial.model.name', 'perennial.model.version'],
  },
  'perennial.server.load.failures': {
    kind: 'counter',
    unit: '{failure}',
    of: 'perennial',
    description: 'Attempts to load a version that failed.',
    attributes: ['perennial.model.name'],
  },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;

/** What every span and metric says about the process it comes from, beside what OTEL_RESOURCE_ATTRIBUTES adds. */
export const RESOURCE = {
  'service.name': 'perennial-cli, perennial-worker, perennial-trainer or perennial-server; OTEL_SERVICE_NAME overrides it.',
  'service.namespace': 'perennial',
  'service.version': 'Version of Perennial.',
  'service.instance.id': 'A new one for every process.',
} as const;

const WORD: Readonly<Record<string, string>> = {
  '{command}': '[a-z]+(?: [a-z]+)*',
  '{method}': '[A-Z_]{1,16}',
  '{route}': '/[^ ]*',
  '{service}': '[\\w.]{1,128}',
  '{call}': '\\w{1,64}',
  '{type}': '[\\w.@-]{1,160}',
  '{operation}': '[a-zA-Z]+',
  '{action}': '[a-zA-Z]+',
  '{model}': '[a-z0-9][a-z0-9._-]{0,62}',
};
const PATTERNS = Object.keys(SPANS).map((name) => ({
  name: name as keyof typeof SPANS,
  pattern: new RegExp(`^${name.replace(/\{\w+\}/g, (word) => WORD[word]!)}$`),
}));

/** The entry of {@link SPANS} that a span's name belongs to; undefined where it belongs to none. */
export function spanEntryOf(name: string): keyof typeof SPANS | undefined {
  return PATTERNS.find(({ pattern }) => pattern.test(name))?.name;
}

/** Whether an attribute may leave the process as it is. */
export function isAllowed(name: string, value: unknown): boolean {
  const entry: AttributeEntry | undefined = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name as AttributeName] : undefined;
  if (entry === undefined) return false;
  if (entry.type === 'int') return Number.isSafeInteger(value);
  if (entry.type === 'double') return typeof value === 'number';
  if (typeof value !== entry.type) return false;
  return typeof value !== 'string' || (value.length <= 1_024 && (entry.values === undefined || entry.values.test(value)));
}
