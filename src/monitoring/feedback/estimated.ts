import { isotonic } from './isotonic.ts';

/** Accuracy that answers are expected to have, from their own probabilities: for the time in which no label is known yet. */
export interface EstimatedAccuracy {
  readonly accuracy: number;
  /** 95 % of the time the accuracy that labels will show lies between these, if the probabilities are right. */
  readonly low: number;
  readonly high: number;
  /** Predictions that it was worked out from. */
  readonly rows: number;
  /** Labelled predictions that the probabilities were corrected by; 0: they are taken as they are. */
  readonly calibratedOn: number;
}

/** An answer of a model that tells classes apart. */
export interface ClassAnswer {
  /** By class. */
  readonly probabilities: readonly number[];
  /** Index of the class that was answered. */
  readonly answered: number;
}

/** With fewer labels a correction is more noise than help. */
export const CALIBRATION_MIN = 300;
/** Standard normal quantile of the upper end of a 95 % interval. */
const NORMAL_95 = 1.959964;

/**
 * Confidence-based performance estimation: an answer with the probability p is right with the chance p, so that the expected share of
 * right ones is the mean of p. It holds where the probabilities are calibrated and the labels go on to depend on the data as they did;
 * a changed dependence (concept drift) it cannot see.
 *
 * @param calibrate of the probabilities; see {@link calibrationOf}
 * @see https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html#confidence-based-performance-estimation-cbpe
 */
export function estimateAccuracy(
  answers: readonly ClassAnswer[],
  calibrate: (probabilities: readonly number[]) => readonly number[],
): Pick<EstimatedAccuracy, 'accuracy' | 'low' | 'high' | 'rows'> {
  let [right, variance] = [0, 0];
  for (const { probabilities, answered } of answers) {
    const chance = Math.min(1, Math.max(0, calibrate(probabilities)[answered]!));
    right += chance;
    variance += chance * (1 - chance);
  }
  const rows = answers.length;
  const accuracy = right / rows;
  const spread = (NORMAL_95 * Math.sqrt(variance)) / rows;
  return { accuracy, low: Math.max(0, accuracy - spread), high: Math.min(1, accuracy + spread), rows };
}

/**
 * Corrects probabilities by what labels showed: isotonic regression of each class against all others, brought back to a sum of 1.
 *
 * @param labelled with the index of the true class
 * @see https://doi.org/10.1145/775047.775151 Zadrozny, Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates"
 */
export function calibrationOf(
  classes: number,
  labelled: readonly (Pick<ClassAnswer, 'probabilities'> & { readonly label: number })[],
): (probabilities: readonly number[]) => readonly number[] {
  const curves = Array.from({ length: classes }, (_, index) =>
    isotonic(
      labelled.map(({ probabilities }) => probabilities[index]!),
      labelled.map(({ label }) => (label === index ? 1 : 0)),
    ),
  );
  return (probabilities) => {
    const corrected = curves.map((curve, index) => curve(probabilities[index]!));
    const sum = corrected.reduce((total, one) => total + one, 0);
    return sum > 0 ? corrected.map((one) => one / sum) : probabilities;
  };
}
