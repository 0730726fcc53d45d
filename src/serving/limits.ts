/** Bounds of the model server, each with its reason. Sizes in bytes, times in milliseconds. */
export const SERVING_LIMITS = {
  /** A batch of images as JSON fits; more belongs into a batch run. */
  bodyBytesMax: 32 * 1024 * 1024,
  /** Rows of one request: keeps the time between two answers of others short. */
  rowsMax: 10_000,
  /** Parts of one form: each makes a few objects, however small it is. */
  formPartsMax: 10_000,
  /** Columns of a body of CSV: reading the header of more holds up everybody else. */
  csvColumnsMax: 10_000,
  /** Pixels of all images of one request: three bytes each, before they are made smaller. A few bytes may hold millions. */
  imagePixelsMax: 128 * 1024 * 1024,
  /** Keys of one object of a body: ten times the columns that the widest tables have. */
  keysMax: 100_000,
  /** Rows that wait per loaded version before 503: about a second of work for a small model. */
  queueRowsMax: 20_000,
  /** How long a request waits for the network before 503: whoever asks has given up by then, or is better off asking another server. */
  waitMs: 10_000,
  /** Rows of one call of the network: large enough to fill vector units, small enough to keep the event loop moving. */
  batchRowsMax: 256,
  /** How long a call of the network may hold the event loop up; a network that takes longer answers from a process of its own. */
  loopMsMax: 5,
  /** Multiplications of one row from which on a process of its own finds that out, so that loading holds nobody up either. */
  loopWorkMax: 1_000_000,
  /** Rows of the call by which that is decided: the network computes batches in pieces of so many rows. */
  loopRows: 64,
  /** A network that was brought back for somebody stays at least so long, until it is asked. */
  heldMs: 1_000,
  /** How often those who wait for a network that comes back are looked through for those who waited too long. */
  patienceCheckMs: 50,
  /** What a loaded version counts besides twice its weights. */
  versionBytesMin: 2 * 1024 * 1024,
  /** A process that ended by itself is started again after this, doubling up to the maximum of `loadRetryMaxMs`. */
  processRetryMs: 100,
  /** A process that lived so long ended for another reason than the time before. */
  processSteadyMs: 60_000,
  /** How often it is looked whether a process computes what it was asked for. */
  hangCheckMs: 500,
  /** So many looks in which it did not compute at all: it is stopped, or waits for what never comes. */
  hangChecksMax: 10,
  /** Who computes that long for one call, and longer than this many times what its rows took before, does not come to an end. */
  callMsMax: 60_000,
  callSlownessMax: 20,
  /** Time for a process to load its network. */
  processStartMs: 120_000,
  /** Versions loaded because somebody addressed them, besides the champions. */
  extraVersionsMax: 4,
  /** How often the routing of each model is looked at; a promotion must be live within a second. */
  pollMs: 200,
  /** How often the store is asked for models that are new. A request for an unknown model asks at once. */
  discoverMs: 1_000,
  /** How long a description of a model waits for the list of its versions; then the list seen last is given. */
  versionListMs: 500,
  /** A version that could not be loaded is tried again after this, doubling up to the maximum. */
  loadRetryMs: 500,
  loadRetryMaxMs: 30_000,
  /** Time given to requests in flight when the server stops. With the log's it stays below the 15 s that the stack waits. */
  drainMs: 8_000,
  /** Time that the end waits for a store that does not answer. */
  farewellMs: 1_000,
  /** How often the clock of the machine is compared with that of the store; one that was set is found by it. */
  clockMs: 10_000,
  announceMs: 5_000,
  /** How often the counts of a rollout are written; with the look of whoever judges them and the polls of the servers far below 2 s. */
  rolloutFlushMs: 400,
  /** A server that reaches no store for so long tries no candidate any more: nobody could tell it to stop. */
  rolloutAloneMs: 5_000,
  /** Copies for a shadow that wait; more would be of requests that nobody remembers. */
  shadowsWaitingMax: 16,
  /** Part of the time that copies may take from live requests. */
  shadowTimeShare: 0.1,
  /** Time for a request to arrive as a whole: the largest body at 5 Mbit/s. Whoever takes longer holds a connection for nothing. */
  arrivalMs: 60_000,
  arrivalCheckMs: 1_000,
} as const;

/** Bounds of the prediction log. */
export const PREDICTION_LOG_LIMITS = {
  flushMs: 3_000,
  /** Lines that start a flush before its time. */
  flushLines: 1_000,
  /** What is kept in memory while the store is away; lines beyond it are dropped and counted. */
  bufferBytesMax: 16 * 1024 * 1024,
  /** Pixels that wait to be measured; rows beyond them are logged without what is measured of their images. */
  pixelsMax: 16 * 1024 * 1024,
  /** A line longer than this is logged without its row. */
  lineBytesMax: 64 * 1024,
  /** Time that stopping the server waits for the last flush. */
  closeMs: 4_000,
} as const;
