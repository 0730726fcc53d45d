import type { Json } from '../../core/json.ts';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { nearest } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'conditions',
  summary: 'An `if` reads values of steps that stand before it.',
  run({ steps }) {
    return steps.flatMap((step, position) => {
      const before = steps.slice(0, position).map(({ id }) => id);
      return comparisons(step.raw['if'], join(step.pointer, 'if')).flatMap(({ pointer, id }): Finding[] => {
        if (before.includes(id)) return [];
        const later = steps.slice(position).some((other) => other.id === id);
        const suggestion = nearest(id, before);
        const message = later
          ? `The condition reads a value of "${id}", which does not stand before this step.`
          : `There is no step "${id}".`;
        const choice =
          before.length === 0 ? 'No step stands before this one; remove the condition.' : `Steps before this one: ${before.join(', ')}.`;
        return [{ pointer, given: id, allowed: before, message, ...(suggestion === undefined ? {} : { suggestion }), fix: choice }];
      });
    });
  },
});

function comparisons(condition: Json | undefined, pointer: string): { pointer: string; id: string }[] {
  if (Array.isArray(condition)) return condition.flatMap((part, index) => comparisons(part, join(pointer, index)));
  if (!isObject(condition)) return [];
  const { step } = condition;
  if (typeof step === 'string') return [{ pointer: join(pointer, 'step'), id: step }];
  return ['all', 'any', 'not'].flatMap((key) => comparisons(condition[key], join(pointer, key)));
}
