/** How a weight was packed, as it stands in TF.js's manifest. */
export type Quantization =
  { readonly dtype: 'uint8' | 'uint16'; readonly min: number; readonly scale: number } | { readonly dtype: 'float16' };

export type QuantizedType = Quantization['dtype'];

/**
 * Packs values: affine with zero kept exact, or half precision.
 *
 * @see https://github.com/tensorflow/tfjs/blob/master/tfjs-converter/python/tensorflowjs/quantization.py
 */
export function quantize(values: Float32Array, dtype: QuantizedType): { readonly bytes: Uint8Array; readonly quantization: Quantization } {
  if (dtype === 'float16') return { bytes: new Uint8Array(Uint16Array.from(values, toHalf).buffer), quantization: { dtype } };
  const most = dtype === 'uint8' ? 255 : 65_535;
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const packed = dtype === 'uint8' ? new Uint8Array(values.length) : new Uint16Array(values.length);
  if (values.length === 0 || min === max)
    return { bytes: new Uint8Array(packed.buffer), quantization: { dtype, min: values.length === 0 ? 0 : min, scale: 1 } };
  const scale = (max - min) / most;
  // Zero is what padding and pruned weights are: where it is inside, a step falls on it.
  const start = min <= 0 && max >= 0 ? -Math.round(-min / scale) * scale : min;
  values.forEach((value, index) => {
    packed[index] = Math.min(most, Math.max(0, Math.round((value - start) / scale)));
  });
  return { bytes: new Uint8Array(packed.buffer), quantization: { dtype, min: start, scale } };
}

/** @param bytes a copy that starts its buffer */
export function decodeQuantized(bytes: Uint8Array, quantization: Quantization): Float32Array {
  if (quantization.dtype === 'float16') return Float32Array.from(new Uint16Array(bytes.buffer), fromHalf);
  const { dtype, min, scale } = quantization;
  return Float32Array.from(dtype === 'uint8' ? bytes : new Uint16Array(bytes.buffer), (value) => value * scale + min);
}

const word = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16, rounded to the nearest, ties to even. */
export function toHalf(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const rest = bits & 0x7fff_ffff;
  if (rest >= 0x7f80_0000) return sign | (rest > 0x7f80_0000 ? 0x7e00 : 0x7c00);
  if (rest >= 0x477f_f000) return sign | 0x7c00;
  if (rest < 0x3880_0000) {
    // Below 2⁻¹⁴: a multiple of 2⁻²⁴.
    const scaled = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(scaled);
    const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
    return sign | (floor + Number(up));
  }
  const rounded = rest - 0x3800_0000 + 0xfff + ((rest >>> 13) & 1);
  return sign | (rounded >>> 13);
}

/** A number of half precision (IEEE 754 binary16) by its bits. */
export function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
