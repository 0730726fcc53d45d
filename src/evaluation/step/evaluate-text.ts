import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { TensorBatch, TextOutput } from '../../core/tensor.ts';
import { isLabel, openExamples } from '../../data/stored/examples.ts';
import type { Examples } from '../../data/stored/examples.ts';
import { GENERATION, decodeText, generationValues, promptInputs, textOfTokens, tokenTextsOf } from '../../data/answers/prompts.ts';
import type { Generation } from '../../data/answers/prompts.ts';
import type { Bundle } from '../../training/bundle/load-model.ts';
import { loadTextScorer } from '../../training/bundle/load-scorer.ts';
import type { TextScorer } from '../../training/bundle/load-scorer.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import type { Predictor } from '../../training/model/model-meta.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import type { EvaluateInputs, EvaluateOptions } from './evaluation-input.ts';
import { judgeChampions, refuseSettings, wholeMetrics, wholeReport, wholeResult } from '../champion/judge-whole.ts';
import type { WholeChampion } from '../champion/judge-whole.ts';
import type { TokenChunk } from '../metrics/metric.ts';
import { readHistory } from './model-facts.ts';
import type { Continuation, EvaluationReport } from './report.ts';
import { requireTestRows } from '../measure/score.ts';
import { Float64List } from '../metrics/shared/states.ts';
import { metaAs } from '../../storage/stored.ts';

/** Test texts whose continuation the report shows, of so many tokens at most, from the first so many on. */
const SHOWN = 6;
const SHOWN_TOKENS = { word: { prompt: 8, more: 40 }, character: { prompt: 40, more: 200 } } as const;
const TEMPERATURE = 0.8;
const ROWS_PER_READ = 1_024;
const BASELINE = 'the shares of the tokens in the training texts, whatever comes before (unigrams)';

/**
 * Judges a language model by how well it foresees the tokens of the test texts, against the shares that tokens have in the training
 * texts, and against a champion that reads the same tokens.
 *
 * @throws CONFIG_INVALID for options and metrics of other models; SPLIT_INVALID for an empty test split
 */
export async function evaluateText(
  inputs: EvaluateInputs,
  bundle: Bundle,
  output: TextOutput,
  options: EvaluateOptions,
): Promise<EvaluationReport> {
  const { slices, positive, threshold, baseline } = options;
  refuseSettings('tells the next token of a text', {
    features: inputs.features !== undefined,
    slices: slices.length > 0,
    positive: positive !== undefined,
    threshold: threshold !== undefined,
    baseline: baseline !== undefined,
  });
  const metrics = wholeMetrics(options, 'language', output);
  const examples = await openExamples(inputs.examples, ['train', 'test']);
  requireSameTokens(examples, output);
  const scorer = await loadTextScorer(inputs.model);
  try {
    const rows = examples.meta.splits.test.rows;
    requireTestRows(rows);
    const chunk = await score(scorer, examples, output, options);
    const naive = unigrams(examples, output);
    const champions = await judgeChampions(inputs, options, (asked) => championOf(asked, output, examples, metrics, options));
    const results = metrics.map((metric) => wholeResult(metric, valueOf(metric, chunk), valueOf(metric, naive), champions.champion));
    options.onProgress?.('going on with test texts');
    const continuations = { temperature: TEMPERATURE, texts: await continuationsOf(bundle.predictor, examples, output) };
    return wholeReport(inputs, options, {
      rows,
      task: 'language',
      output: { kind: 'text', name: output.name },
      baseline: { kind: 'unigram', description: BASELINE },
      results,
      champions,
      meta: bundle.meta,
      continuations,
      history: await readHistory(inputs.model),
    });
  } finally {
    scorer.predictor.dispose();
  }
}

/** @throws DATA_INVALID */
function requireSameTokens({ meta }: Examples, { name, length, vocabularySize }: TextOutput): void {
  const found = meta.inputs.find((input) => input.name === name);
  if (found?.vocabularySize === vocabularySize && found.shape.join() === String(length)) return;
  throw new PerennialError(
    'DATA_INVALID',
    `The examples hold no "${name}" of ${length} token ids below ${vocabularySize}, which the model reads.`,
    { hint: 'Give the evaluate step the examples that the model was trained on.' },
  );
}

async function score(
  { predictor, rows: most }: TextScorer,
  examples: Examples,
  { name }: Pick<TextOutput, 'name'>,
  options: EvaluateOptions,
): Promise<TokenChunk> {
  const reader = examples.reader('test');
  const losses = new Float64List();
  const hits = new Float64List();
  try {
    for (let start = 0; start < reader.rows; start += most) {
      options.signal?.throwIfAborted();
      const batch = reader.read(start, Math.min(most, reader.rows - start));
      const values = await predictor.predict({ [name]: batch[name]! });
      for (let at = 0; at < values.length; at += 3) {
        if (values[at + 2] === 0) continue;
        losses.push([values[at]!]);
        hits.push([values[at + 1]!]);
      }
      const done = Math.min(start + most, reader.rows);
      options.onProgress?.(`scored ${done} of ${reader.rows} test texts`, done / reader.rows);
    }
  } finally {
    reader.close();
  }
  return { kind: 'tokens', rows: losses.length, losses: losses.values().slice(), hits: hits.values().slice() };
}

/** The token after each place of a split, as training reads them. */
function* followers(examples: Examples, split: 'train' | 'test', { name, length }: TextOutput): Generator<number> {
  const reader = examples.reader(split);
  try {
    for (let start = 0; start < reader.rows; start += ROWS_PER_READ) {
      const { data, rows } = reader.read(start, Math.min(ROWS_PER_READ, reader.rows - start), [name])[name]!;
      for (let row = 0; row < rows; row++)
        for (let step = 0; step < length - 1; step++) if (data[row * length + step] !== 0) yield data[row * length + step + 1]!;
    }
  } finally {
    reader.close();
  }
}

/** Test tokens foreseen by how often they occur in training; each id counts once more, so that none is impossible. */
function unigrams(examples: Examples, output: TextOutput): TokenChunk {
  const counts = new Float64Array(output.vocabularySize).fill(1);
  for (const id of followers(examples, 'train', output)) counts[id]!++;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = counts.reduce((best, count, id) => (count > counts[best]! ? id : best), 0);
  const ids = Array.from(followers(examples, 'test', output));
  return {
    kind: 'tokens',
    rows: ids.length,
    losses: Float64Array.from(ids, (id) => -Math.log(counts[id]! / total)),
    hits: ids.map((id) => (id === most ? 1 : 0)),
  };
}

const CONTEXT = { classes: [], positive: 0, width: 1 };

function valueOf({ definition, config }: ResolvedMetric, chunk: TokenChunk): number {
  const state: unknown = definition.init(config, CONTEXT);
  definition.update(state, chunk, config);
  return definition.result(state, config, CONTEXT);
}

/** The champion on the same texts, where its tokens are the same: a perplexity per token says nothing about other tokens. */
async function championOf(
  inputs: EvaluateInputs,
  output: TextOutput,
  examples: Examples,
  metrics: readonly ResolvedMetric[],
  options: EvaluateOptions,
): Promise<WholeChampion> {
  if ('none' in inputs.champion) return inputs.champion;
  const { model, version, artifact } = inputs.champion;
  const theirs = metaAs(artifact, MODEL).output;
  if (theirs.kind !== 'text') return { none: 'the champion is no language model' };
  if (theirs.name !== output.name || theirs.length !== output.length || !(await sameTokens(inputs.model, artifact, output))) {
    return {
      none: 'the champion reads other tokens, so that no number per token compares (let the preprocess step take over its vocabulary with "from")',
    };
  }
  const scorer = await loadTextScorer(artifact);
  try {
    const chunk = await score(scorer, examples, output, options);
    return {
      model,
      version,
      digest: artifact.ref.digest,
      values: Object.fromEntries(metrics.map((metric) => [metric.key, valueOf(metric, chunk)])),
    };
  } finally {
    scorer.predictor.dispose();
  }
}

async function sameTokens(one: OpenArtifact, other: OpenArtifact, { name }: TextOutput): Promise<boolean> {
  const [first, second] = await Promise.all(
    [one, other].map(async (model) => tokenTextsOf(await model.json<JsonObject>('preprocessor.json'), name)),
  );
  return canonicalJson({ ...first!, texts: [...first!.texts] }) === canonicalJson({ ...second!, texts: [...second!.texts] });
}

async function continuationsOf(predictor: Predictor, examples: Examples, output: TextOutput): Promise<Continuation[]> {
  const own = predictor.meta.output as TextOutput;
  const tokens = own.tokens!;
  const sizes = SHOWN_TOKENS[tokens.level];
  const reader = examples.reader('test');
  try {
    const texts: Continuation[] = [];
    const count = Math.min(SHOWN, reader.rows);
    for (let at = 0; at < count; at++) {
      const batch = Object.fromEntries(
        Object.entries(reader.read(Math.floor((at * reader.rows) / count), 1)).filter(([key]) => !isLabel(key)),
      );
      const ids = batch[output.name]!.data as Int32Array;
      const end = ids.findIndex((id) => id === 0);
      const known = end === -1 ? output.length : end;
      const used = Math.min(sizes.prompt, Math.max(1, known >> 1), output.length);
      if (known === 0) continue;
      const prompt = new Int32Array(output.length);
      prompt.set(ids.subarray(0, used));
      const goOn = async (how: Partial<Generation>): Promise<string> => {
        const asked: TensorBatch = {
          [output.name]: { spec: promptInputs(output)[0]!, rows: 1, data: prompt },
          [GENERATION]: { spec: promptInputs(output)[1]!, rows: 1, data: generationValues({ maxTokens: sizes.more, ...how }) },
        };
        const [answer] = decodeText(own, await predictor.predict(asked), 1);
        return answer !== undefined && 'text' in answer ? answer.text : '';
      };
      texts.push({
        prompt: textOfTokens(ids.subarray(0, used), tokens),
        actual: textOfTokens(ids.subarray(used, Math.min(known, used + sizes.more)), tokens),
        greedy: await goOn({ temperature: 0 }),
        drawn: await goOn({ temperature: TEMPERATURE, seed: at }),
      });
    }
    return texts;
  } finally {
    reader.close();
  }
}
