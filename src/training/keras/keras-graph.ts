import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';

/** An output of a layer of the flattened graph. */
export interface KerasTensor {
  /** {@link KerasLayer.id} */
  readonly layer: string;
  readonly index: number;
}

export interface KerasLayer {
  readonly id: string;
  /** Names, from the outermost model inwards. */
  readonly path: readonly string[];
  readonly className: string;
  readonly config: JsonObject;
  readonly inputs: readonly KerasTensor[];
  /** Arguments of its call that are no tensors. */
  readonly kwargs: JsonObject;
}

export interface KerasGraph {
  readonly inputs: readonly KerasLayer[];
  /** Without inputs, each after what it reads. */
  readonly layers: readonly KerasLayer[];
  readonly outputs: readonly KerasTensor[];
}

const DEPTH_MAX = 8;

/** The layers of a model and of the models inside it, each called once. @throws MODEL_INVALID */
export function flattenModel(model: JsonObject): KerasGraph {
  const graph = flatten(model, [], undefined);
  const byId = new Map(graph.layers.map((layer) => [layer.id, layer]));
  const needed = new Set<string>();
  const open = graph.outputs.map(({ layer }) => layer);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    open.push(...(byId.get(id)?.inputs ?? []).map(({ layer }) => layer));
  }
  // What computed masks alone is no layer of the model.
  return { ...graph, layers: graph.layers.filter(({ id }) => needed.has(id)) };
}

/** @param given what a model inside another one reads */
function flatten(model: JsonObject, path: readonly string[], given: readonly KerasTensor[] | undefined): KerasGraph {
  if (path.length > DEPTH_MAX) throw invalid(`Models lie within models more than ${DEPTH_MAX} deep.`);
  const className = String(model.class_name);
  if (className === 'Sequential') return flattenSequential(model, path, given);
  if (className === 'Functional' || className === 'Model') return flattenFunctional(asObject(model.config, 'the model'), path, given);
  throw invalid(
    `The model is a ${className}; Sequential and Functional models are read.`,
    'A subclassed model has its layers in code: build it anew as a Functional model, and save that.',
  );
}

export const isModel = (className: string): boolean => className === 'Sequential' || className === 'Functional' || className === 'Model';

function flattenSequential(model: JsonObject, path: readonly string[], given: readonly KerasTensor[] | undefined): KerasGraph {
  const list = Array.isArray(model.config) ? model.config : asObject(model.config, 'the model').layers;
  if (!Array.isArray(list)) throw invalid('The Sequential model has no list of layers.');
  const inputs: KerasLayer[] = [];
  const layers: KerasLayer[] = [];
  let last: readonly KerasTensor[] | undefined = given;
  for (const [index, item] of list.entries()) {
    const { className, config, name } = describe(item, index);
    if (className === 'InputLayer') {
      if (last === undefined) {
        inputs.push({ id: idOf([...path, name]), path: [...path, name], className, config, inputs: [], kwargs: {} });
        last = [{ layer: idOf([...path, name]), index: 0 }];
      }
      continue;
    }
    if (last === undefined) {
      const shape = config.batch_input_shape ?? config.batch_shape ?? buildShape(model);
      if (!Array.isArray(shape))
        throw invalid(
          `The Sequential model does not say the shape of its input: its first layer "${name}" has none.`,
          'Save the model after it was built, or with an Input layer.',
        );
      const input = `${name}_input`;
      inputs.push({
        id: idOf([...path, input]),
        path: [...path, input],
        className: 'InputLayer',
        config: { batch_shape: shape },
        inputs: [],
        kwargs: {},
      });
      last = [{ layer: idOf([...path, input]), index: 0 }];
    }
    last = place(asObject(item, `layer ${index + 1}`), className, config, [...path, name], last, {}, layers);
  }
  return { inputs, layers, outputs: last ?? [] };
}

function buildShape(model: JsonObject): Json | undefined {
  return (
    (Array.isArray(model.config) ? undefined : (model.config as JsonObject).build_input_shape) ??
    (model.build_config as JsonObject | undefined)?.input_shape
  );
}

/** Adds a layer, or the layers of a model, and gives what it puts out. */
function place(
  item: JsonObject,
  className: string,
  config: JsonObject,
  path: readonly string[],
  reads: readonly KerasTensor[],
  kwargs: JsonObject,
  layers: KerasLayer[],
): readonly KerasTensor[] {
  if (isModel(className)) {
    const inner = flatten(item, path, reads);
    layers.push(...inner.layers);
    return inner.outputs;
  }
  if (layers.length > 100_000) throw invalid('The model has more than 100,000 layers.');
  layers.push({ id: idOf(path), path, className, config, inputs: reads, kwargs });
  return [{ layer: idOf(path), index: 0 }];
}

interface Pending {
  readonly item: JsonObject;
  readonly className: string;
  readonly config: JsonObject;
  readonly name: string;
  readonly reads: readonly { readonly name: string; readonly node: number; readonly index: number }[];
  readonly kwargs: JsonObject;
}

function flattenFunctional(config: JsonObject, path: readonly string[], given: readonly KerasTensor[] | undefined): KerasGraph {
  const list = config.layers;
  if (!Array.isArray(list)) throw invalid('The Functional model has no list of layers.');
  const inputNames = references(config.input_layers, 'input_layers');
  const inputs: KerasLayer[] = [];
  /** What each layer puts out; of a model inside, several tensors. */
  const values = new Map<string, readonly KerasTensor[]>();
  let pending: Pending[] = [];
  for (const [index, item] of list.entries()) {
    const { className, config: own, name } = describe(item, index);
    if (className === 'InputLayer') {
      const at = inputNames.findIndex((reference) => reference.name === name);
      const tensor = given?.[at];
      if (given !== undefined && tensor === undefined)
        throw invalid(`The model "${path.join('/')}" has ${inputNames.length} inputs, but ${given.length} are given to it.`);
      if (given === undefined)
        inputs.push({ id: idOf([...path, name]), path: [...path, name], className, config: own, inputs: [], kwargs: {} });
      values.set(name, [tensor ?? { layer: idOf([...path, name]), index: 0 }]);
    } else {
      pending.push({ item: item as JsonObject, className, config: own, name, ...callOf(item as JsonObject, name) });
    }
  }
  const layers: KerasLayer[] = [];
  while (pending.length > 0) {
    const waiting: Pending[] = [];
    for (const layer of pending) {
      if (layer.reads.every(({ name }) => values.has(name))) {
        const reads = layer.reads.map(({ name, index }) => pick(values.get(name)!, index, name));
        values.set(layer.name, place(layer.item, layer.className, layer.config, [...path, layer.name], reads, layer.kwargs, layers));
      } else waiting.push(layer);
    }
    if (waiting.length === pending.length)
      throw invalid(
        `The layers ${waiting
          .slice(0, 5)
          .map(({ name }) => `"${name}"`)
          .join(', ')} read each other, or layers that do not exist.`,
      );
    pending = waiting;
  }
  const ordered = inputNames.flatMap(({ name }) => inputs.filter((input) => input.path.at(-1) === name));
  const outputs = references(config.output_layers, 'output_layers').map(({ name, index }) => {
    const tensors = values.get(name);
    if (tensors === undefined) throw invalid(`The output of the model, "${name}", is none of its layers.`);
    return pick(tensors, index, name);
  });
  return { inputs: ordered, layers, outputs };
}

function pick(tensors: readonly KerasTensor[], index: number, name: string): KerasTensor {
  const tensor = tensors[index];
  if (tensor === undefined) throw invalid(`Output ${index} of "${name}" is read; it has ${tensors.length}.`);
  return tensor;
}

/** `input_layers` and `output_layers`: ["name", 0, 0], a list of such, or an object of such. */
function references(value: Json | undefined, key: string): { readonly name: string; readonly index: number }[] {
  if (Array.isArray(value) && typeof value[0] === 'string') return [referenceOf(value, key)];
  const items = Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : undefined;
  if (items === undefined) throw invalid(`The model has no "${key}".`);
  return items.map((item) => referenceOf(item, key));
}

function referenceOf(value: Json, key: string): { readonly name: string; readonly index: number } {
  if (!Array.isArray(value) || typeof value[0] !== 'string')
    throw invalid(`The model's "${key}" holds ${JSON.stringify(value).slice(0, 60)}; expected ["layer", 0, 0].`);
  return { name: value[0], index: typeof value[2] === 'number' ? value[2] : 0 };
}

/** What a layer reads: in Keras 2's lists, or in Keras 3's arguments. */
function callOf(item: JsonObject, name: string): Pick<Pending, 'reads' | 'kwargs'> {
  const nodes = item.inbound_nodes;
  if (!Array.isArray(nodes) || nodes.length === 0) throw invalid(`The layer "${name}" reads nothing.`);
  if (nodes.length > 1)
    throw invalid(
      `The layer "${name}" is used ${nodes.length} times in the model; layers that are used once are read.`,
      'Give each use a layer of its own, with the same weights.',
    );
  const [call] = nodes;
  if (Array.isArray(call)) return callOfKeras2(call, name);
  const { args, kwargs } = asObject(call, `the call of "${name}"`);
  const reads: { name: string; node: number; index: number }[] = [];
  const settings: JsonObject = {};
  for (const value of Array.isArray(args) ? args : []) collect(value, reads, name);
  for (const [key, value] of Object.entries((kwargs ?? {}) as JsonObject)) {
    // Keras 3 writes down the masks that layers hand on by themselves.
    if (key === 'mask') continue;
    const before = reads.length;
    collect(value, reads, name);
    if (reads.length === before) settings[key] = value;
  }
  return { reads, kwargs: settings };
}

function callOfKeras2(call: readonly Json[], name: string): Pick<Pending, 'reads' | 'kwargs'> {
  // One tensor may stand without its list.
  const list = typeof call[0] === 'string' ? [call as Json] : call;
  const reads: { name: string; node: number; index: number }[] = [];
  let settings: JsonObject = {};
  for (const entry of list) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string')
      throw invalid(`The layer "${name}" reads ${JSON.stringify(entry).slice(0, 60)}; expected ["layer", 0, 0, {}].`);
    reads.push({ name: entry[0], node: Number(entry[1] ?? 0), index: Number(entry[2] ?? 0) });
    if (typeof entry[3] === 'object' && entry[3] !== null && !Array.isArray(entry[3])) settings = { ...settings, ...entry[3] };
  }
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(settings)) {
    if (Array.isArray(value) && typeof value[0] === 'string' && value.length >= 3)
      reads.push({ name: value[0], node: Number(value[1]), index: Number(value[2]) });
    else kept[key] = value;
  }
  return { reads, kwargs: kept };
}

/** The tensors in an argument, in order. */
function collect(value: Json, reads: { name: string; node: number; index: number }[], layer: string, depth = 0): void {
  if (depth > DEPTH_MAX) throw invalid(`The call of the layer "${layer}" is nested too deep.`);
  if (Array.isArray(value)) for (const each of value) collect(each, reads, layer, depth + 1);
  else if (typeof value === 'object' && value !== null && value.class_name === '__keras_tensor__') {
    const history = asObject(value.config, `the call of "${layer}"`).keras_history;
    if (!Array.isArray(history) || typeof history[0] !== 'string')
      throw invalid(`The call of the layer "${layer}" does not say what it reads.`);
    reads.push({ name: history[0], node: Number(history[1]), index: Number(history[2]) });
  }
}

const idOf = (path: readonly string[]): string => path.join('\u0000');

function describe(item: Json, index: number): { readonly className: string; readonly config: JsonObject; readonly name: string } {
  const layer = asObject(item, `layer ${index + 1}`);
  const className = layer.class_name;
  if (typeof className !== 'string') throw invalid(`Layer ${index + 1} of the model has no "class_name".`);
  const config = Array.isArray(layer.config) ? {} : asObject(layer.config, `layer ${index + 1} (${className})`);
  const name = layer.name ?? config.name;
  if (/(^|>)Lambda$/.test(className))
    throw invalid(
      `The layer "${String(name)}" (Lambda) holds code of its own, which is not run.`,
      'Replace it by layers, and save the model again.',
    );
  if (typeof name !== 'string' || name === '') throw invalid(`Layer ${index + 1} (${className}) of the model has no name.`);
  return { className: className.replace(/^.*>/, ''), config, name };
}

export function asObject(value: Json | undefined, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalid(
    `The configuration of ${where} is ${value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40)}; expected an object.`,
  );
}

function invalid(message: string, hint?: string): PerennialError {
  return new PerennialError('MODEL_INVALID', message, hint === undefined ? {} : { hint });
}
