/** Every limit once, with its unit and its reason. */
export const limits = {
  /** Bytes of a pipeline document: it must fit into a plan, and nobody writes more by hand. */
  documentBytesMax: 1024 * 1024,
  /** Nesting of objects and arrays in a document: keeps recursion over it bounded. */
  documentDepthMax: 64,
  /** Bytes of `StepResult.values`: a handful of numbers; more belongs into an artifact. */
  stepValuesBytesMax: 16 * 1024,
  /**
   * Bytes of a whole step result: Temporal warns at 512 KiB of payload and refuses 2 MiB; all results of a run meet in one query answer.
   */
  stepResultBytesMax: 128 * 1024,
  /** Bytes of a compiled plan: it is the workflow's input, and part of every schedule. */
  planBytesMax: 1024 * 1024,
  /** Steps of one pipeline: three history events each and some signals keep a run below Temporal's 51,200 events. */
  stepsMax: 500,
  /** Trials that one execution of a study starts before it continues as new: a dozen history events each, far below Temporal's 51,200. */
  trialsPerExecution: 250,
  /** Progress signals of one step attempt: each costs the history a workflow task of four events. */
  progressSignalsMax: 20,
  /** Milliseconds between progress signals at least. */
  progressSignalGapMs: 2_000,
  /** Milliseconds between heartbeats of a step that says nothing. Well below every heartbeat timeout. */
  heartbeatIntervalMs: 1_000,
  /** Longest heartbeat timeout in milliseconds, whatever a step asks for: after a killed worker its steps wait this long for the next. */
  heartbeatTimeoutMsMax: 20_000,
  /** Times that a step is started again because its worker stopped, besides its own attempts. */
  interruptionsMax: 20,
  /** Characters of an error message that travels through Temporal. */
  messageCharsMax: 4_000,
} as const;
