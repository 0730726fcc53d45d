import { repeatId } from '../../core/folds.ts';
import type { PlanInput, PlanStep } from '../../core/plan.ts';
import { renamed } from './renamed.ts';

/**
 * The steps with a copy for every further seed of those that train, and of all that is made from what they give.
 *
 * @param numbers which seeds, from 1 on: the first one is that of the document, the n-th n - 1 above it
 */
export function repeatSteps(steps: readonly PlanStep[], numbers: readonly number[]): PlanStep[] {
  const copied = new Set<string>();
  for (const step of steps)
    if (step.type === 'train' || Object.values(step.inputs).some((input) => copied.has(input.step))) copied.add(step.id);
  const once = steps.filter(({ id }) => !copied.has(id));
  const again = steps.filter(({ id }) => copied.has(id));
  return [...once, ...numbers.flatMap((number) => again.map((step) => copyOf(step, copied, number)))];
}

function copyOf(step: PlanStep, copied: ReadonlySet<string>, number: number): PlanStep {
  if (number === 1) return step;
  const own = (id: string): string => (copied.has(id) ? repeatId(id, number) : id);
  const { seed } = step.config;
  const { if: condition, ...kept } = step;
  return {
    ...kept,
    id: own(step.id),
    inputs: Object.fromEntries(
      Object.entries(step.inputs).map(([name, input]): [string, PlanInput] => [name, { ...input, step: own(input.step) }]),
    ),
    ...(step.type === 'train' && typeof seed === 'number' ? { config: { ...step.config, seed: seed + number - 1 } } : {}),
    summary: `seed ${number}: ${step.summary}`,
    ...(condition === undefined ? {} : { if: renamed(condition, own) }),
  };
}
