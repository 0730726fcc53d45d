import type { AnomalyOutput, OutputSpec, Prediction, Row } from '../../core/tensor.ts';
import { DATA_LIMITS } from '../../data/table/limits.ts';
import { ranksOf, thinned } from '../../data/table/ranks.ts';
import { encodeReference } from '../../data/stored/reference-values.ts';
import type { DatasetProfile } from '../../data/stored/dataset.ts';

/** File of a model artifact with the distribution of its answers, where answers have one that can be watched. */
export const ANSWERS_FILE = 'answers.json';
/** File beside it with all scores, where it does not hold them itself. */
export const ANSWERS_REFERENCE_FILE = 'answers-reference.bin';
const SCORE = 'prediction.score';
const ALARM = 'prediction.anomaly';

/** Scores and alarms of the rows that the threshold was taken from, as columns. undefined for models whose answers are others. */
export function profileAnswers(output: OutputSpec, values: Float32Array): DatasetProfile | undefined {
  return output.kind === 'anomaly' && values.length > 0 ? profileScores(output, values) : undefined;
}

/** The distribution of the answers as files of a model; none where they have none. */
export function answerFiles(output: OutputSpec, values: Float32Array): Record<string, Uint8Array> {
  const profile = profileAnswers(output, values);
  if (profile === undefined) return {};
  const files = { [ANSWERS_FILE]: Buffer.from(JSON.stringify(profile)) };
  if (values.length <= DATA_LIMITS.profileSampleMax) return files;
  const ranks = thinned(ranksOf(Float64Array.from(values).sort()), DATA_LIMITS.referenceValuesMax);
  return {
    ...files,
    [ANSWERS_REFERENCE_FILE]: encodeReference([
      { kind: 'number', name: SCORE, ranks, deviation: profile.columns[0]!.number!.std, of: values.length },
    ]),
  };
}

function profileScores({ threshold }: AnomalyOutput, scores: Float32Array): DatasetProfile {
  const sorted = Float64Array.from(scores).sort();
  const rows = sorted.length;
  const at = (share: number): number => sorted[Math.round(share * (rows - 1))]!;
  const kept = Math.min(rows, DATA_LIMITS.profileSampleMax);
  const mean = sorted.reduce((sum, score) => sum + score / rows, 0);
  const std = Math.sqrt(sorted.reduce((sum, score) => sum + (score - mean) ** 2 / rows, 0));
  const alarms = scores.reduce((count, score) => count + (score > threshold ? 1 : 0), 0);
  const shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
  return {
    formatVersion: 1,
    rows,
    columns: [
      {
        name: SCORE,
        type: 'number',
        count: rows,
        missing: 0,
        distinct: new Set(sorted).size,
        number: {
          min: sorted[0]!,
          max: sorted.at(-1)!,
          mean,
          std,
          quantiles: Object.fromEntries(shares.map((share) => [String(share), at(share)])),
          edges: [sorted[0]!, sorted.at(-1)!],
          counts: [rows],
          sample: Array.from({ length: kept }, (_, index) => at(kept === 1 ? 0 : index / (kept - 1))),
        },
      },
      {
        name: ALARM,
        type: 'boolean',
        count: rows,
        missing: 0,
        distinct: alarms === 0 || alarms === rows ? 1 : 2,
        categories: { counts: { false: rows - alarms, true: alarms }, other: 0 },
      },
    ],
  };
}

/** An answer as a row of the columns of {@link profileAnswers}; none where it has no score. */
export function answerRows(prediction: Prediction): Row[] {
  return 'anomaly' in prediction ? [{ [SCORE]: prediction.score, [ALARM]: prediction.anomaly }] : [];
}
