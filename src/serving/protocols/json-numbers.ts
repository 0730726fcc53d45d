import { randomUUID } from 'node:crypto';

/** Texts, which stay as they are, and the tokens that TensorFlow Serving adds to JSON. */
const TEXT_OR_TOKEN = /"(?:[^"\\]|\\.)*"|(?<![\w.])-?(?:NaN|Infinity)(?![\w.])/g;
const VALUES: Readonly<Record<string, number>> = { NaN: Number.NaN, '-NaN': Number.NaN, Infinity: Number.POSITIVE_INFINITY, '-Infinity': Number.NEGATIVE_INFINITY };

/**
 * JSON in which numbers may also be `NaN`, `Infinity` and `-Infinity`, as clients of TensorFlow Serving send them.
 *
 * @see https://github.com/tensorflow/serving (tensorflow_serving/g3doc/api_rest.md, "JSON conformance")
 * @throws SyntaxError of the text as it was given
 */
export function parseJsonNumbers(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const mark = randomUUID();
    let found = false;
    const marked = text.replace(TEXT_OR_TOKEN, (part) => {
      if (part.startsWith('"')) return part;
      found = true;
      return JSON.stringify(`${mark}${part}`);
    });
    if (!found) throw error;
    try {
      return JSON.parse(marked, (_key, value: unknown) => (typeof value === 'string' && value.startsWith(mark) ? VALUES[value.slice(mark.length)] : value)) as unknown;
    } catch {
      throw error;
    }
  }
}
