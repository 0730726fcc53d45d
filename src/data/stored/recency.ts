/** How much rows count by their age, as data. */
export interface Recency {
  /** As the document says it, e.g. "30d". */
  readonly halfLife: string;
  readonly halfLifeMs: number;
  /** Time of the newest training row, in milliseconds since 1970, which counts `scale`. */
  readonly newest: number;
  /** Training rows count 1 on average: rates of optimizers mean what they mean without weights. */
  readonly scale: number;
}

/** @param time of the row, in milliseconds since 1970; NaN gives NaN */
export function recencyWeight({ halfLifeMs, newest, scale }: Recency, time: number): number {
  return scale * 2 ** ((time - newest) / halfLifeMs);
}
