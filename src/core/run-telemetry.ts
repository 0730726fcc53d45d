/** What a run is told by, as far as traces and metrics go. */
export interface RunFacts {
  readonly pipeline: string;
  readonly trigger: string;
}

/** How it ended, in the words of OpenTelemetry's conventions for pipelines. */
export interface RunEnd {
  readonly result: 'success' | 'failure' | 'error' | 'timeout' | 'cancellation' | 'skip';
  /** A code of the error table. */
  readonly error?: string;
  readonly verdict?: string;
  readonly seconds: number;
}
