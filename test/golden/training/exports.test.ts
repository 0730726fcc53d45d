import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportNetwork } from '../../../src/training/bundle/create-export.ts';
import { graphOutputs } from '../../../src/training/exports/shared/graph-outputs.ts';
import { NO_LOGITS } from '../../../src/training/model/network.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import type { Tensor } from '../../../src/training/tensorflow/tf.ts';
import { EXPORT_CASES, ROWS, exportRows, exportSource } from './export-cases.ts';
import type { ExportCase } from './export-cases.ts';

/** What the real readers said of the files with these digests: made by make_exports.py. */
interface Evidence {
  readonly files: Readonly<Record<string, string>>;
  readonly keras: readonly number[];
  /** null: says "Keras 3 reads it", and tf_keras does not. */
  readonly tfKeras: readonly number[] | null;
  /** By number of rows. */
  readonly savedModel: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

const tf = loadTf();
const path = join(import.meta.dirname, 'exports.json');
const evidence: Record<string, Evidence> = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Evidence>) : {};
/** Where make_exports.py looks for the files. */
const target = process.env.PERENNIAL_WRITE_EXPORTS;
/** Files that depend on layers and weights alone. Graphs follow every change of a layer's code: what they compute is compared. */
const DIGESTED = ['kerasH5/model.h5', 'kerasWeights/weights.h5', 'kerasJson/model.json'];

async function written(golden: ExportCase): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const format of ['kerasH5', 'kerasWeights', 'kerasJson', 'savedModel']) {
    const made = await exportNetwork(exportSource(golden), Buffer.from('{}'), format, {
      batch: exportRows(golden),
      rows: ROWS,
      source: 'test',
    });
    expect(made.check.largestDifference).toBeLessThan(1e-5);
    for (const [name, bytes] of Object.entries(made.files)) files.set(`${format}/${name}`, bytes);
  }
  return files;
}

function predicted(golden: ExportCase): { readonly raw: Float32Array; readonly outputs: Record<string, Float32Array> } {
  const { network, weights, meta } = exportSource(golden);
  const values = (tensor: Tensor): Float32Array => tensor.dataSync() as Float32Array;
  const tensors = new Map(
    network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(weights.get(fullName)!, [...shape], 'float32') as Tensor]),
  );
  const { output } = network.forward(tf, network.inputTensors(tf, exportRows(golden)), tensors, {
    training: false,
    seed: 0,
    iteration: 0,
    logits: NO_LOGITS,
  });
  return {
    raw: values(output),
    outputs: Object.fromEntries(Object.entries(graphOutputs(tf, meta, output)).map(([name, tensor]) => [name, values(tensor)])),
  };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++)
    expect(Math.abs(actual[index]! - expected[index]!) / Math.max(1, Math.abs(expected[index]!))).toBeLessThan(1e-5);
}

describe('exports are those that Keras 3, tf_keras and TensorFlow have read', () => {
  test.each(EXPORT_CASES.map((golden) => [golden.name, golden] as const))('%s', async (name, golden) => {
    const files = await written(golden);
    if (target !== undefined) {
      for (const [file, bytes] of files) {
        mkdirSync(dirname(join(target, name, file)), { recursive: true });
        writeFileSync(join(target, name, file), bytes);
      }
      writeFileSync(
        join(target, name, 'rows.json'),
        JSON.stringify(
          Object.values(exportRows(golden)).map(({ spec, data }) => ({
            shape: [ROWS, ...spec.shape],
            dtype: spec.vocabularySize === undefined ? 'float32' : 'int32',
            values: [...data],
          })),
        ),
      );
      return;
    }
    const seen = evidence[name]!;
    expect(Object.fromEntries(DIGESTED.map((file) => [file, sha256(files.get(file)!)]))).toEqual(seen.files);
    const { raw, outputs } = predicted(golden);
    expectClose(raw, seen.keras);
    expect(files.get('kerasH5/README.txt')!.toString().includes('Keras 3 reads it')).toBe(seen.tfKeras === null);
    if (seen.tfKeras !== null) expectClose(raw, seen.tfKeras);
    for (const [rows, values] of Object.entries(seen.savedModel)) {
      expect(Object.keys(values)).toEqual(Object.keys(outputs));
      for (const [output, expected] of Object.entries(values))
        expectClose(outputs[output]!.subarray(0, (outputs[output]!.length / ROWS) * Number(rows)), expected);
    }
  });
});
