import type { LiveMetric } from '../core/rollout.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { Prediction } from '../core/tensor.ts';
import { readFeedbackOf } from '../monitoring/feedback/feedback-reader.ts';
import type { FeedbackRecord } from '../monitoring/feedback/feedback-record.ts';
import { readPredictions } from '../monitoring/prediction-window.ts';
import type { Unread } from '../storage/unread.ts';
import type { LiveMoments } from './analysis.ts';
import type { Moments } from './sequences.ts';

/**
 * A live metric of both arms, from the prediction log and the feedback of the time since the rollout began. Answers to one caller
 * depend on each other, so that their mean counts as one value where callers are told apart.
 *
 * @param unread is told of lines of the logs that cannot be read: the others count
 * @throws STORE_UNAVAILABLE
 */
export async function readLive(
  store: ObjectStore,
  model: string,
  rollout: string,
  { metric, from, to }: { readonly metric: LiveMetric; readonly from: Date; readonly to: Date },
  unread: Unread,
): Promise<LiveMoments> {
  const feedback = await readFeedbackOf(store, model, from, unread);
  const units: Record<'champion' | 'candidate', Map<string, { n: number; sum: number }>> = { champion: new Map(), candidate: new Map() };
  for await (const records of readPredictions(store, model, { from, to, unread })) {
    for (const record of records) {
      const { rollout: of, arm, unit, id, prediction } = record;
      if (of !== rollout || (arm !== 'champion' && arm !== 'candidate')) continue;
      const found = feedback.find(record);
      const value = found === undefined ? undefined : valueOf(metric, found, prediction);
      if (value === undefined) continue;
      const name = unit ?? id;
      const before = units[arm].get(name) ?? { n: 0, sum: 0 };
      units[arm].set(name, { n: before.n + 1, sum: before.sum + value });
    }
  }
  return { champion: momentsOf(units.champion), candidate: momentsOf(units.candidate) };
}

function momentsOf(units: ReadonlyMap<string, { readonly n: number; readonly sum: number }>): Moments {
  let [n, sum, sumSquares] = [0, 0, 0];
  for (const unit of units.values()) {
    const mean = unit.sum / unit.n;
    n += 1;
    sum += mean;
    sumSquares += mean ** 2;
  }
  return { n, sum, sumSquares };
}

/** Of one answer; undefined where the feedback says nothing of it. */
function valueOf(metric: LiveMetric, { label, flag }: FeedbackRecord, prediction: Prediction): number | undefined {
  if (metric === 'flaggedRate') return flag === undefined ? undefined : flag ? 1 : 0;
  if (label === undefined || typeof label === 'object') return undefined;
  if (metric === 'accuracy') {
    if ('label' in prediction) return prediction.label === String(label) ? 1 : 0;
    if (!('anomaly' in prediction)) return undefined;
    const truth = { true: true, '1': true, anomaly: true, false: false, '0': false, normal: false }[String(label)];
    return truth === undefined ? undefined : truth === prediction.anomaly ? 1 : 0;
  }
  if (!('value' in prediction) || typeof prediction.value !== 'number') return undefined;
  const truth = Number(label);
  if (!Number.isFinite(truth)) return undefined;
  const error = Math.abs(prediction.value - truth);
  return metric === 'meanAbsoluteError' ? error : error ** 2;
}
