import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { AnomalyOutput, Tensor, TensorSpec } from '../../core/tensor.ts';
import { isAnomalyName } from '../../data/preprocess/anomaly-names.ts';
import { encodePng } from '../../data/images/encode-png.ts';
import type { Examples } from '../../data/stored/examples.ts';
import type { AnomalyMeta } from '../../data/stored/dataset.ts';
import { loadLayer } from '../../training/bundle/load-parts.ts';
import { TOPOLOGY } from '../../training/model/model-config.ts';
import { withoutScore } from '../../training/objectives/shared/reconstruction.ts';
import type { ClassChunk, ErrorChunk } from '../metrics/metric.ts';
import type { ReconstructionFindings } from '../step/report.ts';
import { fileAs } from '../../storage/stored.ts';

const BINS = 40;
/** Images of each group that the report shows. */
const SHOWN = 7;
/** Larger images are left out: a report is one page that holds everything. */
const PIXELS_MAX = 128 * 128;

/** How the errors of the reconstructions lie, and what some of them look like. */
export async function reconstructionFindings(
  chunk: ClassChunk | ErrorChunk,
  output: AnomalyOutput,
  threshold: number | undefined,
  model: OpenArtifact,
  examples: Examples,
): Promise<ReconstructionFindings> {
  const errors = chunk.errors!;
  return {
    error: output.error,
    threshold: threshold ?? output.threshold,
    calibration: output.calibration,
    calibrated: threshold === undefined,
    histogram: histogramOf(errors, chunk),
    images: await imagesOf(chunk, model, examples),
  };
}

/** Bins of equal width up to the largest error that is no outlier; what lies beyond is in the last one. */
function histogramOf(errors: Float64Array, chunk: ClassChunk | ErrorChunk): ReconstructionFindings['histogram'] {
  const sorted = Float64Array.from(errors).sort();
  const low = sorted[0]!;
  const high = sorted[Math.floor(0.995 * (sorted.length - 1))]!;
  const step = (high - low) / BINS || Math.abs(low) / BINS || 1;
  const empty = (): number[] => Array.from({ length: BINS }, () => 0);
  const [normal, anomalies] = [empty(), empty()];
  errors.forEach((error, row) => {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor((error - low) / step)));
    (chunk.kind === 'classes' && chunk.labels[row] === 1 ? anomalies : normal)[bin]!++;
  });
  return {
    edges: Array.from({ length: BINS + 1 }, (_, bin) => low + bin * step),
    normal,
    ...(chunk.kind === 'classes' ? { anomalies } : {}),
  };
}

/** Rows in groups, with the lowest and the highest errors. */
function groupsOf(chunk: ClassChunk | ErrorChunk): { readonly title: string; readonly rows: readonly number[] }[] {
  const errors = chunk.errors!;
  const order = Array.from(errors.keys()).sort((a, b) => errors[a]! - errors[b]! || a - b);
  const of = (label: number): number[] => (chunk.kind === 'errors' ? order : order.filter((row) => chunk.labels[row] === label));
  const ends = (rows: readonly number[], name: string): { title: string; rows: readonly number[] }[] => [
    { title: `${name} rebuilt best`, rows: rows.slice(0, SHOWN) },
    { title: `${name} rebuilt worst`, rows: rows.slice(-Math.min(SHOWN, Math.max(0, rows.length - SHOWN))).reverse() },
  ];
  const groups = chunk.kind === 'errors' ? ends(of(0), 'Rows') : [...ends(of(0), 'Normal rows'), ...ends(of(1), 'Anomalies')];
  return groups.filter(({ rows }) => rows.length > 0);
}

async function imagesOf(
  chunk: ClassChunk | ErrorChunk,
  model: OpenArtifact,
  examples: Examples,
): Promise<ReconstructionFindings['images']> {
  const body = withoutScore(await fileAs(model, TOPOLOGY, 'topology.json'));
  const [input, ...others] = body?.inputs ?? [];
  if (body === undefined || input === undefined || others.length > 0 || !isImage(input)) return [];
  const groups = groupsOf(chunk);
  const { predictor } = await loadLayer(model, body.output);
  const reader = examples.reader('test');
  try {
    const shown: ReconstructionFindings['images'][number][] = [];
    for (const { title, rows } of groups) {
      const original = reader.gather(Int32Array.from(rows))[input.name]!;
      const rebuilt = await predictor.predict({ [input.name]: original });
      shown.push({
        title,
        rows: rows.map((row, at) => ({
          index: row,
          error: chunk.errors![row]!,
          original: pictureOf(original.data, at, input),
          rebuilt: pictureOf(rebuilt, at, input),
        })),
      });
    }
    return shown;
  } finally {
    reader.close();
    predictor.dispose();
  }
}

function isImage({ shape }: TensorSpec): boolean {
  return shape.length === 3 && (shape[2] === 1 || shape[2] === 3) && shape[0]! * shape[1]! <= PIXELS_MAX;
}

/** One image of many as a PNG, in base64. */
function pictureOf(values: Tensor['data'], at: number, { shape, dtype, range }: TensorSpec): string {
  const [height, width, channels] = shape as [number, number, number];
  const size = height * width * channels;
  const own = values.subarray(at * size, (at + 1) * size);
  const [low, high] = range ?? (dtype === 'uint8' ? [0, 255] : spread(own));
  const pixels = Uint8Array.from(own, (value) => Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low || 1)))));
  return encodePng(pixels, width, height, channels).toString('base64');
}

function spread(values: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < values.length; at++) {
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
  }
  return [low, high];
}

/** The marks of the examples have to be those of the rows. @param values of the column that says what a row is @throws DATA_INVALID */
export function requireSameAnomalies(rule: AnomalyMeta, values: readonly unknown[], targets: Int32Array, chunk: ClassChunk): void {
  const wrong = Array.from(targets.keys()).find(
    (example) => Number(isAnomalyName(rule, values[targets[example]!])) !== chunk.labels[example],
  );
  if (wrong === undefined) return;
  throw new PerennialError(
    'DATA_INVALID',
    `The test examples do not fit the rows of the dataset: example ${wrong} is ${chunk.classes[chunk.labels[wrong]!]}, and row ${targets[wrong]} has "${String(values[targets[wrong]!])}" in "${rule.column}".`,
    {
      hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).',
    },
  );
}
