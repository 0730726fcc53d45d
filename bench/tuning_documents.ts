/**
 * Search on real documents, on a stack of its own. Two questions: does a stopper find as good a model as training every trial to its end,
 * in at most a third of the epochs, within what another seed alone changes; and is a searched document better than its defaults.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { packageRoot } from '../src/platform/paths.ts';
import { freePort } from '../src/platform/ports.ts';

type Step = Readonly<Record<string, unknown>>;

interface Problem {
  /** Under pipelines/data, or from the folder of the clone on. */
  readonly data: string;
  readonly before: readonly Step[];
  readonly train: Readonly<Record<string, unknown>>;
  readonly search: Readonly<Record<string, unknown>>;
  readonly beginner: Beginner;
  readonly epochs: number;
  readonly trials: number;
  /** Of the test split; the first one compares. */
  readonly metrics: readonly string[];
  readonly lower: boolean;
}

/** A document that says nothing that has a default, and the same one with a search. */
interface Beginner {
  readonly train: Readonly<Record<string, unknown>>;
  readonly searched: {
    readonly before: readonly Step[];
    readonly tune: Readonly<Record<string, unknown>>;
    readonly train: Readonly<Record<string, unknown>>;
  };
}

const RATE = { rate: { float: [0.0003, 0.1], scale: 'log' }, batch: { choice: [16, 32, 64] } };
const COMMON = { learningRate: '${search.rate}', batchSize: '${search.batch}' };
/** Handwriting leans and is off the middle. */
const MOVED = [{ randomRotation: { factor: 0.03 } }, { randomTranslation: { heightFactor: 0.1, widthFactor: 0.1 } }];
/** Every trial to its end, with the weights of its best epoch. */
const WHOLE = { earlyStopping: 'off', checkpoint: { best: { monitor: 'validationLoss' } } };

/** A network of dense layers. */
const OF_TABLE = {
  train: { ...COMMON, model: { architecture: 'mlp', units: '${search.units}', dropout: '${search.dropout}' } },
  search: { ...RATE, units: { choice: [[8], [32], [64, 32]] }, dropout: { float: [0, 0.5] } },
  beginner: {
    train: { model: { architecture: 'mlp' } },
    searched: {
      before: [{ uses: 'preprocess' }],
      tune: {
        search: {
          rate: { float: [0.0003, 0.03], scale: 'log' },
          batch: { choice: [8, 16, 32, 64] },
          units: { choice: [[32], [64, 32], [128, 64]] },
          dropout: { float: [0, 0.4] },
          epochs: { choice: [20, 60, 150] },
        },
        trials: 24,
      },
      train: {
        model: { architecture: 'mlp', units: '${search.units}', dropout: '${search.dropout}' },
        learningRate: '${search.rate}',
        batchSize: '${search.batch}',
        epochs: '${search.epochs}',
      },
    },
  },
};

const PROBLEMS: Readonly<Record<string, Problem>> = {
  penguins: {
    data: 'penguins.csv',
    before: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'data/penguins.csv' },
          label: 'species',
          split: { train: 0.5, validation: 0.25, test: 0.25, stratify: true },
        },
      },
      { uses: 'preprocess' },
    ],
    ...OF_TABLE,
    epochs: 27,
    trials: 27,
    metrics: ['logLoss', 'accuracy'],
    lower: true,
  },
  // Few rows; another seed alone changes the error on the test rows by about 0.1 miles per gallon.
  cars: {
    data: '.perennial/datasets/weather/node_modules/vega-datasets/data/cars.json',
    before: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'json', path: 'data-cars.json' },
          label: 'Miles_per_Gallon',
          exclude: ['Name'],
          filter: [{ column: 'Miles_per_Gallon', notNull: true }],
          split: { train: 0.6, validation: 0.2, test: 0.2 },
        },
      },
      { uses: 'preprocess' },
    ],
    ...OF_TABLE,
    epochs: 81,
    trials: 27,
    metrics: ['rootMeanSquaredError', 'meanAbsoluteError'],
    lower: true,
  },
  weather: {
    data: 'weather',
    before: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'data/weather/seattle-weather.csv' },
          label: 'temp_max',
          exclude: ['date'],
          split: { train: 0.6, validation: 0.2, test: 0.2 },
        },
      },
      { uses: 'preprocess' },
    ],
    ...OF_TABLE,
    epochs: 81,
    trials: 27,
    metrics: ['rootMeanSquaredError', 'meanAbsoluteError'],
    lower: true,
  },
  digits: {
    data: 'digits',
    before: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'images', path: 'data/digits' },
          split: { train: 0.6, validation: 0.2, test: 0.2, stratify: true },
          sample: { fraction: 0.15 },
        },
      },
      { uses: 'preprocess', with: { features: { image: [{ resize: [14, 14] }, 'grayscale', 'rescale'] } } },
    ],
    train: { ...COMMON, model: { architecture: 'cnn', filters: '${search.filters}', dropout: '${search.dropout}' } },
    search: { ...RATE, filters: { choice: [[8], [8, 16], [16, 32]] }, dropout: { float: [0, 0.5] } },
    beginner: {
      train: { model: { architecture: 'cnn' } },
      searched: {
        before: [{ uses: 'preprocess' }],
        tune: {
          search: {
            rate: { float: [0.0003, 0.01], scale: 'log' },
            batch: { choice: [16, 32, 64] },
            filters: {
              choice: [
                [32, 64],
                [16, 32, 64],
              ],
            },
            dropout: { float: [0, 0.6] },
            normalize: { choice: [true, false] },
            augmentation: { choice: [[], MOVED] },
          },
          stop: 'asha',
          trials: 20,
        },
        train: {
          model: {
            architecture: 'cnn',
            filters: '${search.filters}',
            dropout: '${search.dropout}',
            batchNormalization: '${search.normalize}',
            augmentation: '${search.augmentation}',
          },
          learningRate: '${search.rate}',
          batchSize: '${search.batch}',
          epochs: 30,
        },
      },
    },
    epochs: 18,
    trials: 27,
    metrics: ['logLoss', 'accuracy'],
    lower: true,
  },
  spam: {
    data: 'spam',
    before: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'ndjson', path: 'data/spam/spam.ndjson' },
          label: 'label',
          split: { train: 0.6, validation: 0.2, test: 0.2, stratify: true },
          sample: { fraction: 0.3 },
        },
      },
      { uses: 'preprocess', with: { features: { text: [{ tokenize: { vocabulary: 3_000, length: 60 } }] } } },
    ],
    train: { ...COMMON, model: { architecture: 'textCnn', embeddingSize: '${search.embedding}', dropout: '${search.dropout}' } },
    search: { ...RATE, embedding: { choice: [8, 16, 32] }, dropout: { float: [0, 0.5] } },
    beginner: {
      train: { model: { architecture: 'textCnn' } },
      searched: {
        before: [
          {
            uses: 'preprocess',
            with: { features: { text: [{ tokenize: { vocabulary: '${search.vocabulary}', length: '${search.length}' } }] } },
          },
        ],
        tune: {
          search: {
            vocabulary: { choice: [3_000, 10_000] },
            length: { choice: [100, 250, 500] },
            rate: { float: [0.0003, 0.01], scale: 'log' },
            batch: { choice: [16, 32, 64] },
            embedding: { choice: [16, 32, 64] },
            dropout: { float: [0, 0.6] },
          },
          stop: 'asha',
          trials: 20,
        },
        train: {
          model: { architecture: 'textCnn', embeddingSize: '${search.embedding}', dropout: '${search.dropout}' },
          learningRate: '${search.rate}',
          batchSize: '${search.batch}',
          epochs: 20,
        },
      },
    },
    epochs: 18,
    trials: 27,
    metrics: ['logLoss', 'f1'],
    lower: true,
  },
};

/** Exit code of a command that reaches no Temporal. */
const UNREACHABLE = 4;

interface Trial {
  readonly number: number;
  readonly state: string;
  readonly values?: readonly number[];
  readonly readings: readonly { readonly epoch: number; readonly value: number }[];
}

export interface DocumentsOptions {
  readonly names: readonly string[];
  /** Trainings of one point with other seeds, and of the defaults. */
  readonly seeds: number;
  /** Over what a problem has by itself. */
  readonly trials?: number;
  /** Where the stack lies, and stays: a bench that was stopped goes on from the cache there. Default: a folder that is removed. */
  readonly home?: string;
  /** Which of the two questions. */
  readonly asks: readonly ('asha' | 'tuned')[];
}

/** The figures of each document. */
export async function searchDocuments({
  names,
  seeds,
  trials: most,
  asks,
  home: kept,
}: DocumentsOptions): Promise<Record<string, unknown>> {
  const home = kept === undefined ? mkdtempSync(join(tmpdir(), 'perennial-bench-')) : resolve(kept);
  process.env.PERENNIAL_HOME = home;
  const env = {
    ...process.env,
    PERENNIAL_TOOLS: process.env.PERENNIAL_TOOLS ?? join(packageRoot(), '.perennial', 'tools'),
  };
  const perennial = (args: readonly string[]): string => {
    const asked = () =>
      spawnSync(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), ...args], {
        env,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
    let { status, stdout, stderr } = asked();
    // On a machine that does other things too, a server may take longer to answer than a command waits.
    for (let tries = 1; status === UNREACHABLE && tries < 5; tries++) ({ status, stdout, stderr } = asked());
    if (status !== 0) throw new Error(`perennial ${args.join(' ')} ended with ${String(status)}:\n${stderr.slice(-4_000)}`);
    return stdout;
  };
  const folder = join(home, 'documents');
  const run = (name: string, steps: readonly Step[]) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'perennial/v1', name, steps }));
    const started = performance.now();
    const view = JSON.parse(perennial(['run', file, '--json'])) as Ended;
    return { view, seconds: (performance.now() - started) / 1_000 };
  };
  try {
    mkdirSync(folder, { recursive: true });
    if (!existsSync(join(folder, 'data'))) symlinkSync(join(packageRoot(), 'pipelines', 'data'), join(folder, 'data'));
    const ports = ['--temporal-port', '--ui-port', '--port'];
    const free = await Promise.all(ports.map(() => freePort()));
    perennial(['up', '--detach', ...ports.flatMap((port, at) => [port, String(free[at])])]);
    const results: Record<string, unknown> = {};
    for (const name of names) {
      const problem = PROBLEMS[name];
      if (problem === undefined) throw new Error(`There is no document "${name}"; there is ${Object.keys(PROBLEMS).join(', ')}.`);
      const own = problem.data.includes('/');
      const path = own ? join(packageRoot(), problem.data) : join(packageRoot(), 'pipelines', 'data', problem.data);
      if (own && existsSync(path)) copyFileSync(path, join(folder, `data-${basename(path)}`));
      if (!existsSync(path)) {
        results[name] = { skipped: `${path} is not there` };
        continue;
      }
      results[name] = Object.fromEntries(
        asks.map((ask) => [
          ask,
          (ask === 'asha' ? halved : tuned)(name, { ...problem, trials: most ?? problem.trials }, seeds, run, perennial),
        ]),
      );
      process.stderr.write(`${name}: ${JSON.stringify(results[name])}\n`);
    }
    return results;
  } finally {
    spawnSync(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'down'], { env });
    if (kept === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Ended {
  readonly runId: string;
  readonly status: string;
  readonly headline: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly steps: readonly { readonly id: string; readonly values?: Readonly<Record<string, unknown>> }[];
}

type Run = (name: string, steps: readonly Step[]) => { readonly view: Ended; readonly seconds: number };

type Perennial = (args: readonly string[]) => string;
type Point = Readonly<Record<string, unknown>>;

function halved(name: string, problem: Problem, seeds: number, run: Run, perennial: Perennial): unknown {
  const { before, train, search, epochs, trials, metrics } = problem;
  const evaluate = { uses: 'evaluate', with: { metrics } };
  const objective = { value: 'validationLoss', direction: 'minimize' };
  const study = (options: object, how: object) => {
    const tune = { uses: 'tune', with: { search, objective, trials, ...options } };
    const { view, seconds } = run(name, [...before, tune, { uses: 'train', with: { ...train, ...how } }, evaluate]);
    const { trials: all } = JSON.parse(perennial(['studies', 'export', `${name}/${view.runId}/tune`, '--json'])) as { trials: Trial[] };
    const point = view.steps.find(({ id }) => id === 'tune')!.values!['search'] as Readonly<Record<string, unknown>>;
    // What completed has run all of its epochs.
    const used = all.reduce((sum, trial) => sum + (trial.state === 'stopped' ? (trial.readings.at(-1)?.epoch ?? 0) : epochs), 0);
    const best = Math.min(...all.flatMap(({ values }) => values ?? []));
    return { view, seconds, point, used, best, stopped: all.filter(({ state }) => state === 'stopped').length };
  };
  const whole = study({ sampler: 'random' }, { ...WHOLE, epochs });
  const asha = study({ sampler: 'random', stop: 'asha' }, { ...WHOLE, epochs });
  // What another seed alone changes, at the best point of all.
  const others = Array.from({ length: seeds }, (_, seed) => {
    const { view } = run(name, [
      ...before,
      { uses: 'train', with: { ...at(train, whole.point), ...WHOLE, epochs, seed: seed + 2 } },
      evaluate,
    ]);
    return view.steps.find(({ id }) => id === 'train')!.values!['validationLoss'] as number;
  });
  const noise = deviation([whole.best, ...others]);
  return {
    trials,
    epochsOfEach: epochs,
    everyTrialToItsEnd: { bestValidationLoss: round(whole.best), epochs: whole.used, seconds: round(whole.seconds) },
    asha: {
      bestValidationLoss: round(asha.best),
      epochs: asha.used,
      shareOfEpochs: round(asha.used / whole.used),
      stopped: asha.stopped,
    },
    seedNoise: round(noise),
    withinSeedNoise: asha.best - whole.best <= noise,
    inAThirdOfTheEpochs: asha.used * 3 <= whole.used,
  };
}

/**
 * The document of a beginner, which says nothing that has a default, against the same document with a search over it. Both are trained with
 * seeds that neither the search nor its final round saw, and measured on the test split, which nothing was chosen by.
 */
function tuned(
  name: string,
  { before: [ingest], beginner, metrics, lower }: Problem,
  seeds: number,
  run: Run,
  perennial: Perennial,
): unknown {
  const { train, searched: own } = beginner;
  const evaluate = { uses: 'evaluate', with: { metrics } };
  const tune = { uses: 'tune', with: { objective: { metric: metrics[0] }, final: { top: 3, repeats: 2 }, ...own.tune } };
  const { view, seconds } = run(`${name}-tuned`, [ingest!, tune, ...own.before, { uses: 'train', with: own.train }]);
  const { values } = view.steps.find(({ id }) => id === 'tune')!;
  const point = values!['search'] as Point;
  const { finals } = JSON.parse(perennial(['studies', 'export', `${name}-tuned/${view.runId}/tune`, '--json'])) as { finals: unknown };
  const measured = (which: string, steps: readonly Step[], of: Step): Readonly<Record<string, number>>[] =>
    Array.from({ length: seeds }, (_, at) => {
      const step = { uses: 'train', with: { ...of, seed: FRESH + at } };
      return run(`${name}-${which}`, [ingest!, ...steps, step, evaluate]).view.metrics;
    });
  const [winner, defaults] = [
    measured(
      'winner',
      own.before.map((step) => at(step, point)),
      at(own.train, point),
    ),
    measured('defaults', [{ uses: 'preprocess' }], train),
  ];
  return {
    winner: point,
    onValidation: { winner: values![metrics[0]!], finals },
    trials: values!['trials'],
    stopped: values!['stopped'],
    seconds: round(seconds),
    onTest: Object.fromEntries(
      metrics.map((metric) => {
        const [one, other] = [winner, defaults].map((all) => all.map((found) => found[metric]!)) as [number[], number[]];
        return [metric, { tuned: spread(one), defaults: spread(other) }];
      }),
    ),
    ...verdict(
      winner.map((found) => found[metrics[0]!]!),
      defaults.map((found) => found[metrics[0]!]!),
      lower,
    ),
  };
}

/** Seeds of both sides from here on: neither a search nor its final round goes so far. */
const FRESH = 101;

/** A difference counts where it is more than twice its standard error. */
function verdict(tuned: readonly number[], defaults: readonly number[], lower: boolean): object {
  const gain = (mean(defaults) - mean(tuned)) * (lower ? 1 : -1);
  const error = Math.hypot(deviation(tuned) / Math.sqrt(tuned.length), deviation(defaults) / Math.sqrt(defaults.length));
  return { gain: round(gain), standardError: round(error), tunedBeatsDefaults: gain > 2 * error, tunedIsWorse: gain < -2 * error };
}

/** What a point of a search makes of a step. */
function at<T>(step: T, point: Point): T {
  return JSON.parse(JSON.stringify(step), (_, value: unknown) => {
    const named = typeof value === 'string' ? /^\$\{search\.(\w+)\}$/.exec(value)?.[1] : undefined;
    return named === undefined ? value : point[named];
  }) as T;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function spread(values: readonly number[]): object {
  return {
    mean: round(mean(values)),
    deviation: round(deviation(values)),
    min: round(Math.min(...values)),
    max: round(Math.max(...values)),
    n: values.length,
  };
}

/** Standard deviation of a sample. */
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
