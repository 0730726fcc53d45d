import { defineCheck } from './check.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'parameters-used',
  summary: 'Every declared parameter is used.',
  run({ document, usedParameters }) {
    const { parameters } = document;
    if (!isObject(parameters)) return [];
    return Object.keys(parameters)
      .filter((name) => !usedParameters.has(name))
      .map((name) => ({
        pointer: join('/parameters', name),
        at: 'key' as const,
        message: `Nothing uses the parameter "${name}".`,
        fix: `Write "\${parameters.${name}}" where it is meant, or remove it.`,
      }));
  },
});
