import { PerennialError } from '../../core/errors.ts';
import { labelsOf, openExamples } from '../../data/stored/examples.ts';
import { PROFILE } from '../../data/stored/dataset.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { naiveLag } from '../measure/baseline.ts';
import { findInsights } from '../findings/insights/find-insights.ts';
import { fairRows } from '../champion/fair-rows.ts';
import { evaluateGenerator } from '../generators/evaluate-generator.ts';
import { evaluateText } from './evaluate-text.ts';
import type { EvaluateInputs, EvaluateOptions } from './evaluation-input.ts';
import { slicesOf } from './gate.ts';
import { readHistory } from './model-facts.ts';
import type { EvaluationReport } from './report.ts';
import { scoreExamples, sequenceOf } from '../measure/score.ts';
import { readSeriesRows, requireWindows } from '../rows/series-rows.ts';
import { readTestRows } from '../rows/test-rows.ts';
import { datasetMeta } from '../../data/stored/dataset-rows.ts';
import { fileAs } from '../../storage/stored.ts';
import { requireTwoClasses, requireSeasons, metricsFor, requireSlices } from './options-fit.ts';
import { choices, viewsOf, exactly } from './output-view.ts';
import type { JudgedOutput } from './judge-output.ts';
import { judgeOutput } from './judge-output.ts';
import { formerFacts } from './former-facts.ts';
import { reportOf } from './evaluation-report.ts';
import type { Fair } from './compare-output.ts';

/**
 * Judges a model on the test split: metrics in the units of the source, against a naive forecast and against the champion on the same
 * rows, gates, and where it errs.
 *
 * @throws CONFIG_INVALID for metrics, gates, slices or a positive class that do not fit; DATA_INVALID for NaN and undefined metrics;
 * SPLIT_INVALID for an empty test split.
 */
export async function evaluateModel(inputs: EvaluateInputs, options: EvaluateOptions): Promise<EvaluationReport> {
  const { model, dataset } = inputs;
  const bundle = await openBundle(model);
  const examples = await openExamples(inputs.examples, ['test']);
  try {
    const { output } = bundle.meta;
    requireTwoClasses(options, output);
    if (output.kind === 'samples') return await evaluateGenerator(inputs, output, options);
    if (output.kind === 'text') return await evaluateText(inputs, bundle, output, options);
    if (inputs.features !== undefined)
      throw new PerennialError(
        'CONFIG_INVALID',
        `"features" are what samples of a generator are compared by, and the model predicts "${output.name}".`,
        { hint: 'Leave "features" out of the evaluate step.' },
      );
    const { anomaly, weight, recency } = examples.meta;
    const metrics = metricsFor(options, output, anomaly !== undefined);
    const source = datasetMeta(dataset);
    const columns = [...new Set([...options.slices, ...options.gates.flatMap(slicesOf)])];
    requireSlices(columns, source);
    const scored = await scoreExamples(bundle.predictor, examples, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (done, total) => options.onProgress?.(`predicted ${done} of ${total} test examples`, done / total),
    });
    const views = viewsOf(output, scored, metrics, options);
    const sequence = sequenceOf(await examples.preprocessorJson());
    requireSeasons(options.baseline, sequence, output);
    const numbers = labelsOf(output).flatMap((one) => (one.kind === 'number' ? [one.name] : []));
    const series =
      sequence === undefined
        ? undefined
        : await readSeriesRows(dataset, sequence, numbers, naiveLag(sequence.horizon, options.baseline), { signal: options.signal });
    const targets = series === undefined ? Int32Array.from({ length: scored.rows }, (_, row) => row) : requireWindows(scored.rows, series);
    const worst = new Set(views.flatMap((view) => view.worst.map(({ index }) => targets[index]!)));
    const facts = await readTestRows(
      inputs,
      {
        worst,
        slices: [...columns, ...(anomaly === undefined ? [] : [anomaly.column]), ...(weight === undefined ? [] : [weight])],
        output,
      },
      options,
    );
    const profile = await fileAs(dataset, PROFILE, 'profile.json');
    const judged: JudgedOutput[] = [];
    const fair: Fair =
      'none' in facts.champion || 'none' in inputs.champion
        ? { unknown: 'there is no champion' }
        : await fairRows(dataset, inputs.trainedOn, inputs.champion.trainedOn);
    for (const view of views) {
      const insights =
        options.insights === false
          ? {}
          : {
              insights: await findInsights({
                bundle,
                dataset,
                output: view.output,
                outputs: output,
                chunk: view.chunk,
                metrics: view.metrics,
                targets,
                labels: sequence === undefined && output.kind !== 'several' ? scored.labels.get(view.output.name) : undefined,
                costs: options.costs,
                choices: choices(options, output.kind === 'several' ? view.output : undefined),
                seed: options.seed,
                ...(options.signal === undefined ? {} : { signal: options.signal }),
                onProgress: (message) => options.onProgress?.(message),
              }),
            };
      const exact = exactly(view, facts, targets, sequence !== undefined, {
        weight: weight === undefined ? undefined : { column: weight, ...(recency === undefined ? {} : { recency }) },
        naiveError: series?.naiveErrors.get(view.output.name),
      });
      if (output.kind === 'number' && exact.chunk.kind === 'number' && exact.chunk.width === 1 && sequence === undefined)
        options.onNumbers?.(exact.chunk.predictions, exact.chunk.labels);
      const one = await judgeOutput(
        exact,
        { fair, facts, targets, profile, sequence, series, several: views.length > 1, anomaly, model, examples },
        options,
      );
      judged.push({ ...one, findings: { ...one.findings, ...insights } });
    }
    const former = await formerFacts(inputs, judged, targets, output, options);
    return reportOf(
      judged,
      { output, model, dataset, rows: scored.rows, weight, recency, former, meta: bundle.meta, history: await readHistory(model) },
      options,
    );
  } finally {
    bundle.predictor.dispose();
  }
}
