import { defineCheck } from './check.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'step-ids',
  summary: 'Every step has its own id.',
  run({ steps }) {
    const first = new Map<string, string>();
    return steps.flatMap(({ id, pointer, raw, uses }) => {
      const written = raw['id'] !== undefined;
      const place = written ? join(pointer, 'id') : join(pointer, 'uses');
      if (!written && !/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(id) && uses.startsWith('.'))
        return [
          {
            pointer: place,
            given: uses,
            message: `The file's name gives the id "${id}", which is no id.`,
            fix: 'Add an "id" of letters, digits, "-" and "_", starting with a letter.',
          },
        ];
      const known = first.get(id);
      if (known === undefined) {
        first.set(id, pointer);
        return [];
      }
      const ids = new Set(steps.map((step) => step.id));
      let number = 2;
      while (ids.has(`${id}-${number}`)) number++;
      const message = `Two steps have the id "${id}" (the other is ${known}).`;
      return [{ pointer: place, given: id, message, fix: `Give this one its own: "id": "${id}-${number}".` }];
    });
  },
});
