import type { ArtifactStore, OpenArtifact } from '../../core/ports.ts';
import { isPerennialError } from '../../core/errors.ts';
import { trainedOn } from '../../training/model/trained-on.ts';
import { fairText } from '../../evaluation/champion/fair-rows.ts';
import { evaluateModel } from '../../evaluation/step/evaluate.ts';
import { COMPARISON_DEFAULTS } from '../../evaluation/step/evaluation-input.ts';
import type { EvaluateOptions } from '../../evaluation/step/evaluation-input.ts';
import { openExamples } from '../../data/stored/examples.ts';
import { loadModel } from '../../training/bundle/load-model.ts';
import type { Contender } from './contender.ts';

/** Two models on the same rows, which neither has learnt from. */
export interface PairedMetrics {
  /** Which rows, in words. */
  readonly rows?: string;
  readonly metrics: readonly {
    readonly key: string;
    readonly first: number | null;
    readonly other: number | null;
    readonly difference: number | null;
    /** Of the difference, at 95 %, from paired bootstrap samples; null where it cannot be told. */
    readonly low: number | null;
    readonly high: number | null;
    /** Whether the difference is for the better; null where it may be chance. */
    readonly better: boolean | null;
  }[];
  /** Why there is no comparison. */
  readonly none?: string;
}

/** How large a model is, and how long it takes for one row. */
export interface ModelCosts {
  readonly parameters: number;
  readonly bytes: number;
  /** Milliseconds of a prediction of one row, without preprocessing: the middle one and the slowest of twenty. */
  readonly latencyMs?: { readonly median: number; readonly p95: number; readonly rows: number };
}

/** Judges a contender's model once more, beside that of the first on the same test rows. */
export async function pairedMetrics(
  artifacts: ArtifactStore,
  first: Contender,
  other: Contender,
  signal?: AbortSignal,
): Promise<PairedMetrics> {
  const missing = [first, other].find(({ judgement, model }) => judgement === undefined || model === undefined);
  if (missing !== undefined) return { metrics: [], none: `${missing.name} was not evaluated` };
  if (first.model!.artifact.ref.digest === other.model!.artifact.ref.digest) return { metrics: [], none: 'it is the very same model' };
  const { config, inputs } = other.judgement!;
  if (inputs['features'] !== undefined || config['features'] !== undefined)
    return { metrics: [], none: 'generators are compared by the features of a classifier: see the reports of the runs' };
  const { metrics = [], positive, threshold, baseline, seed = 1 } = config as unknown as Partial<EvaluateOptions>;
  const open = (port: string): Promise<OpenArtifact> => artifacts.open({ digest: inputs[port]! });
  try {
    const report = await evaluateModel(
      {
        model: other.model!.artifact,
        trainedOn: await trainedOn(artifacts, other.model!.artifact),
        former: [],
        examples: await open('examples'),
        dataset: await open('dataset'),
        champion: {
          model: first.name,
          version: 0,
          artifact: first.model!.artifact,
          trainedOn: await trainedOn(artifacts, first.model!.artifact),
        },
      },
      {
        pipeline: other.name,
        metrics,
        gates: [],
        onNoChampion: 'pass',
        comparison: { ...COMPARISON_DEFAULTS, minimumRows: 2 },
        slices: [],
        insights: false,
        seed,
        ...(positive === undefined ? {} : { positive }),
        ...(threshold === undefined ? {} : { threshold }),
        ...(baseline === undefined ? {} : { baseline }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
    if (report.champion === undefined)
      return {
        metrics: [],
        none: (report.noChampion ?? 'they cannot be compared').replaceAll('the champion', first.name).replaceAll('this model', other.name),
      };
    return {
      rows:
        report.champion.fair === undefined ? `${report.champion.rows} test rows` : inWords(fairText(report.champion.fair), first, other),
      metrics: report.metrics.map(({ key, direction, champion }) => {
        const { value = null, challenger = null, difference = null, low = null, high = null } = champion ?? {};
        const sure = low !== null && high !== null && (low > 0 || high < 0);
        return {
          key,
          first: value,
          other: challenger,
          difference,
          low,
          high,
          better: sure ? (direction === 'maximize' ? low > 0 : high < 0) : null,
        };
      }),
    };
  } catch (error) {
    // One whose rows have other columns, or whose files are gone, still compares in everything else.
    if (!isPerennialError(error) || error.code === 'INTERNAL' || error.code === 'CANCELLED') throw error;
    return { metrics: [], none: error.message };
  }
}

const inWords = (text: string, first: Contender, other: Contender): string =>
  text.replaceAll('the champion', first.name).replaceAll('this model', other.name);

const ROWS_TIMED = 100;
const ROWS_WARM = 10;

/** Sizes and times of a contender's model on this machine; undefined where it has none. */
export async function costsOf(artifacts: ArtifactStore, { model, judgement }: Contender): Promise<ModelCosts | undefined> {
  if (model === undefined) return undefined;
  const bytes = Object.values(model.artifact.manifest.files).reduce((sum, { size }) => sum + size, 0);
  const size = { parameters: model.meta.parameters, bytes };
  const digest = judgement?.inputs['examples'] ?? model.meta.examples;
  if (model.meta.output.kind === 'samples' || model.meta.output.kind === 'text') return size;
  try {
    const reader = (await openExamples(await artifacts.open({ digest }), ['test'])).reader('test');
    if (reader.rows === 0) return size;
    const predictor = await loadModel(model.artifact);
    try {
      const names = model.meta.inputs.map(({ name }) => name);
      const times: number[] = [];
      for (let row = 0; row < ROWS_WARM + ROWS_TIMED; row++) {
        const batch = reader.read(row % reader.rows, 1, names);
        const started = performance.now();
        await predictor.predict(batch);
        if (row >= ROWS_WARM) times.push(performance.now() - started);
      }
      times.sort((a, b) => a - b);
      return { ...size, latencyMs: { median: times[ROWS_TIMED / 2]!, p95: times[Math.floor(0.95 * ROWS_TIMED)]!, rows: ROWS_TIMED } };
    } finally {
      predictor.dispose();
    }
  } catch (error) {
    if (!isPerennialError(error, 'OBJECT_NOT_FOUND')) throw error;
    return size;
  }
}
