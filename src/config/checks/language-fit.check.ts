import { metricRegistry } from '../../evaluation/catalogue.ts';
import { objectiveNamed } from '../../training/objective-named.ts';
import { defineCheck, namedConfig, stepsOf } from '../check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'language-fit',
  summary: 'A language model is judged by how well it foresees tokens.',
  run(facts) {
    const trains = stepsOf(facts, 'train');
    const [train] = trains;
    // With several train steps, which is judged where is a matter of wiring.
    if (train === undefined || trains.length > 1 || objectiveNamed(train.config) !== 'nextToken') return [];
    const fitting = metricRegistry.all().filter(({ tasks }) => tasks.includes('language')).map(({ name }) => name);
    return stepsOf(facts, 'evaluate').flatMap(({ step, config }) => {
      const metrics = Array.isArray(config['metrics']) ? config['metrics'] : [];
      return metrics.flatMap((metric, index): Finding[] => {
        const definition = metricRegistry.find(namedConfig(metric)?.name ?? '');
        if (definition === undefined || definition.tasks.includes('language')) return [];
        return [{ pointer: join(step.pointer, 'with', 'metrics', index), given: definition.name, allowed: fitting, message: `The metric "${definition.name}" is for ${definition.tasks.join(' and ')}, and the model tells the next token of a text.`, fix: `Choose one that fits: ${fitting.join(', ')}.` }];
      });
    });
  },
});
