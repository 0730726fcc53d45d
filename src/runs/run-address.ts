/** One execution: the newest of its workflow id where none is named. */
export interface RunAddress {
  readonly workflowId: string;
  /** Temporal's id of the execution. */
  readonly executionId?: string;
}

/** A workflow id alone stands for its newest execution. */
export function addressOf(run: string | RunAddress): RunAddress {
  return typeof run === 'string' ? { workflowId: run } : run;
}
