import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isLocalPath } from '../catalogue.ts';

export default defineCheck({
  name: 'local-files',
  summary: 'A local step is a TypeScript or JavaScript file that exists.',
  run({ steps, documentDir }) {
    return steps.flatMap(({ uses, pointer }): Finding[] => {
      if (!isLocalPath(uses)) return [];
      const place = join(pointer, 'uses');
      if (!/\.(ts|mts|js|mjs)$/.test(uses))
        return [
          {
            pointer: place,
            given: uses,
            message: `A local step is a file that ends in .ts, .mts, .js or .mjs; ${JSON.stringify(uses)} does not.`,
            fix: 'Give the path with its ending, e.g. "./my-step.ts".',
          },
        ];
      const path = resolve(documentDir, uses);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return [];
      return [
        {
          pointer: place,
          given: uses,
          message: `There is no file ${uses} beside this document.`,
          fix: 'Paths of local steps start at the folder of the document.',
        },
      ];
    });
  },
});
