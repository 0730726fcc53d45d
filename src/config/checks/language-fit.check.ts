import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { defineCheck, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { metricsThat, namedMetrics } from './named-metrics.ts';

export default defineCheck({
  name: 'language-fit',
  summary: 'A language model is judged by how well it foresees tokens.',
  run(facts) {
    const trains = stepsOf(facts, 'train');
    const [train] = trains;
    // With several train steps, which is judged where is a matter of wiring.
    if (train === undefined || trains.length > 1 || objectiveNamed(train.config) !== 'nextToken') return [];
    const fitting = metricsThat((tasks) => tasks.includes('language'));
    return namedMetrics(facts).flatMap(({ pointer, definition }): Finding[] =>
      definition.tasks.includes('language')
        ? []
        : [
            {
              pointer,
              given: definition.name,
              allowed: fitting,
              message: `The metric "${definition.name}" is for ${definition.tasks.join(' and ')}, and the model tells the next token of a text.`,
              fix: `Choose one that fits: ${fitting.join(', ')}.`,
            },
          ],
    );
  },
});
