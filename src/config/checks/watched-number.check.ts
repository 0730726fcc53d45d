import { objectives } from '../../training/objectives/index.generated.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { CheckedStep, DocumentFacts } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { meantBy } from '../meant.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'watched-number',
  summary: 'What callbacks and the best checkpoint watch is a number that training may report. Which of them it does, the data decide.',
  run(facts) {
    const labels = severalLabels(facts);
    return stepsOf(facts, 'train').flatMap(({ step, config }) => {
      // What a base was trained towards, it brings along.
      const fitting =
        config['objective'] === undefined && isObject(config['model']) && config['model']['from'] !== undefined
          ? objectives
          : objectives.filter(({ name }) => name === objectiveNamed(config));
      const reports = [...new Set(fitting.flatMap((objective) => objective.reports))];
      const names = [
        'validationLoss',
        ...reports,
        ...(fitting.some(({ name }) => name === 'supervised') ? labels : []).flatMap((label) => reports.map((name) => `${label}.${name}`)),
      ];
      return watched(step).flatMap(({ pointer, name }): Finding[] => {
        if (names.includes(name)) return [];
        const suggestion = meant(name, names);
        return [
          {
            pointer,
            given: name,
            allowed: names,
            message: `No training of this kind reports "${name}".`,
            ...(suggestion === undefined ? {} : { suggestion }),
            fix: 'Watch one of the allowed names.',
          },
        ];
      });
    });
  },
});

/** As the step writes them: what it leaves out has a default that holds. */
function watched(step: CheckedStep): { readonly pointer: string; readonly name: string }[] {
  const settings = isObject(step.raw['with']) ? step.raw['with'] : {};
  const within = join(step.pointer, 'with');
  const callbacks = Array.isArray(settings['callbacks']) ? settings['callbacks'] : [];
  const best = isObject(settings['checkpoint']) ? settings['checkpoint']['best'] : undefined;
  return [
    ...callbacks.map((callback, index) => ({
      pointer: join(within, 'callbacks', index, namedConfig(callback)?.name ?? '', 'monitor'),
      name: namedConfig(callback)?.config['monitor'],
    })),
    { pointer: join(within, 'checkpoint', 'best', 'monitor'), name: isObject(best) ? best['monitor'] : undefined },
  ].flatMap(({ pointer, name }) => (typeof name === 'string' ? [{ pointer, name }] : []));
}

/** Labels of ingest steps that name more than one. */
function severalLabels(facts: DocumentFacts): string[] {
  return stepsOf(facts, 'ingest').flatMap(({ config }) =>
    Array.isArray(config['label']) && config['label'].length > 1 ? (config['label'] as string[]) : [],
  );
}

/** Keras puts "val_" before what it counts on validation rows; here metrics are always those of these rows. */
function meant(name: string, names: readonly string[]): string | undefined {
  const own = /^val_/.test(name) ? name.slice('val_'.length) : undefined;
  return own === 'loss' ? 'validationLoss' : meantBy(own ?? name, names);
}
