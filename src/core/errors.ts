/**
 * Every failure a user can meet, in one table. The code is the Temporal failure type and what `--json` prints; the category
 * decides the exit code and whether a stack trace is worth showing; `retryable` decides whether Temporal tries again.
 */
export type ErrorCategory = 'user' | 'data' | 'gate' | 'system';

interface ErrorEntry {
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  /** It stops a run before anything is learnt: the rows are not what they should be, which whoever brings them can correct. */
  readonly ofRows?: true;
  /** What to do about it, when the thrower knows nothing better. */
  readonly hint: string;
}

export const ERRORS = {
  // The document and the command line
  DOCUMENT_INVALID: { category: 'user', retryable: false, hint: 'Correct the places named above and run `perennial validate` again.' },
  DOCUMENT_UNREADABLE: { category: 'user', retryable: false, hint: 'Give the path of a UTF-8 JSON file.' },
  USAGE: { category: 'user', retryable: false, hint: 'See `perennial --help`.' },
  NAME_INVALID: {
    category: 'user',
    retryable: false,
    hint: 'Names are lower-case letters, digits, "-", "_" and ".", up to 63 characters, and start with a letter or digit.',
  },
  NOT_FOUND: { category: 'user', retryable: false, hint: 'List what exists with `perennial models list` or `perennial runs list`.' },
  SECRET_MISSING: { category: 'user', retryable: false, hint: 'Set the variable in the environment of the worker and start it again.' },
  CONFIG_INVALID: { category: 'user', retryable: false, hint: 'Correct the configuration of the step.' },
  PIPELINE_OUTDATED: { category: 'user', retryable: false, hint: 'Run the document again so that it is compiled by this version.' },
  // Data
  SOURCE_NOT_FOUND: {
    category: 'data',
    ofRows: true,
    retryable: false,
    hint: 'Check the path; relative paths start at the folder of the document.',
  },
  SOURCE_EMPTY: { category: 'data', ofRows: true, retryable: false, hint: 'Give a source with at least one row.' },
  SOURCE_INVALID: { category: 'data', ofRows: true, retryable: false, hint: 'Check that "format" fits the file.' },
  SOURCE_CHANGED: {
    category: 'data',
    ofRows: true,
    retryable: true,
    hint: 'The source was written to while it was read; it is read again from the start.',
  },
  COLUMN_MISSING: { category: 'data', ofRows: true, retryable: false, hint: 'Check the spelling against the columns of the source.' },
  SCHEMA_CHANGED: {
    category: 'data',
    ofRows: true,
    retryable: false,
    hint: 'Correct the source, or say in the ingest step that the change is right.',
  },
  LABEL_INVALID: { category: 'data', ofRows: true, retryable: false, hint: 'A label needs at least two distinct values.' },
  SPLIT_INVALID: { category: 'data', ofRows: true, retryable: false, hint: 'Give more rows or other proportions.' },
  EXPECTATION_FAILED: {
    category: 'data',
    ofRows: true,
    retryable: false,
    hint: 'Correct the data, or loosen the expectation or its "budget".',
  },
  DATA_INVALID: { category: 'data', ofRows: true, retryable: false, hint: 'Declare how to treat such values (impute, clip, drop).' },
  // Training
  SHAPE_MISMATCH: { category: 'user', retryable: false, hint: 'Change the layer so that the shapes fit.' },
  MODEL_INVALID: { category: 'user', retryable: false, hint: 'Correct the model.' },
  TRAINING_DIVERGED: { category: 'data', retryable: false, hint: 'Lower the learning rate, clip gradients, or standardize the features.' },
  OUT_OF_MEMORY: { category: 'user', retryable: false, hint: 'Lower the batch size and run again.' },
  TRAINER_CRASHED: { category: 'system', retryable: true, hint: 'The step is tried again from its last checkpoint.' },
  CHECKPOINT_CORRUPT: { category: 'system', retryable: true, hint: 'The checkpoint before it is used.' },
  TENSORFLOW_MISSING: { category: 'system', retryable: false, hint: 'Run `perennial doctor`, then `npm run setup`.' },
  EXPORT_DIFFERS: { category: 'data', retryable: false, hint: 'Pack fewer weights, or into more bytes; or export in another format.' },
  // Registration
  REGISTRATION_DIFFERS: {
    category: 'data',
    retryable: false,
    hint: 'Declare the type or the format of the column under "columns" of the ingest step and run again without the cache; should it stay, training and serving read it differently: report it.',
  },
  // Gates
  GATE_REJECTED: { category: 'gate', retryable: false, hint: 'See the evaluation for the metrics that fell short.' },
  ROUTING_PINNED: {
    category: 'gate',
    retryable: false,
    hint: 'A rollback pinned this model: `perennial models unpin MODEL` lets promotions through again.',
  },
  CHAMPION_CHANGED: { category: 'gate', retryable: false, hint: 'Judge the version against the champion of now: run its document again.' },
  VERSION_OUTDATED: {
    category: 'gate',
    retryable: false,
    hint: 'What is older never replaces what is newer by itself; `perennial models rollback MODEL --to VERSION` does so by hand, and pins it.',
  },
  // Registry and store
  VERSION_INVALID: { category: 'user', retryable: false, hint: 'List the versions with `perennial models show MODEL`.' },
  OBJECT_NOT_FOUND: { category: 'system', retryable: false, hint: 'The object store does not hold this object.' },
  PRECONDITION_FAILED: { category: 'system', retryable: true, hint: 'Somebody else wrote first; read again and retry.' },
  BLOB_CORRUPT: {
    category: 'system',
    retryable: false,
    hint: 'The stored bytes do not match their digest; restore the object from a backup or run the step again without the cache.',
  },
  STORE_UNAVAILABLE: { category: 'system', retryable: true, hint: 'Check PERENNIAL_STORE, S3_ENDPOINT and that the store answers.' },
  EVENT_FAILED: { category: 'system', retryable: true, hint: 'It is tried again until it arrives; see what the receiver says.' },
  EVENT_REFUSED: {
    category: 'user',
    retryable: false,
    hint: 'The event is set aside: correct the sink in "on.publish", apply the document, then `perennial events resend`.',
  },
  NOTIFICATION_FAILED: { category: 'system', retryable: true, hint: 'It is tried again for a day; see what the receiver says.' },
  NOTIFICATION_REFUSED: {
    category: 'user',
    retryable: false,
    hint: 'Correct the target in "on.notify"; `perennial notify FILE` tries it.',
  },
  STORE_FULL: {
    category: 'system',
    retryable: true,
    hint: 'Free space on the disk of the store; `perennial models gc` shows what can go.',
  },
  FILE_UNUSABLE: {
    category: 'user',
    retryable: true,
    hint: 'Look at what lies at that path, and at who may read and write there.',
  },
  TARGET_UNAVAILABLE: {
    category: 'system',
    retryable: true,
    hint: 'Look at "path" of the target in the deploy step: the workers write there, as their user.',
  },
  TARGET_BEHIND: {
    category: 'system',
    retryable: true,
    hint: 'It is tried again until it is in step: `perennial models targets MODEL` shows how far it is.',
  },
  TARGET_TAKEN: {
    category: 'user',
    retryable: false,
    hint: 'Give the target a path of its own, or remove that folder.',
  },
  STORE_UNSUITABLE: {
    category: 'user',
    retryable: false,
    hint: 'The store ignores conditional writes; use a file store or an S3 store that honours If-None-Match and If-Match.',
  },
  // Running
  TEMPORAL_UNAVAILABLE: {
    category: 'system',
    retryable: true,
    hint: 'Start the stack with `perennial up --detach`, or set TEMPORAL_ADDRESS.',
  },
  SERVER_UNAVAILABLE: {
    category: 'system',
    retryable: true,
    hint: 'Start the stack with `perennial up --detach`, or a server with `perennial serve`.',
  },
  SERVING_PROCESS: {
    category: 'system',
    retryable: true,
    hint: 'It is started again. Should it happen again and again, the machine may lack memory: the log of the server has what it wrote.',
  },
  SERVING_MEMORY: {
    category: 'user',
    retryable: false,
    hint: 'Raise PERENNIAL_SERVE_MEMORY, or serve the model from a server of its own.',
  },
  STORE_DIFFERS: {
    category: 'user',
    retryable: false,
    hint: 'Set PERENNIAL_STORE to the store that is meant, or talk to the stack of your own store: TEMPORAL_ADDRESS and PERENNIAL_HOME say which.',
  },
  STACK_UNREADABLE: {
    category: 'system',
    retryable: true,
    hint: 'A supervisor that lives writes it anew within seconds. Otherwise `perennial down` ends what runs here and removes it, and `perennial up --detach` starts again.',
  },
  PORT_TAKEN: { category: 'user', retryable: false, hint: 'Stop what listens there, or choose another port.' },
  ALREADY_RUNNING: { category: 'user', retryable: false, hint: 'Stop it with `perennial down`, or use another PERENNIAL_HOME.' },
  PROVISIONING_FAILED: { category: 'system', retryable: false, hint: 'See `perennial doctor` for what is missing.' },
  COMMAND_FAILED: { category: 'user', retryable: false, hint: 'Run the command by hand with the same input to see its output.' },
  STUDY_FAILED: { category: 'user', retryable: false, hint: 'Correct what its trials failed of: `perennial studies show STUDY` has each.' },
  STEP_FAILED: { category: 'user', retryable: false, hint: 'See the message of the step.' },
  TIMEOUT: { category: 'system', retryable: true, hint: 'Raise "timeout" of the step if it needs longer.' },
  CANCELLED: { category: 'user', retryable: false, hint: 'The run was cancelled.' },
  LIMIT_EXCEEDED: { category: 'user', retryable: false, hint: 'See src/core/limits.ts for the limits and their reasons.' },
  INTERNAL: { category: 'system', retryable: true, hint: 'This is a defect of Perennial; please report it with the message.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

const MARK = Symbol.for('perennial.error');

/** The one error class. Recognise it with {@link isPerennialError}: `instanceof` fails across the workflow's realm. */
export class PerennialError extends Error {
  readonly [MARK] = true;
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const entry: ErrorEntry = ERRORS[code];
    this.name = 'PerennialError';
    this.code = code;
    this.category = entry.category;
    this.retryable = entry.retryable;
    this.hint = options.hint ?? entry.hint;
    this.details = options.details ?? {};
  }
}

export function isPerennialError(error: unknown, code?: ErrorCode): error is PerennialError {
  const marked = typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[MARK] === true;
  return marked && (code === undefined || (error as PerennialError).code === code);
}

/** 0 done · 1 the run failed · 2 bad input or usage · 3 a gate said no · 4 a service cannot be reached · 130 interrupted. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'CANCELLED') return 130;
  if (code === 'TEMPORAL_UNAVAILABLE' || code === 'STORE_UNAVAILABLE' || code === 'SERVER_UNAVAILABLE') return 4;
  const { category } = ERRORS[code];
  if (category === 'gate') return 3;
  // What a command was given, rows and files included; within a run the run's own exit code says it failed.
  if (category === 'user' || category === 'data') return 2;
  return 1;
}

/** Whether a code, of whatever version, says that the rows are not what they should be. */
export function isOfRows(code: string): boolean {
  return Object.hasOwn(ERRORS, code) && (ERRORS[code as ErrorCode] as ErrorEntry).ofRows === true;
}

/** The message of anything thrown, for a line of text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
