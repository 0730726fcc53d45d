/** Numbers of rows, row after row: [rows, width]. NaN is a value that is missing. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly values: Float64Array;
}

export interface BoostingOptions {
  /** squared: of numbers. logistic: of 0 and 1; what is predicted are log-odds. */
  readonly loss: 'squared' | 'logistic';
  readonly trees: number;
  /** Share of each tree that counts. */
  readonly rate: number;
  readonly leavesMax: number;
  /** Rows of a leaf, at least. */
  readonly leafRowsMin: number;
  /** Cells of a column, at most 256, the first of them of missing values: cuts lie at the quantiles of its values. */
  readonly cells: number;
}

/** A node goes to `left` where the value is missing or at most the limit; a leaf has the column -1. */
export interface Tree {
  readonly column: readonly number[];
  readonly limit: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly value: readonly number[];
}

/** The sum of a start and of trees, as plain data. */
export interface BoostedTrees {
  readonly start: number;
  readonly trees: readonly Tree[];
}

/** Least sum of the second derivatives of a leaf. */
const CURVATURE_MIN = 1e-3;

/**
 * Gradient boosting of regression trees on histograms: each tree grows at the leaf whose split gains most, by first and second derivatives
 * of the loss. Nothing is drawn by chance: the same rows give the same trees.
 *
 * @param features at least one row, finite or NaN
 * @param targets one a row, finite
 * @see https://doi.org/10.1214/aos/1013203451 Friedman, "Greedy Function Approximation: A Gradient Boosting Machine" (2001)
 * @see https://papers.nips.cc/paper/6907 Ke et al., "LightGBM" (2017), on growth by leaves and on histograms
 */
export function boostTrees(features: Matrix, targets: Float64Array, options: BoostingOptions): BoostedTrees {
  const { rows } = features;
  const columns = Array.from({ length: features.width }, (_, column) => cellsOf(features, column, options.cells));
  const mean = targets.reduce((sum, value) => sum + value, 0) / rows;
  const isLogistic = options.loss === 'logistic';
  const start = isLogistic ? Math.log(Math.max(mean, 1e-15) / Math.max(1 - mean, 1e-15)) : mean;
  const scores = new Float64Array(rows).fill(start);
  const gradients = new Float64Array(rows);
  const curvatures = new Float64Array(rows).fill(1);
  const trees: Tree[] = [];
  for (let round = 0; round < options.trees; round += 1) {
    for (let row = 0; row < rows; row += 1) {
      if (!isLogistic) gradients[row] = scores[row]! - targets[row]!;
      else {
        const chance = 1 / (1 + Math.exp(-scores[row]!));
        gradients[row] = chance - targets[row]!;
        curvatures[row] = chance * (1 - chance);
      }
    }
    const tree = growTree(columns, rows, { gradients, curvatures, scores }, options);
    if (tree === undefined) break;
    trees.push(tree);
  }
  return { start, trees };
}

/** What the trees say of each row. */
export function predictTrees({ start, trees }: BoostedTrees, { rows, width, values }: Matrix): Float64Array {
  const out = new Float64Array(rows).fill(start);
  for (const { column, limit, left, right, value } of trees) {
    for (let row = 0; row < rows; row += 1) {
      let node = 0;
      for (let at = column[0]!; at >= 0; at = column[node]!) {
        const found = values[row * width + at]!;
        node = found > limit[node]! ? right[node]! : left[node]!;
      }
      out[row]! += value[node]!;
    }
  }
  return out;
}

interface Cells {
  /** Cell of each row: 0 where its value is missing, i + 1 where it is above i of the limits. */
  readonly cells: Uint8Array;
  readonly limits: Float64Array;
}

function cellsOf({ rows, width, values }: Matrix, column: number, cellsMax: number): Cells {
  const own = new Float64Array(rows);
  let known = 0;
  for (let row = 0; row < rows; row += 1) {
    const value = values[row * width + column]!;
    if (!Number.isNaN(value)) own[known++] = value;
  }
  const sorted = own.subarray(0, known).sort();
  const distinct = sorted.filter((value, at) => at === 0 || value !== sorted[at - 1]);
  const most = cellsMax - 1;
  const limits =
    distinct.length <= most
      ? distinct.subarray(0, Math.max(0, distinct.length - 1)).map((value, at) => middleOf(value, distinct[at + 1]!))
      : Float64Array.from(new Set(Array.from({ length: most - 1 }, (_, at) => sorted[Math.floor(((at + 1) * known) / most)]!))).filter(
          (limit) => limit < sorted[known - 1]!,
        );
  const cells = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const value = values[row * width + column]!;
    if (Number.isNaN(value)) continue;
    let [low, high] = [0, limits.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value > limits[middle]!) low = middle + 1;
      else high = middle;
    }
    cells[row] = low + 1;
  }
  return { cells, limits };
}

/** Between two numbers, and never the upper one. */
function middleOf(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}

interface Leaf {
  readonly node: number;
  readonly rows: Int32Array;
  /** Of every column and cell: sums of gradients and curvatures, and rows. */
  readonly sums: Float64Array;
  readonly gradient: number;
  readonly curvature: number;
  readonly split: Split | undefined;
}

interface Split {
  readonly gain: number;
  readonly column: number;
  /** Cells up to this one go to the left. */
  readonly cell: number;
}

interface Derivatives {
  readonly gradients: Float64Array;
  readonly curvatures: Float64Array;
  /** What is predicted so far; the tree's own part is added. */
  readonly scores: Float64Array;
}

/** undefined: no split gains anything. */
function growTree(
  columns: readonly Cells[],
  rows: number,
  { gradients, curvatures, scores }: Derivatives,
  { leavesMax, leafRowsMin, rate, cells: width }: BoostingOptions,
): Tree | undefined {
  const tree = { column: [-1], limit: [0], left: [-1], right: [-1], value: [0] };
  const leafOf = (node: number, own: Int32Array, sums: Float64Array): Leaf => {
    const [gradient, curvature] = totalsOf(sums, width);
    return { node, rows: own, sums, gradient, curvature, split: bestSplit(columns, sums, own.length, leafRowsMin, width) };
  };
  const all = Int32Array.from({ length: rows }, (_, row) => row);
  const leaves = [leafOf(0, all, sumsOf(columns, all, gradients, curvatures, width))];
  while (leaves.length < leavesMax) {
    const at = leaves.reduce((best, { split }, index) => ((split?.gain ?? 0) > (leaves[best]!.split?.gain ?? 0) ? index : best), 0);
    const leaf = leaves[at]!;
    if (leaf.split === undefined) break;
    const { column, cell } = leaf.split;
    const { cells, limits } = columns[column]!;
    const isLeft = (row: number): boolean => cells[row]! <= cell;
    const [left, right] = [leaf.rows.filter(isLeft), leaf.rows.filter((row) => !isLeft(row))];
    // The sums of the larger side are what the smaller one leaves.
    const small = left.length <= right.length ? left : right;
    const ofSmall = sumsOf(columns, small, gradients, curvatures, width);
    const ofLarge = leaf.sums.map((sum, index) => sum - ofSmall[index]!);
    const first = tree.column.length;
    for (let child = 0; child < 2; child += 1) {
      tree.column.push(-1);
      tree.limit.push(0);
      tree.left.push(-1);
      tree.right.push(-1);
      tree.value.push(0);
    }
    tree.column[leaf.node] = column;
    // All that is not missing goes to the right where the first cell alone goes to the left.
    tree.limit[leaf.node] = cell === 0 ? -Number.MAX_VALUE : limits[cell - 1]!;
    tree.left[leaf.node] = first;
    tree.right[leaf.node] = first + 1;
    leaves.splice(
      at,
      1,
      leafOf(first, left, small === left ? ofSmall : ofLarge),
      leafOf(first + 1, right, small === right ? ofSmall : ofLarge),
    );
  }
  if (leaves.length === 1) return undefined;
  for (const { node, rows: own, gradient, curvature } of leaves) {
    const value = (-rate * gradient) / Math.max(curvature, CURVATURE_MIN);
    tree.value[node] = value;
    for (const row of own) scores[row]! += value;
  }
  return tree;
}

/** @param width cells of a column */
function sumsOf(
  columns: readonly Cells[],
  rows: Int32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
  width: number,
): Float64Array {
  const sums = new Float64Array(columns.length * width * 3);
  columns.forEach(({ cells }, column) => {
    const start = column * width * 3;
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index]!;
      const at = start + cells[row]! * 3;
      sums[at]! += gradients[row]!;
      sums[at + 1]! += curvatures[row]!;
      sums[at + 2]! += 1;
    }
  });
  return sums;
}

/** Of the first column: each row is in one of its cells. */
function totalsOf(sums: Float64Array, width: number): [gradient: number, curvature: number] {
  let [gradient, curvature] = [0, 0];
  for (let cell = 0; cell < Math.min(width, sums.length / 3); cell += 1) {
    gradient += sums[cell * 3]!;
    curvature += sums[cell * 3 + 1]!;
  }
  return [gradient, curvature];
}

function bestSplit(columns: readonly Cells[], sums: Float64Array, rows: number, leafRowsMin: number, width: number): Split | undefined {
  if (rows < 2 * leafRowsMin) return undefined;
  const [gradient, curvature] = totalsOf(sums, width);
  const whole = (gradient * gradient) / curvature;
  let best: Split | undefined;
  columns.forEach(({ limits }, column) => {
    let [leftGradient, leftCurvature, leftRows] = [0, 0, 0];
    for (let cell = 0; cell <= limits.length; cell += 1) {
      const at = (column * width + cell) * 3;
      leftGradient += sums[at]!;
      leftCurvature += sums[at + 1]!;
      leftRows += sums[at + 2]!;
      if (leftRows < leafRowsMin) continue;
      if (rows - leftRows < leafRowsMin) break;
      const rightGradient = gradient - leftGradient;
      const rightCurvature = curvature - leftCurvature;
      if (leftCurvature < CURVATURE_MIN || rightCurvature < CURVATURE_MIN) continue;
      const gain = (leftGradient * leftGradient) / leftCurvature + (rightGradient * rightGradient) / rightCurvature - whole;
      if (gain > (best?.gain ?? 1e-12)) best = { gain, column, cell };
    }
  });
  return best;
}
