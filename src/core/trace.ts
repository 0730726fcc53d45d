/** A place in a trace, by the ids of W3C Trace Context. */
export interface TraceReference {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}
