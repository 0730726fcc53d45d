import { DURATION_PATTERN } from '../../src/core/duration.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { ArtifactStore } from '../../src/core/ports.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { FingerprintContext, StepContext } from '../../src/core/step.ts';
import { createArtifactStore } from '../../src/storage/artifact-store.ts';
import { checkChoice, choiceInWords } from '../../src/data/ingest/choose-rows.ts';
import type { KnownRows } from '../../src/data/ingest/appended-rows.ts';
import type { IngestConfig } from '../../src/data/ingest/ingest-config.ts';
import { labelList } from '../../src/data/ingest/label-columns.ts';
import { INGEST_MODES, checkGrowth, growthInWords } from '../../src/data/ingest/growth.ts';
import { DEFAULT_SPLIT, checkSplit, resolveSplit } from '../../src/data/ingest/split.ts';
import { COLUMN_SCHEMA, checkColumns } from '../../src/data/ingest/column-schema.ts';
import { SPLITS } from '../../src/data/stored/dataset.ts';

const scalar = { type: ['string', 'number', 'boolean'] } as const;
const splitValue = { oneOf: [scalar, { type: 'array', minItems: 1, items: scalar }], examples: [0, ['a', 'b']] } as const;
const share = { type: 'number', minimum: 0, maximum: 1 } as const;

export default defineStep<IngestConfig>({
  type: 'ingest',
  version: 1,
  summary: 'Reads a source, sets aside bad rows, and splits the rest into train, validation and test.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['source'],
    properties: {
      source: { $ref: '#/definitions/reader' },
      label: {
        oneOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: 32, uniqueItems: true },
        ],
        description:
          'Column to predict, or several for a model with several outputs; a stratified split goes by the first. Text, true/false, or integers with at most 20 distinct values are classes; other numbers are regressed. Class folders name it "label".',
        examples: ['species', ['species', 'body_mass_g']],
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Seed of the splits by hash and random.' },
      split: {
        type: 'object',
        additionalProperties: false,
        default: { ...DEFAULT_SPLIT },
        description: 'How the rows are divided. Rows with equal contents (by hash) or equal key never come into two splits.',
        properties: {
          train: {
            ...share,
            exclusiveMinimum: 0,
            description: 'Share of the rows to learn from. Shares left out divide what the others leave.',
            examples: [0.7],
          },
          validation: { ...share, description: 'Share of the rows that early stopping and tuning look at.' },
          test: { ...share, description: 'Share of the rows that only the evaluation sees.' },
          by: {
            enum: ['hash', 'random', 'time', 'column'],
            default: 'hash',
            description:
              'hash: by the contents of the row (or "key"), so that a row stays in its split when others come; random: exact shares by seed; time: the oldest rows are trained on, the newest tested; column: as "column" says.',
          },
          stratify: {
            type: 'boolean',
            default: false,
            description:
              'random: keep the shares within every class exactly. hash: rows stay where their contents put them, so shares hold as well as chance lets them, and a class that a split would lack gives it the rows nearest to it. A class of one row is trained on.',
          },
          column: {
            type: 'string',
            minLength: 1,
            description:
              'by time: the column that orders the rows; by column: the column that holds train, validation or test, or what "values" says.',
            examples: ['date'],
          },
          values: {
            type: 'object',
            additionalProperties: false,
            minProperties: 1,
            description: 'by column: what the values of the column mean. Left out: they are train, validation and test.',
            examples: [{ train: 0, validation: 1, test: 2 }],
            properties: Object.fromEntries(
              SPLITS.map((name) => [name, { ...splitValue, description: `Value, or values, of the rows of the ${name} split.` }]),
            ),
          },
          key: {
            type: 'string',
            minLength: 1,
            description: 'by hash or random: rows with the same value of this column stay together.',
            examples: ['customer_id'],
          },
        },
      },
      exclude: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        uniqueItems: true,
        default: [],
        description: 'Columns to leave out.',
        examples: [['id']],
      },
      columns: {
        type: 'object',
        default: {},
        additionalProperties: COLUMN_SCHEMA,
        description:
          'Types of columns where the inferred one is not wanted. Values that do not fit are quarantined. image: texts are paths of image files, absolute or from the folder of the table; the images go into the dataset, and rows whose file is missing or no image are quarantined.',
        examples: [{ zip_code: 'string' }, { photo: 'image' }, { photo: { image: { folder: 'data/photos' } } }],
      },
      mode: {
        enum: [...INGEST_MODES],
        description:
          'Which rows of a source that grows take part. Left out: all. append: only rows that the champion has not seen, known again one by one by their contents, however late they came; no such row is the outcome "nothing new to learn from". Made for a model that goes on from the champion. recent: only the newest, as "recent" says.',
        examples: ['append', 'recent'],
      },
      time: {
        type: 'object',
        additionalProperties: false,
        required: ['column'],
        description:
          'When rows happened and were known. Only rows that were known at the nominal time of the run take part, so that a backfill learns from what was known then; how many are left out is said.',
        examples: [{ column: 'sold_at' }, { column: 'sold_at', knownAt: 'loaded_at' }],
        properties: {
          column: {
            type: 'string',
            minLength: 1,
            description: 'Timestamp column of the event. A row is not known before it happened.',
            examples: ['sold_at'],
          },
          knownAt: {
            type: 'string',
            minLength: 1,
            description: 'Timestamp column of the arrival, for rows that come late. Left out: rows are known as soon as they happened.',
            examples: ['loaded_at'],
          },
          missing: {
            enum: ['quarantine', 'refuse'],
            default: 'quarantine',
            description: 'What becomes of rows without a time. quarantine: they are set aside, within the budget. refuse: the step fails.',
          },
        },
      },
      recent: {
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        description: 'Of the mode "recent": how far it reaches back, by "time". One of both.',
        examples: [{ last: '90d' }, { rows: 50000 }],
        properties: {
          last: {
            type: 'string',
            pattern: DURATION_PATTERN,
            description: 'Back from the nominal time: a number and s, m, h, d or w.',
            examples: ['90d'],
          },
          rows: { type: 'integer', minimum: 1, description: 'So many of the newest rows.', examples: [50000] },
        },
      },
      append: {
        type: 'object',
        additionalProperties: false,
        description: 'Of the mode "append": which rows are new, and how many are worth a training.',
        examples: [{ rowsMin: 500 }, { since: 'latest' }],
        properties: {
          since: {
            type: ['string', 'integer'],
            description:
              'Version or alias whose rows are not new, with those of all versions that it was made from. Left out: the champion, so that rows of versions that were never promoted are learnt from again. latest: the newest version that there was at the nominal time.',
            examples: ['latest', 3],
          },
          rowsMin: { type: 'integer', minimum: 1, default: 1, description: 'Fewer new rows than this are "nothing new to learn from".' },
          splits: {
            type: 'array',
            minItems: 1,
            items: { enum: [...SPLITS] },
            uniqueItems: true,
            description:
              'Splits that hold new rows only. Left out: all three. With ["train", "validation"] the test split stays whole, so that forgetting what was learnt before shows; by hash no row of it was ever trained on.',
            examples: [['train', 'validation']],
          },
        },
      },
      window: {
        type: 'object',
        additionalProperties: false,
        required: ['column', 'last'],
        description: 'Keep only recent rows, measured back from the nominal time of the run.',
        properties: {
          column: { type: 'string', minLength: 1, description: 'Timestamp column.' },
          last: {
            type: 'string',
            pattern: DURATION_PATTERN,
            description: 'Length of the window: a number and s, m, h, d or w.',
            examples: ['30d'],
          },
          until: {
            enum: ['nominalTime', 'latest'],
            default: 'nominalTime',
            description: 'End of the window: the nominal time of the run (the tick of its schedule), or the newest row.',
          },
        },
      },
      filter: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: { $ref: '#/definitions/expectation' },
        description:
          'Keep only rows that meet all of these conditions, written as the expectations of a validate step about single rows. A missing value fails "notNull" only. What is left out is neither quarantined nor split.',
        examples: [
          [{ column: 'label', in: ['0', '1', '2'] }],
          [
            { column: 'price', between: [0, 1000] },
            { column: 'price', notNull: true },
          ],
        ],
      },
      sample: {
        type: 'object',
        additionalProperties: false,
        required: ['fraction'],
        description:
          'Keep only a part of the rows, chosen by their contents and the seed: the same rows each time, and those that are in stay in when others come.',
        examples: [{ fraction: 0.1 }],
        properties: {
          fraction: {
            type: 'number',
            exclusiveMinimum: 0,
            exclusiveMaximum: 1,
            description: 'Share of the rows that is kept.',
            examples: [0.1],
          },
          splits: {
            type: 'array',
            minItems: 1,
            items: { enum: [...SPLITS] },
            uniqueItems: true,
            default: ['train'],
            description: 'Splits that the sample is taken of; the others stay whole.',
            examples: [['train', 'validation']],
          },
        },
      },
      reference: {
        type: 'object',
        additionalProperties: false,
        default: {},
        description:
          'What the data are compared with before anything is learnt from them: how the data of the last version of this model looked, whatever file they came from. A value that does not fit its column goes to the quarantine. The run stops where a column is gone, empty in most rows, of another type, or means something else (other categories, another unit), and where a class of the label is gone.',
        examples: [{ accept: ['price'] }, { version: 'none' }],
        properties: {
          model: {
            type: 'string',
            pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
            description: 'Model whose version is meant. Left out: the one that this pipeline registers.',
            examples: ['penguins-small'],
          },
          version: {
            type: ['string', 'integer'],
            description:
              'Version or alias of the model, or "none": the source is another one, and nothing is compared. Left out: the champion, else the newest version.',
            examples: ['none', 3],
          },
          accept: {
            type: 'array',
            items: { type: 'string', minLength: 1 },
            uniqueItems: true,
            default: [],
            description: 'Columns, the label among them, whose change is right: they are read as if they were new.',
            examples: [['price']],
          },
        },
      },
      budget: { ...share, default: 0.05, description: 'Share of the rows that may be quarantined; the step fails beyond it.' },
    },
  },
  inputs: {},
  outputs: { dataset: { kind: 'dataset', description: 'Parquet per split, the profile of the train split, and the quarantine.' } },
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [
    {
      title: 'A CSV file with a class label',
      config: {
        source: { format: 'csv', path: 'data/penguins.csv' },
        label: 'species',
        split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash', stratify: true },
      },
    },
    {
      title: 'A time series',
      config: {
        source: { format: 'csv', path: 'data/weather/seattle-weather.csv' },
        label: 'temp_max',
        split: { train: 0.7, validation: 0.15, test: 0.15, by: 'time', column: 'date' },
      },
    },
  ],
  describe(config) {
    const { source, split, label, filter, sample } = config;
    const { train, validation, test, by } = resolveSplit(split);
    const shares = [train, validation, test].map((share) => Math.round(share * 100)).join('/');
    return `${source.format} ${source.path}${label === undefined ? '' : `, label ${labelList(label).join(', ')}`}, split ${by === 'column' ? 'by a column' : `${shares} by ${by}`}${choiceInWords(filter, sample)}${growthInWords(config)}`;
  },
  check(config) {
    const split = resolveSplit(config.split);
    return [
      ...checkSplit(split, labelList(config.label)[0] ?? (['images', 'texts'].includes(config.source.format) ? 'label' : undefined)),
      ...checkChoice(config.filter, config.sample, split),
      ...checkColumns(config.columns),
      ...checkGrowth(config),
    ];
  },
  async fingerprint(ctx, config) {
    const { fingerprintSource } = await import('../../src/data/ingest/ingest.ts');
    const source = (await fingerprintSource(config, ctx.documentDir, ctx.nominalTime)) as JsonObject;
    const { findReference, fingerprintReference } = await import('../../src/registry/data-reference.ts');
    const found = await findReference(ctx.store, createArtifactStore(ctx.store), ctx.pipeline, config);
    const appended = config.mode === 'append' ? await appendedTo(ctx, createArtifactStore(ctx.store), config) : {};
    return { ...source, ...fingerprintReference(found, String(source['source'])), ...appended };
  },
  async run(ctx, config) {
    const { ingest } = await import('../../src/data/ingest/ingest.ts');
    const { findReference, referenceFor } = await import('../../src/registry/data-reference.ts');
    const known = config.mode === 'append' ? await knownRows(ctx, config) : undefined;
    const reference = async (source: string) => {
      const found = await findReference(ctx.store, ctx.artifacts, ctx.pipeline, config);
      if (found !== undefined && 'none' in found) return { notes: [found.none] };
      const other = referenceFor(found, source);
      return other === undefined ? undefined : { schema: other.schema, ...(other.note === undefined ? {} : { notes: [other.note] }) };
    };
    return ingest(ctx, config, reference, known);
  },
});

async function appendedTo(ctx: FingerprintContext, artifacts: ArtifactStore, config: IngestConfig): Promise<JsonObject> {
  const { findAppendBase, fingerprintAppend } = await import('../../src/registry/append-base.ts');
  return fingerprintAppend(await findAppendBase(ctx.store, artifacts, ctx, config));
}

async function knownRows(ctx: StepContext, config: IngestConfig): Promise<KnownRows | undefined> {
  const { findAppendBase, knownRowsOf } = await import('../../src/registry/append-base.ts');
  const base = await findAppendBase(ctx.store, ctx.artifacts, ctx, config);
  if (base !== undefined) return knownRowsOf(ctx.artifacts, base);
  ctx.log.info(`There is no version yet that was known at ${ctx.nominalTime}: all rows are new.`);
  return undefined;
}
