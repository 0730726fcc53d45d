/** What a run measured, by name; `baseline_…`: of the naive forecast. */
export type Metrics = Readonly<Record<string, number>>;

/** A document of `pipelines/`, and what its description promises. */
export interface Sample {
  readonly name: string;
  readonly data: string;
  /** What the description of the document promises of the test split, beside its gates. */
  readonly holds: (metrics: Metrics) => boolean;
  /** Somebody has to approve before it is registered. */
  readonly asks?: true;
  /**
   * For samples that learn for minutes: parameters and a share of the training rows that learn for seconds, and the bounds of the gates
   * that these reach.
   */
  readonly quick?: {
    readonly parameters: Readonly<Record<string, number>>;
    readonly fraction?: number;
    readonly gates: Readonly<Record<string, number>>;
  };
}

export const SAMPLES: readonly Sample[] = [
  { name: 'penguins-approved', data: 'penguins.csv', asks: true, holds: ({ accuracy }: Metrics) => accuracy! >= 0.95 },
  { name: 'penguins-canary', data: 'penguins.csv', holds: ({ accuracy }: Metrics) => accuracy! >= 0.97 },
  {
    name: 'penguins-tuned',
    data: 'penguins.csv',
    holds: ({ accuracy }: Metrics) => accuracy! >= 0.95,
    quick: { parameters: { trials: 2, folds: 2, epochs: 12 }, gates: { accuracy: 0.8 } },
  },
  { name: 'penguins', data: 'penguins.csv', holds: ({ accuracy }: Metrics) => accuracy! >= 0.97 },
  {
    name: 'weather',
    data: 'weather',
    holds: ({ meanAbsoluteError, baseline_meanAbsoluteError }: Metrics) => meanAbsoluteError! < baseline_meanAbsoluteError!,
  },
  {
    name: 'digits',
    data: 'digits',
    holds: ({ accuracy }: Metrics) => accuracy! >= 0.97,
    quick: { parameters: { epochs: 3 }, fraction: 0.65, gates: { accuracy: 0.9 } },
  },
  {
    name: 'digits-transfer',
    data: 'digits',
    holds: ({ accuracy }: Metrics) => accuracy! >= 0.97,
    quick: { parameters: { baseEpochs: 3, epochs: 14 }, fraction: 0.75, gates: { accuracy: 0.7 } },
  },
  {
    name: 'fashion',
    data: 'fashion',
    holds: ({ accuracy }: Metrics) => accuracy! >= 0.9,
    quick: { parameters: { epochs: 1 }, fraction: 0.65, gates: { accuracy: 0.8 } },
  },
  {
    name: 'spam',
    data: 'spam',
    holds: ({ f1 }: Metrics) => f1! >= 0.95,
    quick: { parameters: { epochs: 2, length: 100 }, fraction: 0.6, gates: { f1: 0.85 } },
  },
  {
    name: 'spam-transformer',
    data: 'spam',
    holds: ({ f1 }: Metrics) => f1! >= 0.97,
    quick: { parameters: { epochs: 2, length: 100 }, fraction: 0.6, gates: { f1: 0.8 } },
  },
  {
    name: 'digits-autoencoder',
    data: 'digits',
    holds: ({ rocAuc }: Metrics) => rocAuc! >= 0.95,
    quick: { parameters: { epochs: 6 }, fraction: 0.5, gates: { rocAuc: 0.85 } },
  },
  {
    name: 'digits-gan',
    data: 'digits',
    holds: ({ frechetDistanceRatio }: Metrics) => frechetDistanceRatio! <= 0.2,
    quick: { parameters: { epochs: 3 }, fraction: 0.65, gates: { frechetDistanceRatio: 0.8 } },
  },
  {
    name: 'sequence',
    data: 'co2',
    holds: ({ meanAbsoluteError, baseline_meanAbsoluteError }: Metrics) => meanAbsoluteError! < 0.9 * baseline_meanAbsoluteError!,
  },
];
