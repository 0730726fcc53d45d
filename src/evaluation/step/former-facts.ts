import type { OutputSpec } from '../../core/tensor.ts';
import { metricOrNull } from '../measure/compute.ts';
import { fairRows } from '../champion/fair-rows.ts';
import type { EvaluateInputs, EvaluateOptions } from './evaluation-input.ts';
import type { FormerFacts } from './gate.ts';
import { readTestRows } from '../rows/test-rows.ts';
import type { JudgedOutput } from './judge-output.ts';
import { championFor, alignFairly } from './compare-output.ts';

/** Champions of before, each on the rows that neither it nor this model has seen. */
export async function formerFacts(
  inputs: EvaluateInputs,
  judged: readonly JudgedOutput[],
  targets: Int32Array,
  output: OutputSpec,
  options: EvaluateOptions,
): Promise<FormerFacts[]> {
  const found: FormerFacts[] = [];
  for (const former of inputs.former) {
    const { version, agoMs } = former;
    options.onProgress?.(`comparing with version ${version}, a former champion`);
    const left = (none: string): FormerFacts => ({ version, agoMs, ours: {}, metrics: {}, none });
    const { champion } = await readTestRows(
      { dataset: inputs.dataset, champion: former },
      { worst: new Set(), slices: [], output },
      options.signal === undefined ? {} : { signal: options.signal },
    );
    if ('none' in champion) {
      found.push(left(champion.none));
      continue;
    }
    const fair = await fairRows(inputs.dataset, inputs.trainedOn, former.trainedOn);
    const [ours, theirs]: Record<string, number | null>[] = [{}, {}];
    let none: string | undefined;
    for (const { view } of judged) {
      const own = championFor(champion, view.output);
      const aligned =
        'none' in own ? own : alignFairly({ chunk: view.chunk, targets }, own, fair, judged.length > 1 ? view.output : undefined, options);
      if ('none' in aligned) none ??= aligned.none;
      else
        for (const metric of view.metrics)
          [ours![metric.key], theirs![metric.key]] = [metricOrNull(metric, aligned.ours), metricOrNull(metric, aligned.theirs)];
    }
    found.push(none === undefined ? { version, agoMs, ours: ours!, metrics: theirs! } : left(none));
  }
  return found;
}
