export interface ServerAnswer {
  readonly id: string;
  readonly url: string;
  /** What it answered last; null where it did not answer or does not serve the model. */
  readonly version: number | null;
  readonly confirmed: boolean;
  /** From the beginning of the question to the confirming answer, or to giving up. */
  readonly milliseconds: number;
  readonly error?: string;
}

/** Who took the place of a version as champion. */
export interface Superseded {
  readonly version: number;
  readonly who: string;
}

export interface Confirmation {
  /** true: at least one live server, and every live server answers with the version. */
  readonly confirmed: boolean;
  readonly servers: readonly ServerAnswer[];
  /** Addresses of the servers that answer with the version. */
  readonly confirmedBy: readonly string[];
  /** Another version is the champion by now: no server will answer with this one, so nothing is waited for. */
  readonly superseded?: Superseded;
  /** One sentence. */
  readonly summary: string;
}
