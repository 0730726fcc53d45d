import { Prng } from '../../core/prng.ts';
import { numberSample } from '../drift/drift-test.ts';
import { jointCounts, mannWhitneyZ } from '../joint-ranks.ts';
import { twoSidedP } from '../policy/correction.ts';
import { boostTrees, predictTrees } from '../trees/boosted-trees.ts';
import type { Matrix } from '../trees/boosted-trees.ts';
import { defineJointTest, jointConfig, stacked } from './joint-test.ts';

const ROWS = 5_000;
const ROWS_MAX = 20_000;
/** Of two rows, one of each side, 55 in 100 are told apart: as far as a column's values that move by a sixth of their deviation. */
const THRESHOLD = 0.55;
/** The rows are divided into so many parts; the first two are learnt from only. */
const PARTS = 6;
const LEARNT_FIRST = 2;
const TREES = { loss: 'logistic', trees: 50, rate: 0.1, leavesMax: 8, leafRowsMin: 20, cells: 64 } as const;

/**
 * Boosted trees learn to tell the sides apart. Forward cross-validation: what was learnt on the parts so far judges the next one, so that
 * each part is judged by what knows nothing of it, and what parts say by chance is independent: the judgement of a part has the same
 * distribution under equal sides whatever happened in those before. (In plain cross-validation each part is also learnt from for the
 * others, so that their sum varies more than it seems to.) Of every part the ranks of its scores give a standard normal number
 * (Mann-Whitney); their sum over the root of their number is one again, and its upper tail the p-value.
 */
export default defineJointTest({
  name: 'classifier',
  summary:
    'Can a classifier tell rows of then from rows of now? Boosted trees, forward cross-validation, ROC AUC on rows that it did not learn from: sees single columns and combinations of a few.',
  effect: 'ROC AUC',
  defaultThreshold: THRESHOLD,
  minRows: 100,
  defaultRows: ROWS,
  configSchema: jointConfig('ROC AUC', THRESHOLD, ROWS, ROWS_MAX),
  reference: 'https://arxiv.org/abs/1610.06545',
  cost: (rows, width) => (TREES.trees * (PARTS - LEARNT_FIRST) * 2 * rows * width * 3) / 1e6,
  compute(reference, current, seed) {
    const all = stacked(reference, current);
    const part = partsOf(reference.rows, current.rows, seed);
    let [z, area, weight] = [0, 0, 0];
    for (let judged = LEARNT_FIRST; judged < PARTS; judged += 1) {
      const learnt = rowsWhere(part, (own) => own < judged);
      const asked = rowsWhere(part, (own) => own === judged);
      const targets = Float64Array.from(learnt, (row) => (row < reference.rows ? 0 : 1));
      const scores = predictTrees(boostTrees(picked(all, learnt), targets, TREES), picked(all, asked));
      const [then, now] = [scores.filter((_, at) => asked[at]! < reference.rows), scores.filter((_, at) => asked[at]! >= reference.rows)];
      const auc = areaUnder(then, now);
      const one = mannWhitneyZ(jointCounts(numberSample(then), numberSample(now)));
      // All scores equal: nothing was learnt.
      z += Number.isFinite(one) ? Math.sign(auc - 0.5) * Math.abs(one) : 0;
      area += auc * asked.length;
      weight += asked.length;
    }
    const standard = z / Math.sqrt(PARTS - LEARNT_FIRST);
    const twoSided = twoSidedP(standard);
    return { effect: area / weight, pValue: standard > 0 ? twoSided / 2 : 1 - twoSided / 2 };
  },
});

/** The part of each row; both sides are spread over all parts alike. */
function partsOf(reference: number, current: number, seed: number): Uint8Array {
  const random = new Prng('classifier', seed);
  const side = (rows: number): number[] => random.shuffle(Array.from({ length: rows }, (_, row) => row % PARTS));
  return Uint8Array.from([...side(reference), ...side(current)]);
}

function rowsWhere(parts: Uint8Array, holds: (part: number) => boolean): number[] {
  return [...parts.keys()].filter((row) => holds(parts[row]!));
}

function picked({ width, values }: Matrix, rows: readonly number[]): Matrix {
  const own = new Float64Array(rows.length * width);
  rows.forEach((row, at) => own.set(values.subarray(row * width, (row + 1) * width), at * width));
  return { rows: rows.length, width, values: own };
}

/** Share of pairs in which the row of now has the higher score; of equal ones half. */
export function areaUnder(then: Float64Array, now: Float64Array): number {
  const below = numberSample(then);
  const { partitioned } = below;
  const pairs = now.reduce((sum, score) => sum + (partitioned!.below(score) + partitioned!.through(score)) / 2, 0);
  return pairs / (then.length * now.length);
}
