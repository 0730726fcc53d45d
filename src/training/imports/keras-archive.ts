import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { unzip } from '../../provisioning/zip.ts';
import { fromKeras } from '../keras/from-keras.ts';
import type { ReadTopology } from '../keras/from-keras.ts';
import { damaged, readHdf5, sizeOf, unpackedMax } from './hdf5-contents.ts';
import type { Hdf5Contents } from './hdf5-reader.ts';
import { TEXT_MAX, parseJson } from './json-text.ts';
import { matchWeights } from './keras-hdf5.ts';
import type { StoredWeight } from './keras-hdf5.ts';
import type { ReadModel, ReadModelOptions } from './model-reading.ts';

const MEMBERS: ReadonlySet<string> = new Set(['config.json', 'metadata.json', 'model.weights.h5']);

/** Keras 3's own format: a zip with the configuration and an HDF5 file of weights. @throws MODEL_INVALID */
export async function readKerasArchive(path: string, options: ReadModelOptions): Promise<ReadModel> {
  const bytesMax = unpackedMax(await sizeOf(path));
  const folder = await mkdtemp(join(tmpdir(), 'perennial-keras-'));
  try {
    await unzip(path, folder, (name) => (MEMBERS.has(name) ? name : undefined), bytesMax).catch((error: unknown) => {
      throw damaged(path, messageOf(error).replaceAll(path, 'it').slice(0, 200));
    });
    const config = await readJson(join(folder, 'config.json'), path, 'config.json');
    const { keras_version: version } = await readJson(join(folder, 'metadata.json'), path, 'metadata.json');
    const read = fromKeras(config, { ...options, version: 3 });
    const weights = join(folder, 'model.weights.h5');
    if (!existsSync(weights)) throw damaged(path, 'it holds no model.weights.h5');
    const contents = await readHdf5(weights, path);
    return {
      topology: read.topology,
      weights: weightsOf(read, contents, path),
      notes: read.notes,
      origin: `Keras ${String(version ?? 3)}, ".keras"`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readJson(file: string, path: string, name: string): Promise<JsonObject> {
  const size = await sizeOf(file).catch(() => {
    throw damaged(path, `it holds no ${name}`);
  });
  if (size > TEXT_MAX) throw damaged(path, `its ${name} has ${size} bytes; up to ${TEXT_MAX} are read`);
  return parseJson(await readFile(file, 'utf8'), path, name) as JsonObject;
}

function weightsOf(read: ReadTopology, contents: Hdf5Contents, path: string): Map<string, Float32Array> {
  const groups = groupsByName(contents);
  return new Map(
    read.sources.flatMap(({ path: names, weights }) => {
      if (weights.length === 0) return [];
      let group = '';
      for (const name of names) {
        const next: string | undefined = groups.get(`${group}\u0000${name}`);
        if (next === undefined) throw damaged(path, `it has no weights of the layer "${names.join('/')}"`);
        group = next;
      }
      return matchWeights(weights, variablesOf(contents, group), names.join('/'), path);
    }),
  );
}

/** "parent\0name" → group. The group "layers/dense_1" says by an attribute of its "vars" that its layer is called "hidden". */
function groupsByName(contents: Hdf5Contents): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [path, attributes] of contents.attributes) {
    const match = /^(.*?)(?:\/)?layers\/([^/]+)\/vars$/.exec(path);
    const name = attributes.get('name');
    if (match !== null && typeof name === 'string') {
      const group = path.slice(0, -'/vars'.length);
      groups.set(`${group.slice(0, group.lastIndexOf('/layers/') < 0 ? 0 : group.lastIndexOf('/layers/'))}\u0000${name}`, group);
    }
  }
  return groups;
}

/** Parts of layers that hold the weights, in the order of the layer's weights. */
const PARTS = ['', 'cell', 'forward_layer', 'backward_layer', 'query_dense', 'key_dense', 'value_dense', 'output_dense', 'layer'];

function variablesOf(contents: Hdf5Contents, group: string): StoredWeight[] {
  const found = [...contents.datasets].flatMap(([path, dataset]) => {
    const match = path.startsWith(`${group}/`) ? /^(.*?)\/?vars\/(\d+)$/.exec(path.slice(group.length + 1)) : null;
    if (match === null || match[1]!.includes('seed_generator')) return [];
    const part = PARTS.indexOf(match[1]!.split('/')[0]!);
    return [{ part: part < 0 ? PARTS.length : part, number: Number(match[2]), weight: { name: path, ...dataset } }];
  });
  return found.sort((a, b) => a.part - b.part || a.number - b.number).map(({ weight }) => weight);
}
