import type { StepLogger } from '../../../src/core/step.ts';
import type { OutputSpec, Row, Tensor, TensorBatch, TensorSpec } from '../../../src/core/tensor.ts';
import type { Preprocessor } from '../../../src/data/stored/dataset.ts';
import type { Column } from '../../../src/data/stored/column.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import type { Servable } from '../../../src/serving/servable.ts';
import type { RoutingState, VersionSource } from '../../../src/serving/version-source.ts';
import type { ModelMeta, Predictor } from '../../../src/training/model/model-meta.ts';

export const CLASSES = ['Adelie', 'Chinstrap', 'Gentoo'];

export const silent: StepLogger = { info() {}, warn() {}, error() {} };

/** Remembers what was logged. */
export function recordingLog(): StepLogger & { readonly lines: string[] } {
  const lines: string[] = [];
  const push =
    (level: string) =>
    (message: string, fields?: Record<string, unknown>): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  return { lines, info: push('info'), warn: push('warn'), error: push('error') };
}

export interface FakeOptions {
  /** In place of the two columns. */
  readonly preprocessor?: Preprocessor;
  readonly columns?: readonly (Column & { readonly required: boolean })[];
  readonly inputs?: readonly TensorSpec[];
  readonly output?: OutputSpec;
  readonly windowSize?: number;
  readonly predict?: (batch: TensorBatch) => Promise<Float32Array>;
  readonly sourceColumns?: readonly string[];
}

const MASS = [{ name: 'features', shape: [2], dtype: 'float32' }] as const satisfies readonly TensorSpec[];

/** A preprocessor of two columns: a required number and an optional text, whose length becomes the second feature. */
export function fakePreprocessor(options: FakeOptions = {}): Preprocessor {
  const inputs = options.inputs ?? MASS;
  const output = options.output ?? { kind: 'classes', name: 'species', classes: CLASSES };
  const windowSize = options.windowSize ?? 1;
  return {
    inputs,
    output,
    windowSize,
    columns: options.columns ?? [
      { name: 'body_mass_g', type: 'number', required: true },
      { name: 'island', type: 'string', required: false },
    ],
    async apply(rows: readonly Row[]): Promise<TensorBatch> {
      const examples = rows.length - windowSize + 1;
      const data = new Float32Array(examples * 2);
      for (let i = 0; i < examples; i += 1) {
        const row = rows[i + windowSize - 1]!;
        if (typeof row.body_mass_g !== 'number')
          throw new PerennialError('DATA_INVALID', `Row ${i}, column "body_mass_g": ${JSON.stringify(row.body_mass_g)} is not a number.`);
        data[i * 2] = row.body_mass_g;
        data[i * 2 + 1] = String(row.island ?? '').length;
      }
      return { features: { spec: inputs[0], rows: examples, data } };
    },
    toJson: () => ({}),
  };
}

export interface FakeServable extends Servable {
  readonly calls: number[];
  disposed(): boolean;
}

/** Version n always answers with class `(n - 1) % 3`. */
export function fakeServable(model: string, version: number, options: FakeOptions = {}): FakeServable {
  const preprocessor = options.preprocessor ?? fakePreprocessor(options);
  const width = preprocessor.output.kind === 'classes' ? preprocessor.output.classes.length : 1;
  const calls: number[] = [];
  let disposed = false;
  const predictor: Predictor = {
    meta: {
      inputs: preprocessor.inputs,
      output: options.preprocessor === undefined ? preprocessor.output : (options.output ?? preprocessor.output),
      outputShape: [width],
      trainableParameters: 7,
    } as unknown as ModelMeta,
    async predict(batch) {
      if (disposed) throw new Error('used after it was disposed');
      const rows = (Object.values(batch)[0] as Tensor).rows;
      calls.push(rows);
      if (options.predict !== undefined) return options.predict(batch);
      const values = new Float32Array(rows * width);
      for (let row = 0; row < rows; row += 1) values[row * width + (width === 1 ? 0 : (version - 1) % width)] = width === 1 ? version : 1;
      return values;
    },
    dispose() {
      disposed = true;
    },
  };
  return {
    model,
    version,
    preprocessor,
    predictor,
    sourceColumns: ['body_mass_g', 'island', 'species', 'year'],
    calls,
    disposed: () => disposed,
  };
}

/** A registry in memory with switches for what can go wrong. */
export class FakeSource implements VersionSource {
  readonly routings = new Map<string, RoutingState>();
  readonly loaded: FakeServable[] = [];
  readonly broken = new Set<number>();
  down = false;
  lost = false;
  loadMs = 0;
  asked = 0;
  options: FakeOptions = {};
  /** In place of `options`, by model. */
  readonly optionsOf = new Map<string, FakeOptions>();
  #etag = 0;

  /** Models whose routing cannot be read. */
  readonly torn = new Set<string>();

  route(
    model: string,
    aliases: Record<string, number>,
    more: Pick<RoutingState, 'previous' | 'fallback' | 'rollout' | 'limits'> = {},
  ): void {
    this.#etag += 1;
    this.routings.set(model, { aliases, revision: (this.routings.get(model)?.revision ?? 0) + 1, etag: String(this.#etag), ...more });
  }

  async rebuiltRouting(model: string): Promise<RoutingState | undefined> {
    const found = this.routings.get(model);
    return found === undefined ? undefined : { ...found, etag: '' };
  }

  async models(): Promise<string[]> {
    this.#check();
    return this.lost ? [] : [...this.routings.keys()];
  }

  async routingEtag(model: string): Promise<string | undefined> {
    this.#check();
    return this.lost ? undefined : this.routings.get(model)?.etag;
  }

  async routing(model: string): Promise<RoutingState | undefined> {
    this.#check();
    if (this.torn.has(model)) throw new PerennialError('BLOB_CORRUPT', `"models/${model}/routing.json" is not JSON (13 bytes).`);
    return this.routings.get(model);
  }

  async versions(): Promise<number[]> {
    this.#check();
    return [1, 2, 3, 4, 5, 6, 7, 8, 9];
  }

  async load(model: string, version: number): Promise<Servable> {
    this.#check();
    if (this.loadMs > 0) await new Promise((resolve) => setTimeout(resolve, this.loadMs));
    if (version > 9) throw new PerennialError('VERSION_INVALID', `The model "${model}" has no version ${version}.`);
    if (this.broken.has(version)) throw new PerennialError('BLOB_CORRUPT', `The blob of weights.bin does not match its digest.`);
    const servable = fakeServable(model, version, this.optionsOf.get(model) ?? this.options);
    this.loaded.push(servable);
    return servable;
  }

  servable(version: number): FakeServable {
    const found = this.loaded.findLast((servable) => servable.version === version);
    if (found === undefined) throw new Error(`version ${version} was never loaded`);
    return found;
  }

  #check(): void {
    this.asked += 1;
    if (this.down) throw new PerennialError('STORE_UNAVAILABLE', 'The store does not answer.');
  }
}

export async function eventually(check: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
