/** What follows each other in a row of features: so many numbers, or one place of a one-hot column of so many categories. */
export type PackedPart = { readonly values: number } | { readonly oneHot: number };

/**
 * How rows of features are stored where one-hot columns make up most of them: first all numbers (float32), then of each one-hot column the
 * place of its 1, in two bytes (from 256 categories on, those first) or in one; the number of categories stands for a row without any. Rows
 * are filled up to a multiple of four bytes.
 */
export type Packing = readonly PackedPart[];

/** A part with its place in rows as they are stored and in rows of values. */
export interface PlacedPart {
  readonly kind: 'values' | 'wideCode' | 'code';
  readonly width: number;
  readonly offset: number;
  readonly at: number;
}

export interface PackedLayout {
  readonly rowBytes: number;
  /** Values of a row. */
  readonly width: number;
  /** In the order of the values; `at` counts float32 values, bytes, or pairs of bytes from the beginning of a row. */
  readonly parts: readonly PlacedPart[];
}

const CODES_MAX = 255;

export function packedLayout(packing: Packing): PackedLayout {
  const bytesOf = (part: PackedPart): number => ('values' in part ? 4 * part.values : part.oneHot > CODES_MAX ? 2 : 1);
  const total = (kind: (part: PackedPart) => boolean): number => packing.filter(kind).reduce((sum, part) => sum + bytesOf(part), 0);
  const isWide = (part: PackedPart): boolean => 'oneHot' in part && part.oneHot > CODES_MAX;
  const next = { values: 0, wideCode: total((part) => 'values' in part), code: total((part) => 'values' in part || isWide(part)) };
  let offset = 0;
  const parts = packing.map((part): PlacedPart => {
    const kind: PlacedPart['kind'] = 'values' in part ? 'values' : isWide(part) ? 'wideCode' : 'code';
    const width = 'values' in part ? part.values : part.oneHot;
    const placed = { kind, width, offset, at: next[kind] / { values: 4, wideCode: 2, code: 1 }[kind] };
    next[kind] += bytesOf(part);
    offset += width;
    return placed;
  });
  return { rowBytes: 4 * Math.ceil(total(() => true) / 4), width: offset, parts };
}

/** Rows as they are stored → values, to the bit as they would have been stored. @param bytes from a multiple of four on */
export function unpackFeatures({ rowBytes, width, parts }: PackedLayout, rows: number, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(rows * width);
  const { buffer, byteOffset } = bytes;
  for (const { kind, width: own, offset, at } of parts) {
    if (kind === 'values') {
      const stored = new Float32Array(buffer, byteOffset, (rows * rowBytes) / 4);
      for (let row = 0, from = at, to = offset; row < rows; row += 1, from += rowBytes / 4, to += width)
        for (let each = 0; each < own; each += 1) values[to + each] = stored[from + each]!;
      continue;
    }
    const size = kind === 'code' ? 1 : 2;
    const codes = kind === 'code' ? bytes : new Uint16Array(buffer, byteOffset, (rows * rowBytes) / 2);
    for (let row = 0, from = at, to = offset; row < rows; row += 1, from += rowBytes / size, to += width) {
      const place = codes[from]!;
      if (place < own) values[to + place] = 1;
    }
  }
  return values;
}
