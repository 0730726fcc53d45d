import type { JsonSchema } from '../../../core/json.ts';
import { bool, number } from '../../model/schema-parts.ts';

export const momentProperties: Record<string, JsonSchema> = {
  beta1: number('Share of the moving mean of gradients that a step keeps.', 0.9, 0.9, { minimum: 0, exclusiveMaximum: 1 }),
  beta2: number('Share of the moving mean of squared gradients that a step keeps.', 0.999, 0.99, { minimum: 0, exclusiveMaximum: 1 }),
  epsilon: number('Keeps divisions finite.', 1e-7, 1e-7, { exclusiveMinimum: 0 }),
};

export const amsgradProperty: Record<string, JsonSchema> = { amsgrad: bool('Divide by the largest variance so far.', false) };
