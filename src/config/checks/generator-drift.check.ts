import type { Json } from '../../core/json.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { defineCheck, stepsOf } from './check.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'generator-drift',
  summary: '"drift" does not watch a generator, which is asked with seeds.',
  run(facts) {
    const { on } = facts.document;
    if (!isObject(on) || on['drift'] === undefined) return [];
    const generators = stepsOf(facts, 'train')
      .filter(({ config }) => objectiveNamed(config) === 'adversarial')
      .map(({ step }) => step.id);
    const registered = stepsOf(facts, 'register').map(
      ({ step }) =>
        modelOf(step.raw['inputs']) ??
        facts.steps.slice(0, facts.steps.indexOf(step)).findLast(({ definition }) => definition?.type === 'train')?.id,
    );
    const watched = registered.find((id) => id !== undefined && generators.includes(id));
    if (watched === undefined) return [];
    return [
      {
        pointer: '/on/drift',
        at: 'key',
        message: `"drift" watches what the model is asked, and "${watched}" makes a generator: it is asked with seeds, which have no distribution that could drift.`,
        fix: 'Remove "drift". To keep a generator up to date, use "newData" or "schedule".',
      },
    ];
  },
});

/** The step that "inputs" names as the source of the model. */
function modelOf(inputs: Json | undefined): string | undefined {
  const named = isObject(inputs) ? inputs['model'] : undefined;
  return typeof named === 'string' ? named.split('.')[0] : undefined;
}
