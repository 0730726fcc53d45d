import { DataType } from './graph-def.ts';
import type { ConstantTensor, Node } from './graph-def.ts';

/** Thrown where two traces differ by more than the number of rows. */
export class BatchError extends Error {}

const I32 = { T: { type: DataType.int32 } } as const;

interface Sized {
  readonly rows: number;
  readonly nodes: readonly Node[];
}

/**
 * One graph for any number of rows, from the same computation recorded at two of them: whatever differs is a number that depends
 * on the rows, and is computed from the shape of an input in the place where it stood.
 *
 * @param input placeholder whose first axis is the batch
 * @throws BatchError
 */
export function freeBatch(first: Sized, second: Sized, input: string): Node[] {
  if (first.nodes.length !== second.nodes.length) throw new BatchError('the traces differ in length');
  const source = first.nodes.find(({ name }) => name === input)!;
  const places = new Dimensions(first.rows, second.rows, source);
  const nodes = first.nodes.map((node, index) => {
    const other = second.nodes[index]!;
    if (node.op !== other.op || node.name !== other.name || node.inputs.join() !== other.inputs.join())
      throw new BatchError(`${node.op} became ${other.op}`);
    if (node.op === 'Placeholder') return freed(node);
    if (node.op === 'Const') return places.constant(node, other);
    if (JSON.stringify(node.attributes) !== JSON.stringify(other.attributes)) throw new BatchError(`an attribute of ${node.op}`);
    return node;
  });
  return [...nodes, ...places.nodes];
}

function freed(node: Node): Node {
  const { shape } = node.attributes.shape as { shape: readonly number[] };
  return { ...node, attributes: { ...node.attributes, shape: { shape: [-1, ...shape.slice(1)] } } };
}

/** The numbers of a graph that follow from its batch size. */
class Dimensions {
  readonly nodes: Node[] = [];
  readonly #rows: readonly [number, number];
  readonly #input: Node;
  readonly #known = new Map<string, string>();

  constructor(first: number, second: number, input: Node) {
    this.#rows = [first, second];
    this.#input = input;
  }

  /** The node itself, or one of its name that computes it. */
  constant(node: Node, other: Node): Node {
    const [a, b] = [tensorOf(node), tensorOf(other)];
    if (Buffer.compare(a.bytes, b.bytes) === 0 && a.shape.join() === b.shape.join()) return node;
    const row = this.#sameRow(a, b);
    if (row !== undefined) return this.#tiled(node.name, row);
    if (a.dtype !== DataType.int32 || a.shape.join() !== b.shape.join())
      throw new BatchError(`a constant of shape [${a.shape.join(', ')}] that has a value per row`);
    const values = ints(b).map((value, index) => this.#value(ints(a)[index]!, value));
    if (a.shape.length === 0) return { name: node.name, op: 'Identity', inputs: [values[0]!], attributes: I32 };
    const pack = (name: string): Node => ({
      name,
      op: 'Pack',
      inputs: values,
      attributes: { N: { i: values.length }, T: { type: DataType.int32 }, axis: { i: 0 } },
    });
    if (a.shape.length === 1) return pack(node.name);
    const packed = pack(`${node.name}_values`);
    this.nodes.push(packed);
    return {
      name: node.name,
      op: 'Reshape',
      inputs: [packed.name, this.#constantNode(a.shape)],
      attributes: { ...I32, Tshape: { type: DataType.int32 } },
    };
  }

  /** What a constant repeats for every row, in both traces. */
  #sameRow(a: ConstantTensor, b: ConstantTensor): ConstantTensor | undefined {
    if (
      a.shape.length === 0 ||
      a.shape[0] !== this.#rows[0] ||
      b.shape[0] !== this.#rows[1] ||
      a.dtype !== b.dtype ||
      a.shape.slice(1).join() !== b.shape.slice(1).join()
    )
      return undefined;
    const width = a.bytes.length / this.#rows[0];
    const row = a.bytes.subarray(0, width);
    const repeats = ({ bytes }: ConstantTensor): boolean =>
      bytes.length % width === 0 &&
      Array.from({ length: bytes.length / width }, (_, index) => bytes.subarray(index * width, (index + 1) * width)).every(
        (each) => Buffer.compare(each, row) === 0,
      );
    return width > 0 && repeats(a) && repeats(b) ? { dtype: a.dtype, shape: [1, ...a.shape.slice(1)], bytes: row } : undefined;
  }

  #tiled(name: string, row: ConstantTensor): Node {
    const times: Node = {
      name: `${name}_times`,
      op: 'Pack',
      inputs: row.shape.map((_size, axis) => (axis === 0 ? this.#batch() : this.#constantNode(1))),
      attributes: { N: { i: row.shape.length }, T: { type: DataType.int32 }, axis: { i: 0 } },
    };
    const once: Node = { name: `${name}_row`, op: 'Const', inputs: [], attributes: { dtype: { type: row.dtype }, value: { tensor: row } } };
    this.nodes.push(times, once);
    return {
      name,
      op: 'Tile',
      inputs: [once.name, times.name],
      attributes: { T: { type: row.dtype }, Tmultiples: { type: DataType.int32 } },
    };
  }

  /** Node of slope · rows + offset. */
  #value(first: number, second: number): string {
    const slope = (second - first) / (this.#rows[1] - this.#rows[0]);
    const offset = first - slope * this.#rows[0];
    if (!Number.isInteger(slope)) throw new BatchError(`${first} became ${second}`);
    if (slope === 0) return this.#constantNode(offset);
    const scaled = slope === 1 ? this.#batch() : this.#binary('Mul', this.#batch(), this.#constantNode(slope));
    return offset === 0 ? scaled : this.#binary('AddV2', scaled, this.#constantNode(offset));
  }

  #once(key: string, make: (name: string) => Node): string {
    let name = this.#known.get(key);
    if (name === undefined) {
      name = `batch_size_${this.#known.size}`;
      this.#known.set(key, name);
      this.nodes.push(make(name));
    }
    return name;
  }

  #binary(op: 'Mul' | 'AddV2', left: string, right: string): string {
    return this.#once(`${op} ${left} ${right}`, (name) => ({ name, op, inputs: [left, right], attributes: I32 }));
  }

  #constantNode(value: number | readonly number[]): string {
    const many = typeof value !== 'number';
    const typed = Int32Array.from(many ? value : [value]);
    const tensor = { dtype: DataType.int32, shape: many ? [typed.length] : [], bytes: new Uint8Array(typed.buffer) };
    return this.#once(`constant ${JSON.stringify(value)}`, (name) => ({
      name,
      op: 'Const',
      inputs: [],
      attributes: { dtype: { type: DataType.int32 }, value: { tensor } },
    }));
  }

  #batch(): string {
    const shape = this.#once('shape', (name) => ({
      name,
      op: 'Shape',
      inputs: [this.#input.name],
      attributes: { T: this.#input.attributes.dtype!, out_type: { type: DataType.int32 } },
    }));
    const [begin, end] = [this.#constantNode([0]), this.#constantNode([1])];
    return this.#once('batch', (name) => ({
      name,
      op: 'StridedSlice',
      inputs: [shape, begin, end, end],
      attributes: {
        T: { type: DataType.int32 },
        Index: { type: DataType.int32 },
        begin_mask: { i: 0 },
        end_mask: { i: 0 },
        ellipsis_mask: { i: 0 },
        new_axis_mask: { i: 0 },
        shrink_axis_mask: { i: 1 },
      },
    }));
  }
}

const tensorOf = (node: Node): ConstantTensor => (node.attributes.value as { tensor: ConstantTensor }).tensor;
const ints = ({ bytes }: ConstantTensor): number[] => Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
