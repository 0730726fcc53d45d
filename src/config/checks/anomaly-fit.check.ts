import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { defineCheck, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { metricsThat, namedMetrics } from './named-metrics.ts';

export default defineCheck({
  name: 'anomaly-fit',
  summary: 'What is normal is learned without labels, and judged by metrics that know the anomalies only where `preprocess` names them.',
  run(facts) {
    const trains = stepsOf(facts, 'train');
    const preprocesses = stepsOf(facts, 'preprocess');
    const named = preprocesses.filter(({ config }) => config['anomaly'] !== undefined);
    // With several steps of a kind, which belongs to which is a matter of wiring.
    const [train] = trains;
    if (train === undefined || trains.length > 1 || preprocesses.length > 1) return [];
    const rebuilds = objectiveNamed(train.config) === 'reconstruction';
    if (!rebuilds) {
      return named.map(({ step }): Finding => ({
        pointer: join(step.pointer, 'with', 'anomaly'),
        message: 'With "anomaly" the examples hold no label, and the train step learns from one.',
        fix: 'Use the architecture "autoencoder" or "objective": "reconstruction" in the train step, or remove "anomaly".',
      }));
    }
    return namedMetrics(facts).flatMap(({ pointer, definition, onTest }): Finding[] => {
      if (definition.tasks.includes('reconstruction')) return [];
      const fits = onTest && definition.tasks.includes('classification');
      if (fits && named.length > 0) return [];
      const fitting = metricsThat(
        (tasks) => tasks.includes('reconstruction') || (onTest && named.length > 0 && tasks.includes('classification')),
      );
      return [
        fits
          ? {
              pointer,
              given: definition.name,
              message: `The metric "${definition.name}" needs to know which test rows are anomalies, and nothing says so.`,
              fix: 'Give "anomaly" in the preprocess step, e.g. { "column": "label", "values": ["9"] }.',
            }
          : {
              pointer,
              given: definition.name,
              allowed: fitting,
              message: `The metric "${definition.name}" is for ${definition.tasks.join(' and ')}, and the model rebuilds its inputs${onTest ? '' : '; which rows are anomalies is known of the test split alone'}.`,
              fix: `Choose one that fits: ${fitting.slice(0, 6).join(', ')}, …`,
            },
      ];
    });
  },
});
