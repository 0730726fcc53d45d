import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { lossRegistry } from '../../training/losses/index.generated.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { DocumentFacts } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';
import { metricsThat, namedMetrics } from './named-metrics.ts';

export default defineCheck({
  name: 'metric-fit',
  summary: 'Metrics judge what the loss learns: classes or numbers.',
  run(facts) {
    if (stepsOf(facts, 'train').some(({ config }) => objectiveNamed(config) !== 'supervised')) return [];
    const kind = learnedKind(facts);
    if (kind === undefined) return [];
    const { learned, by } = kind;
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
          message: `The metric "${definition.name}" judges ${judges}, and ${by}.`,
          fix: `Choose a metric that fits${by.startsWith('the loss') ? ', or another loss' : `, such as ${fitting.slice(0, 3).join(', ')}`}.`,
        },
      ];
    });
  },
});

type Kind = 'numbers' | 'classes';

/** What is learned, and what says so, as far as the document does: its losses, or what is made of the label. */
function learnedKind(facts: DocumentFacts): { readonly learned: Kind; readonly by: string } | undefined {
  const losses = stepsOf(facts, 'train').map(({ config }) => lossRegistry.find(namedConfig(config['loss'])?.name ?? ''));
  const kinds = new Set(
    losses.map((loss): Kind | undefined => (loss === undefined ? undefined : loss.labels === 'number' ? 'numbers' : 'classes')),
  );
  const [byLoss] = kinds;
  if (kinds.size === 1 && byLoss !== undefined) return { learned: byLoss, by: `the loss "${losses[0]!.name}" learns ${byLoss}` };
  // With several of them, which belongs to which is a matter of wiring.
  const [preprocess, another] = stepsOf(facts, 'preprocess');
  const task = another === undefined ? preprocess?.config['task'] : undefined;
  if (task === 'regression' || task === 'classification') {
    const learned = task === 'regression' ? 'numbers' : 'classes';
    return { learned, by: `"task" of the preprocess step is ${task}: it learns ${learned}` };
  }
  return declaredLabel(facts);
}

/** The kind of the only label, where the document declares its type. Integers may be either. */
function declaredLabel(facts: DocumentFacts): { readonly learned: Kind; readonly by: string } | undefined {
  const [ingest, another] = stepsOf(facts, 'ingest');
  if (ingest === undefined || another !== undefined) return undefined;
  const { label, columns } = ingest.config;
  const [name, further] = Array.isArray(label) ? label : [label];
  if (typeof name !== 'string' || further !== undefined || !isObject(columns)) return undefined;
  const type = columns[name];
  if (type !== 'number' && type !== 'string' && type !== 'boolean') return undefined;
  const learned = type === 'number' ? 'numbers' : 'classes';
  return { learned, by: `the label "${name}" is declared a ${type}: the model learns ${learned}` };
}
