/** Rows that go into one request of the check before a registration, and the examples that its answers belong to. */
export interface Question {
  /** Places among the raw rows, in the order in which they are sent. */
  readonly rows: readonly number[];
  readonly answers: readonly ExpectedAnswer[];
}

interface ExpectedAnswer {
  /** Of the test split. */
  readonly example: number;
  /** The row of the request that the answer belongs to. */
  readonly row: number;
  /** The rows of the request that the example is made of, in order. */
  readonly rows: readonly number[];
}

/**
 * Examples that are rows: one by itself and all others together, since a request has any number of rows.
 *
 * @param examples of the raw rows
 */
export function questionsOfRows(examples: readonly number[], answersMax: number): Question[] {
  const count = Math.min(examples.length, answersMax);
  return [[0, Math.min(1, count)] as const, [1, count] as const].flatMap(([from, to]) =>
    to <= from
      ? []
      : [
          {
            rows: Array.from({ length: to - from }, (_, at) => from + at),
            answers: examples.slice(from, to).map((example, row) => ({ example, row, rows: [row] })),
          },
        ],
  );
}

/**
 * Examples that are windows: the first by itself, and the rows of all others together, whatever series they are of.
 *
 * @param windows places of the rows of each example @param places of the raw rows, among which all of these are
 */
export function questionsOfWindows(windows: ReadonlyMap<number, Int32Array>, places: readonly number[]): Question[] {
  const raw = new Map(places.map((place, index) => [place, index]));
  const all = [...windows];
  return [all.slice(0, 1), all.slice(1)].flatMap((own) => {
    if (own.length === 0) return [];
    const rows = [...new Set(own.flatMap(([, members]) => Array.from(members, (place) => raw.get(place)!)))].sort((a, b) => a - b);
    const sent = new Map(rows.map((row, at) => [row, at]));
    const answers = own.map(([example, members]) => {
      const used = Array.from(members, (place) => sent.get(raw.get(place)!)!);
      return { example, row: used.at(-1)!, rows: used };
    });
    return [{ rows, answers }];
  });
}
