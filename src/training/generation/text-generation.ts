import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { Prng } from '../../core/prng.ts';
import type { TensorBatch, TextOutput, TokenTexts } from '../../core/tensor.ts';
import { CONTINUATION_MAX, GENERATION, continuationWidth, generationOf, promptInputs } from '../../data/answers/prompts.ts';
import type { Generation } from '../../data/answers/prompts.ts';
import type { Predictor } from '../model/model-meta.ts';

/** The id that stands for the end of a text, and that of unknown tokens, which are never said. */
const END = 0;
const UNKNOWN = 1;
/** Other work is let in after so long. */
const TURN_MS = 20;

/**
 * A language model that goes on with texts, token by token. A text is computed by itself, whatever else is asked at the same time, so
 * that text and settings decide the answer. Once a text is as long as the model looks back, its beginning is let go of.
 *
 * @param network shares of the next token
 */
export function generatingPredictor(network: Predictor, output: TextOutput, tokens: TokenTexts): Predictor {
  const own: TextOutput = { ...output, tokens };
  return {
    meta: { ...network.meta, inputs: promptInputs(output), output: own, outputShape: [continuationWidth] },
    async predict(batch) {
      const { rows } = batch[output.name]!;
      const answers = new Float32Array(rows * continuationWidth);
      for (let row = 0; row < rows; row++) {
        const ids = batch[output.name]!.data.subarray(row * output.length, (row + 1) * output.length) as Int32Array;
        const settings = batch[GENERATION]!.data;
        const width = settings.length / rows;
        answers.set(
          await goOn(network, output, ids, generationOf(settings.subarray(row * width, (row + 1) * width))),
          row * continuationWidth,
        );
      }
      return answers;
    },
    dispose: () => network.dispose(),
  };
}

async function goOn(
  network: Predictor,
  { name, length, vocabularySize }: TextOutput,
  prompt: Int32Array,
  generation: Generation,
): Promise<Float32Array> {
  const answer = new Float32Array(continuationWidth);
  const context = Int32Array.from(prompt);
  let used = prompt.findIndex((id) => id === 0);
  if (used === -1) used = length;
  const spec = { name, shape: [length], dtype: 'int32' as const, vocabularySize };
  const random = new Prng('continuation', generation.seed);
  const most = Math.min(generation.maxTokens, CONTINUATION_MAX);
  let turn = performance.now();
  do {
    const batch: TensorBatch = { [name]: { spec, rows: 1, data: context } };
    const shares = await network.predict(batch);
    if (most < 1) break;
    const next = drawToken(shares, generation, random);
    if (next === END) {
      answer[1] = 1;
      break;
    }
    answer[2 + answer[0]!] = next;
    answer[0]!++;
    if (used === length) context.copyWithin(0, 1);
    else used++;
    context[used - 1] = next;
    if (performance.now() - turn > TURN_MS) {
      await yieldToEvents();
      turn = performance.now();
    }
  } while (answer[0]! < most);
  return answer;
}

/** One token by its share: of equal ones the lower id comes first. Draws once, also where there is nothing to choose. */
export function drawToken(
  shares: Float32Array,
  { temperature, topK, topP }: Pick<Generation, 'temperature' | 'topK' | 'topP'>,
  random: Prng,
): number {
  const draw = random.uniform();
  const ids = Array.from(shares.keys()).filter((id) => id !== UNKNOWN);
  if (temperature === 0) return ids.reduce((best, id) => (shares[id]! > shares[best]! ? id : best), ids[0]!);
  const narrowed = topK > 0 || topP < 1;
  if (narrowed) ids.sort((a, b) => shares[b]! - shares[a]! || a - b);
  const kept = topK > 0 ? ids.slice(0, topK) : ids;
  const largest = kept.reduce((most, id) => Math.max(most, shares[id]!), 0);
  const weights = kept.map((id) => (shares[id]! === 0 ? 0 : Math.exp(Math.log(shares[id]! / largest) / temperature)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let count = weights.length;
  if (topP < 1) for (let at = 0, sum = 0; at < count; at++) if ((sum += weights[at]!) >= topP * total) count = at + 1;
  const wanted = draw * weights.slice(0, count).reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (let at = 0; at < count; at++) if ((sum += weights[at]!) > wanted) return kept[at]!;
  return kept[count - 1]!;
}
