/** Numbers that travel beside a column's values: no later transform touches them, and in the end they stand after the values. */
interface WithBeside {
  readonly beside?: VectorData;
}

/** Numbers, one per row; NaN is a missing value. Booleans are 0 and 1, timestamps milliseconds since 1970 UTC. */
export interface NumberData extends WithBeside {
  readonly kind: 'number' | 'timestamp';
  readonly values: Float64Array;
}

/** Texts, one per row; null is a missing value. */
export interface TextData extends WithBeside {
  readonly kind: 'text';
  readonly values: readonly (string | null)[];
  /** The same texts as places in a list, -1 where one is missing: columns of few different texts are read so. */
  readonly coded?: { readonly codes: Int32Array; readonly texts: readonly string[] };
}

/** Texts that are written out only where somebody asks for them. */
export function codedText(codes: Int32Array, texts: readonly string[]): TextData {
  let values: (string | null)[] | undefined;
  return {
    kind: 'text',
    coded: { codes, texts },
    get values() {
      values ??= Array.from(codes, (code) => (code < 0 ? null : texts[code]!));
      return values;
    },
  };
}

/** Several numbers per row, row-major; each part has a name for reports. */
export interface VectorData extends WithBeside {
  readonly kind: 'vector';
  readonly width: number;
  readonly parts: readonly string[];
  readonly values: Float32Array;
  /** The same, where each row holds one 1 at the most, as its place: -1 where there is none. */
  readonly places?: Float64Array;
}

/** One-hot rows, which are written out only where somebody asks for them. */
export function oneHotVector(places: Float64Array, parts: readonly string[]): VectorData {
  const width = parts.length;
  let values: Float32Array | undefined;
  return {
    kind: 'vector',
    width,
    parts,
    places,
    get values() {
      if (values !== undefined) return values;
      values = new Float32Array(places.length * width);
      for (let row = 0; row < places.length; row += 1) if (places[row]! >= 0) values[row * width + places[row]!] = 1;
      return values;
    },
  };
}

/** Token ids, `length` per row; 0 is padding, 1 an unknown token. */
export interface TokenData {
  readonly kind: 'tokens';
  readonly length: number;
  readonly vocabularySize: number;
  readonly values: Int32Array;
}

/** One decoded image: 8-bit, row-major, channels last. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Images of any size, one per row; null is a missing value. */
export interface ImageData {
  readonly kind: 'image';
  readonly channels: number;
  /** [height, width] once all images have the same. */
  readonly size: readonly [number, number] | null;
  readonly values: readonly (Pixels | null)[];
}

/** Images of one size as numbers, row-major [rows, height, width, channels]. */
export interface PixelData {
  readonly kind: 'pixels';
  readonly shape: readonly [number, number, number];
  readonly values: Float32Array;
}

/** One column of a batch, on its way through its transforms. */
export type ColumnData = NumberData | TextData | VectorData | TokenData | ImageData | PixelData;
export type DataKind = ColumnData['kind'];

export const KIND_NAMES: Readonly<Record<DataKind, string>> = {
  number: 'numbers',
  timestamp: 'timestamps',
  text: 'text',
  vector: 'several numbers per row',
  tokens: 'token ids',
  image: 'images',
  pixels: 'images as numbers',
};
