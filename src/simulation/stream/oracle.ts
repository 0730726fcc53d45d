import { Prng } from '../../core/prng.ts';
import type { Stream, StreamRow } from './stream.ts';

const HIDDEN = 16;
const BATCH = 64;
const RATE = 0.01;
const FIRST_EPOCHS = 40;
const DAILY_EPOCHS = 3;
/** Values beyond so many standard deviations are as far off as that. */
const FAR = 8;
/** Categories of a column that are told apart, the most frequent ones. */
const CATEGORIES_MAX = 32;
/** The newest rows that it learns from, where the document takes all. */
const ROWS_MAX = 20_000;

/**
 * What could have been had: a network with one hidden layer that goes on learning every day from all that is known by then, of the rows
 * that the document would take, and waits for no trigger, gate or promotion. It stands for the document retrained daily, which would take
 * hours.
 */
export class Oracle {
  readonly #classes: readonly string[];
  readonly #encode: (row: StreamRow['row']) => Float64Array;
  readonly #network: Network;
  readonly #keepDays: number | undefined;
  readonly #known: { readonly day: number; readonly inputs: readonly Float64Array[]; readonly labels: readonly number[] }[] = [];
  readonly #random: Prng;
  #isTrained = false;

  /** @param keepDays of the rows that the document takes; undefined: all */
  constructor(stream: Stream, history: readonly StreamRow[], seed: number, keepDays: number | undefined) {
    this.#classes = [...new Set(history.map(({ label }) => String(label)))].sort();
    this.#encode = encoder(stream, history);
    this.#random = new Prng('oracle', seed);
    this.#network = new Network(this.#encode(history[0]!.row).length, this.#classes.length, new Prng('oracle weights', seed));
    this.#keepDays = keepDays;
  }

  /** Rows whose labels came to be known. Classes that it never heard of it cannot learn. */
  know(day: number, rows: readonly StreamRow[]): void {
    const learnt = rows.filter(({ label }) => this.#classes.includes(String(label)));
    this.#known.push({
      day,
      inputs: learnt.map(({ row }) => this.#encode(row)),
      labels: learnt.map(({ label }) => this.#classes.indexOf(String(label))),
    });
  }

  /** Learns from what is known on a day. */
  learn(day: number): void {
    const kept = this.#known.filter((one) => this.#keepDays === undefined || one.day > day - 1 - this.#keepDays);
    const inputs = kept.flatMap((one) => one.inputs).slice(-ROWS_MAX);
    const labels = kept.flatMap((one) => one.labels).slice(-ROWS_MAX);
    if (inputs.length === 0) return;
    this.#network.learn(inputs, labels, this.#isTrained ? DAILY_EPOCHS : FIRST_EPOCHS, this.#random);
    this.#isTrained = true;
  }

  /** Share of the rows that it is right about. */
  right(rows: readonly StreamRow[]): number {
    const hits = rows.filter(({ row, label }) => this.#classes[this.#network.classOf(this.#encode(row))] === String(label)).length;
    return rows.length === 0 ? 0 : hits / rows.length;
  }
}

/** Numbers standardized by what was known at the beginning, with a mark for what is missing; categories one by one. */
function encoder({ features }: Stream, history: readonly StreamRow[]): (row: StreamRow['row']) => Float64Array {
  const parts = features.map(({ name, numeric }) => {
    const values = history.map(({ row }) => row[name] ?? null);
    if (numeric) {
      const known = values.filter((value) => typeof value === 'number');
      const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
      const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, known.length)) || 1;
      return {
        width: 2,
        write(into: Float64Array, at: number, value: unknown) {
          if (typeof value !== 'number') into[at + 1] = 1;
          else into[at] = Math.max(-FAR, Math.min(FAR, (value - mean) / deviation));
        },
      };
    }
    const counts = new Map<string, number>();
    for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    const names = [...counts]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, CATEGORIES_MAX)
      .map(([text]) => text);
    return {
      width: names.length,
      write(into: Float64Array, at: number, value: unknown) {
        const index = names.indexOf(String(value));
        if (index >= 0) into[at + index] = 1;
      },
    };
  });
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  return (row) => {
    const vector = new Float64Array(width);
    let at = 0;
    features.forEach(({ name }, index) => {
      parts[index]!.write(vector, at, row[name] ?? null);
      at += parts[index]!.width;
    });
    return vector;
  };
}

/** Hidden layer of hyperbolic tangents, softmax, Adam. */
class Network {
  readonly #inputs: number;
  readonly #classes: number;
  readonly #weights: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  readonly #hidden = new Float64Array(HIDDEN);
  readonly #out: Float64Array;
  #steps = 0;

  constructor(inputs: number, classes: number, random: Prng) {
    this.#inputs = inputs;
    this.#classes = classes;
    const count = HIDDEN * (inputs + 1) + classes * (HIDDEN + 1);
    this.#weights = Float64Array.from({ length: count }, () => random.normal() / Math.sqrt(inputs + 1));
    this.#first = new Float64Array(count);
    this.#second = new Float64Array(count);
    this.#out = new Float64Array(classes);
  }

  classOf(input: Float64Array): number {
    this.#forward(input);
    return this.#out.indexOf(Math.max(...this.#out));
  }

  learn(inputs: readonly Float64Array[], labels: readonly number[], epochs: number, random: Prng): void {
    const order = inputs.map((_, index) => index);
    const gradient = new Float64Array(this.#weights.length);
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      for (let at = order.length - 1; at > 0; at -= 1) {
        const other = random.below(at + 1);
        [order[at], order[other]] = [order[other]!, order[at]!];
      }
      for (let begin = 0; begin < order.length; begin += BATCH) {
        gradient.fill(0);
        const batch = order.slice(begin, begin + BATCH);
        for (const index of batch) this.#add(gradient, inputs[index]!, labels[index]!, 1 / batch.length);
        this.#step(gradient);
      }
    }
  }

  #forward(input: Float64Array): void {
    const [weights, hidden, out, width] = [this.#weights, this.#hidden, this.#out, this.#inputs + 1];
    for (let unit = 0; unit < HIDDEN; unit += 1) {
      let sum = weights[unit * width + this.#inputs]!;
      for (let at = 0; at < this.#inputs; at += 1) sum += weights[unit * width + at]! * input[at]!;
      hidden[unit] = Math.tanh(sum);
    }
    const base = HIDDEN * width;
    for (let one = 0; one < this.#classes; one += 1) {
      let sum = weights[base + one * (HIDDEN + 1) + HIDDEN]!;
      for (let unit = 0; unit < HIDDEN; unit += 1) sum += weights[base + one * (HIDDEN + 1) + unit]! * hidden[unit]!;
      out[one] = sum;
    }
  }

  #add(gradient: Float64Array, input: Float64Array, label: number, share: number): void {
    this.#forward(input);
    const [weights, hidden, out, width] = [this.#weights, this.#hidden, this.#out, this.#inputs + 1];
    const most = Math.max(...out);
    let sum = 0;
    for (let one = 0; one < this.#classes; one += 1) sum += out[one] = Math.exp(out[one]! - most);
    const base = HIDDEN * width;
    for (let one = 0; one < this.#classes; one += 1) out[one] = (out[one]! / sum - (one === label ? 1 : 0)) * share;
    for (let unit = 0; unit < HIDDEN; unit += 1) {
      let back = 0;
      for (let one = 0; one < this.#classes; one += 1) {
        const at = base + one * (HIDDEN + 1) + unit;
        gradient[at]! += out[one]! * hidden[unit]!;
        back += out[one]! * weights[at]!;
      }
      back *= 1 - hidden[unit]! ** 2;
      for (let at = 0; at < this.#inputs; at += 1) gradient[unit * width + at]! += back * input[at]!;
      gradient[unit * width + this.#inputs]! += back;
    }
    for (let one = 0; one < this.#classes; one += 1) gradient[base + one * (HIDDEN + 1) + HIDDEN]! += out[one]!;
  }

  #step(gradient: Float64Array): void {
    this.#steps += 1;
    const [fade, square] = [1 - 0.9 ** this.#steps, 1 - 0.999 ** this.#steps];
    for (let at = 0; at < gradient.length; at += 1) {
      const one = gradient[at]!;
      const first = (this.#first[at] = 0.9 * this.#first[at]! + 0.1 * one);
      const second = (this.#second[at] = 0.999 * this.#second[at]! + 0.001 * one * one);
      this.#weights[at]! -= (RATE * (first / fade)) / (Math.sqrt(second / square) + 1e-8);
    }
  }
}
