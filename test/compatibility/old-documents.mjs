/** What ran in each old store: documents as that version wrote them, with the parameters of every run. Small, so that each takes seconds. */

const PARAMETERS = {
  epochs: { type: 'integer', default: 20, description: 'Passes.' },
  seed: { type: 'integer', default: 1, description: 'Of the weights.' },
};
const train = (model, rest = {}) => ({
  uses: 'train',
  with: {
    model,
    optimizer: { adam: { learningRate: 0.01 } },
    epochs: '${parameters.epochs}',
    batchSize: 32,
    seed: '${parameters.seed}',
    ...rest,
  },
});
const ingest = (source, label, rest = {}) => ({
  uses: 'ingest',
  with: {
    source,
    ...(label === undefined ? {} : { label }),
    split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash', stratify: true },
    ...rest,
  },
});
const PENGUINS = { format: 'csv', path: 'data/penguins.csv' };
const SENTENCES = { format: 'ndjson', path: 'data/sentences.ndjson' };
const REGISTER = [
  { uses: 'register', with: { alias: 'challenger' } },
  { uses: 'deploy', with: { to: 'server', promote: 'champion' } },
];
const NUMBER = [{ impute: 'median' }, 'standardize'];
const MEASURES = { bill_length_mm: NUMBER, bill_depth_mm: NUMBER, flipper_length_mm: NUMBER, body_mass_g: NUMBER };
const document = (name, steps) => ({ name, description: `${name}.`, parameters: PARAMETERS, steps });
const penguin = (island, length, depth, flipper, mass, sex) => ({
  island,
  bill_length_mm: length,
  bill_depth_mm: depth,
  flipper_length_mm: flipper,
  body_mass_g: mass,
  sex,
});
const SOME_PENGUINS = [penguin('Biscoe', 46.1, 13.2, 211, 4500, 'female'), penguin('Dream', 39.5, 17.4, 186, 3800, null)];
const WAVE = Array.from({ length: 16 }, (_, day) => ({
  date: new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10),
  level: Number((10 + 5 * Math.sin(day / 6)).toFixed(2)),
  sky: day % 3 === 0 ? 'rain' : 'sun',
}));
const SOME_SENTENCES = [{ text: 'the day was happy and sunny' }, { text: 'a cold and harsh place' }];

export const DOCUMENTS = {
  '0.1.0': [
    {
      document: document('penguins', [
        ingest(PENGUINS, 'species'),
        { uses: 'validate', with: { expect: [{ column: 'body_mass_g', between: [2000, 7000] }], onViolation: 'quarantine', budget: 0.05 } },
        { uses: 'preprocess', with: { features: { ...MEASURES, island: ['oneHot'], sex: [{ impute: 'mostFrequent' }, 'oneHot'] } } },
        train(
          { architecture: 'mlp', units: [16] },
          { loss: 'categoricalCrossentropy', callbacks: [{ earlyStopping: { patience: 15, restoreBest: true } }] },
        ),
        {
          uses: 'evaluate',
          with: {
            metrics: ['accuracy', 'f1'],
            gates: [
              { metric: 'accuracy', atLeast: 0.9 },
              { metric: 'accuracy', notWorseThanChampionBy: 0.1 },
            ],
            onNoChampion: 'pass',
          },
        },
        ...REGISTER,
      ]),
      // The third is too short to pass.
      runs: [{}, { seed: 2 }, { seed: 3 }, { epochs: 1, seed: 4 }],
      after: [
        ['models', 'rollback', 'penguins', '--why', 'a trial'],
        ['models', 'unpin', 'penguins', '--why', 'it is over'],
      ],
      rows: SOME_PENGUINS,
    },
    {
      document: document('mass', [
        ingest(PENGUINS, 'body_mass_g', { split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash' } }),
        {
          uses: 'preprocess',
          with: { features: { bill_length_mm: NUMBER, flipper_length_mm: NUMBER, species: ['oneHot'] }, label: ['standardize'] },
        },
        train(
          {
            layers: [
              { type: 'dense', units: 8, activation: 'relu' },
              { type: 'dropout', rate: 0.1 },
              { type: 'dense', units: 1 },
            ],
          },
          { loss: 'meanSquaredError' },
        ),
        {
          uses: 'evaluate',
          with: { metrics: ['meanAbsoluteError', 'r2'], gates: [{ metric: 'meanAbsoluteError', betterThanBaseline: true }] },
        },
        ...REGISTER,
      ]),
      runs: [{}],
      rows: [{ bill_length_mm: 46.1, flipper_length_mm: 211, species: 'Gentoo' }],
    },
    {
      document: document('shapes', [
        {
          uses: 'ingest',
          with: {
            source: { format: 'images', path: 'data/shapes' },
            split: { train: 0.6, validation: 0.2, test: 0.2, by: 'hash', stratify: true },
          },
        },
        { uses: 'preprocess', with: { features: { image: [{ resize: [12, 12] }, 'grayscale', 'rescale'] } } },
        train(
          { architecture: 'cnn', filters: [4] },
          { loss: 'categoricalCrossentropy', callbacks: [{ learningRateSchedule: { schedule: 'cosine' } }] },
        ),
        { uses: 'evaluate', with: { metrics: ['accuracy'] } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 5 }],
    },
    {
      document: document('sentences', [
        ingest(SENTENCES, 'label'),
        { uses: 'preprocess', with: { features: { text: [{ tokenize: { vocabulary: 60, length: 10 } }] } } },
        train({ architecture: 'textCnn' }, { loss: 'binaryCrossentropy', classWeights: 'balanced' }),
        { uses: 'evaluate', with: { metrics: ['f1', 'rocAuc'], positive: 'good' } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 3 }],
      rows: SOME_SENTENCES,
    },
    {
      document: document('wave', [
        {
          uses: 'ingest',
          with: {
            source: { format: 'csv', path: 'data/wave.csv' },
            label: 'level',
            columns: { date: 'timestamp' },
            split: { train: 0.7, validation: 0.15, test: 0.15, by: 'time', column: 'date' },
          },
        },
        {
          uses: 'preprocess',
          with: {
            features: { level: ['standardize'], sky: ['oneHot'] },
            label: ['standardize'],
            sequence: { size: 14, horizon: 1, by: 'date' },
          },
        },
        train({ architecture: 'rnn', cell: 'lstm', units: [4] }, { loss: 'meanSquaredError' }),
        { uses: 'evaluate', with: { metrics: ['meanAbsoluteError'] } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 5 }],
      rows: WAVE,
    },
  ],
  // The architectures that came after the first days of 0.1.0.
  'before-0.2.0': [
    {
      document: document('strange-penguins', [
        ingest(PENGUINS, undefined, { split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash' } }),
        { uses: 'preprocess', with: { features: MEASURES } },
        train({ architecture: 'autoencoder', kind: 'dense', units: [8], latentSize: 2 }),
        { uses: 'evaluate', with: { metrics: ['reconstructionError'] } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 5 }],
      rows: SOME_PENGUINS,
    },
    {
      document: document('new-penguins', [
        ingest(PENGUINS, 'species'),
        { uses: 'preprocess', with: { features: MEASURES } },
        { id: 'classifier', ...train({ architecture: 'mlp', units: [8] }) },
        { id: 'generator', ...train({ architecture: 'gan', conditional: true }) },
        { uses: 'evaluate', inputs: { model: 'generator', features: 'classifier' }, with: { metrics: ['frechetDistance'] } },
        { uses: 'register', inputs: { model: 'generator' }, with: { alias: 'challenger' } },
        { uses: 'deploy', with: { to: 'server', promote: 'champion' } },
      ]),
      runs: [{ epochs: 3 }],
    },
    {
      document: document('speech', [
        ingest(SENTENCES, undefined, { split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash' } }),
        { uses: 'preprocess', with: { features: { text: [{ tokenize: { vocabulary: 60, length: 10 } }] } } },
        train({ architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 }, { objective: 'nextToken' }),
        { uses: 'evaluate', with: { metrics: ['perplexity'] } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 3 }],
    },
    {
      document: document('sentences', [
        ingest(SENTENCES, 'label'),
        { uses: 'preprocess', with: { features: { text: [{ tokenize: { vocabulary: 60, length: 10 } }] } } },
        train({ architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 }, { loss: 'binaryCrossentropy' }),
        { uses: 'evaluate', with: { metrics: ['f1'], positive: 'good' } },
        ...REGISTER,
      ]),
      runs: [{ epochs: 3 }],
      rows: SOME_SENTENCES,
    },
  ],
};
