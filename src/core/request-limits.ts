/** Bounds of what may be asked of a model, by all its callers together. As declared, and as the routing of the model keeps it. */
export interface RequestLimits {
  /** Of one server, on average; what was not asked in the last second may be asked at once. More get 429. */
  readonly requestsPerSecond?: number;
  /** More get 413. */
  readonly rowsPerRequest?: number;
  /** Of a body, unpacked. More get 413. */
  readonly bytesPerRequest?: number;
  /** How long a request may wait for the network, e.g. "500ms"; then it gets 503. */
  readonly timeout?: string;
}
