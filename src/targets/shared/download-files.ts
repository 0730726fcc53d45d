import { isPerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, Tensor, TensorBatch } from '../../core/tensor.ts';
import { PROFILE } from '../../data/stored/dataset.ts';
import type { VersionManifest } from '../../registry/types.ts';
import { fileAs, metaAs } from '../../storage/stored.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { product } from '../../training/layers/shapes.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import { labelsText } from '../../training/exports/shared/graph-outputs.ts';
import { columnsOf } from './page-files.ts';
import { zipOf } from './zip.ts';

interface Signature {
  readonly inputs: readonly {
    readonly name: string;
    readonly tensor: string;
    readonly dtype: string;
    readonly shape: readonly (number | null)[];
  }[];
}

/** A row, the tensors that the preprocessing makes of it, and what Perennial answers. */
interface Example {
  readonly row: JsonObject | null;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly answer: JsonObject | null;
}

/** Everything for people who have Keras and no Perennial. */
export async function downloadFiles(
  version: VersionManifest,
  model: OpenArtifact,
  given: Readonly<Record<string, Uint8Array>>,
  unitNotes: readonly string[],
): Promise<{ readonly files: Readonly<Record<string, Uint8Array>>; readonly notes: readonly string[] }> {
  const meta = metaAs(model, MODEL);
  const signature = JSON.parse(Buffer.from(given['signature.json']!).toString('utf8')) as Signature;
  const example = await exampleOf(model, signature);
  const labels = labelsText(meta);
  const notes = [...unitNotes, 'example.json has a row, and the tensors that it becomes.'];
  const files = {
    ...given,
    ...(labels === undefined ? {} : { 'labels.txt': Buffer.from(labels) }),
    'example.json': Buffer.from(`${JSON.stringify(example, null, 1)}\n`),
    'example.py': Buffer.from(program(meta.output, signature)),
    'README.md': Buffer.from(readme(version, meta.output, signature, notes)),
  };
  const folder = `${version.name}-${version.version}`;
  const zip = zipOf(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes])));
  return { files: { ...files, [`${folder}.zip`]: zip }, notes };
}

/** Of values as the data have them; where a row cannot be made up (an image, a text, a window), of zeros. */
async function exampleOf(model: OpenArtifact, { inputs }: Signature): Promise<Example> {
  const bundle = await openBundle(model);
  try {
    const columns = columnsOf(await model.json<JsonObject>('preprocessor.json'), await fileAs(model, PROFILE, 'profile.json'));
    const row = Object.fromEntries(columns.map(({ name, example }) => [name, example ?? null]));
    const zeros = (): Example => ({
      row: null,
      tensors: Object.fromEntries(
        inputs.map(({ name, shape }) => [name, new Array<number>(product(shape.slice(1).map((size) => size ?? 1))).fill(0)]),
      ),
      answer: null,
    });
    if (bundle.preprocessor.windowSize > 1 || columns.length === 0 || columns.some(({ example }) => example === undefined)) return zeros();
    let batch: TensorBatch;
    try {
      batch = await bundle.preprocessor.apply([row]);
    } catch (error) {
      // Times in a form of their own, and what else a made-up value does not have.
      if (!isPerennialError(error, 'DATA_INVALID')) throw error;
      return zeros();
    }
    const { decode } = await import('../../data/answers/decode.ts');
    const [answer] = decode(bundle.meta.output, await bundle.predictor.predict(batch), 1);
    const values = ({ data }: Tensor): number[] => Array.from(data);
    return {
      row,
      tensors: Object.fromEntries(inputs.map(({ name, tensor }) => [name, values(batch[tensor]!)])),
      answer: answer as unknown as JsonObject,
    };
  } finally {
    bundle.predictor.dispose();
  }
}

/** Turns what the network gives into the units of the source. */
function toUnits(output: OutputSpec): string[] {
  if (output.kind === 'classes')
    return [
      `classes = ${JSON.stringify(output.classes)}`,
      'shares = answer[0] if len(answer[0]) == len(classes) else [1 - answer[0][0], answer[0][0]]',
      'print("shares of the classes:", dict(zip(classes, map(float, shares))))',
    ];
  if (output.kind === 'number' && output.scale !== undefined)
    return [
      `print(${JSON.stringify(`${output.name}, in the unit of the source data:`)}, answer[0] * ${output.scale.std} + ${output.scale.mean})`,
    ];
  return ['print("answer:", answer[0])'];
}

function program(output: OutputSpec, { inputs }: Signature): string {
  const shapes = JSON.stringify(Object.fromEntries(inputs.map(({ name, shape }) => [name, shape.slice(1).map((size) => size ?? -1)])));
  const types = JSON.stringify(Object.fromEntries(inputs.map(({ name, dtype }) => [name, dtype])));
  return [
    '"""Asks the model about the row of example.json. Needs Keras 3 (pip install tensorflow)."""',
    'import json',
    'import os',
    'import keras',
    'import numpy as np',
    '',
    'here = os.path.dirname(os.path.abspath(__file__))',
    'model = keras.models.load_model(os.path.join(here, "model.h5"), compile=False)',
    'with open(os.path.join(here, "example.json")) as file:',
    '    example = json.load(file)',
    `shapes = ${shapes}`,
    `types = ${types}`,
    'tensors = {',
    '    name: np.array(values, dtype=types[name]).reshape([1, *shapes[name]])',
    '    for name, values in example["tensors"].items()',
    '}',
    'answer = np.asarray(model(tensors if len(tensors) > 1 else next(iter(tensors.values())), training=False))',
    ...toUnits(output),
    'print("Perennial answers:", example["answer"])',
    '',
  ].join('\n');
}

function readme(version: VersionManifest, output: OutputSpec, { inputs }: Signature, notes: readonly string[]): string {
  const metrics = Object.entries(version.metrics).map(([name, value]) => `| ${name} | ${Number(value.toPrecision(5))} |`);
  return [
    `# ${version.name}, version ${version.version}`,
    '',
    ...(version.description === '' ? [] : [version.description, '']),
    `Made ${version.createdAt.slice(0, 10)} by the pipeline "${version.pipeline}". It answers "${output.name}".`,
    '',
    '## Units',
    '',
    ...notes.map((note) => `- ${note}`),
    '',
    '## Files',
    '',
    '| File | What it is |',
    '| --- | --- |',
    '| `model.h5` | the Keras model: layers and weights |',
    '| `architecture.json` | the layers alone, for `keras.Model.from_config` (its "config") or `model_from_json` |',
    '| `weights.h5` | the weights alone, for `load_weights` of a model with these layers |',
    '| `preprocessor.json` | how columns of the source become tensors: fitted transforms, in their order |',
    '| `signature.json` | names, types and shapes of the tensors that go in and out |',
    ...(output.kind === 'classes' ? ['| `labels.txt` | names of the classes, in the order of the answer |'] : []),
    '| `example.json`, `example.py` | a row with its tensors, and a program that asks about it |',
    '',
    '## Asking it',
    '',
    '```sh',
    'python example.py',
    '```',
    '',
    `It reads ${inputs.map(({ name, shape, dtype }) => `\`${name}\` (${dtype}, ${shape.map((size) => size ?? 'n').join(' × ')})`).join(', ')}.`,
    ...(metrics.length === 0 ? [] : ['', '## On test rows', '', '| Metric | Value |', '| --- | --- |', ...metrics]),
    '',
  ].join('\n');
}
