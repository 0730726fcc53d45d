import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { lossRegistry } from '../../training/losses/index.generated.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { metricsThat, namedMetrics } from './named-metrics.ts';

export default defineCheck({
  name: 'metric-fit',
  summary: 'Metrics judge what the loss learns: classes or numbers.',
  run(facts) {
    if (stepsOf(facts, 'train').some(({ config }) => objectiveNamed(config) !== 'supervised')) return [];
    const losses = stepsOf(facts, 'train').map(({ config }) => lossRegistry.find(namedConfig(config['loss'])?.name ?? ''));
    const kinds = new Set(losses.map((loss) => (loss === undefined ? undefined : loss.labels === 'number' ? 'numbers' : 'classes')));
    const [learned] = kinds;
    if (kinds.size !== 1 || learned === undefined) return [];
    return namedMetrics(facts).flatMap(({ pointer, definition }): Finding[] => {
      const judges = definition.tasks.includes('regression') ? 'numbers' : 'classes';
      if (
        judges === learned ||
        (definition.tasks.length > 1 && definition.tasks.includes('regression') && definition.tasks.some((task) => task !== 'regression'))
      )
        return [];
      const fitting = metricsThat((tasks) => tasks.includes(learned === 'numbers' ? 'regression' : 'classification'));
      return [
        {
          pointer,
          given: definition.name,
          allowed: fitting,
          message: `The metric "${definition.name}" judges ${judges}, and the loss "${losses[0]!.name}" learns ${learned}.`,
          fix: 'Choose a metric that fits, or another loss.',
        },
      ];
    });
  },
});
