import type { Condition } from '../../core/plan.ts';

/** A condition that reads the copies of steps in place of the steps. */
export function renamed(condition: Condition, own: (id: string) => string): Condition {
  if ('all' in condition) return { all: condition.all.map((part) => renamed(part, own)) };
  if ('any' in condition) return { any: condition.any.map((part) => renamed(part, own)) };
  if ('not' in condition) return { not: renamed(condition.not, own) };
  return 'step' in condition ? { ...condition, step: own(condition.step) } : condition;
}
