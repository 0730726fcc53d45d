import { defineCheck } from './check.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'cache-possible',
  summary: 'Only steps without effects elsewhere are asked to be cached.',
  run({ steps }) {
    return steps
      .filter(({ definition, raw }) => definition?.cacheable === false && raw['cache'] === true)
      .map(({ pointer, id }) => ({
        pointer: join(pointer, 'cache'),
        given: true,
        message: `The step "${id}" has effects outside its artifacts and is never cached.`,
        fix: 'Remove "cache".',
      }));
  },
});
