import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

/** Environment of a process whose clock is ahead of that of the machine; below 0: behind. */
export function clockAhead(ms: number): { readonly NODE_OPTIONS: string } {
  const file = join(tempDir('clock'), 'clock.mjs');
  writeFileSync(
    file,
    `const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + ${ms});
    else super(...given);
  }
  static now() {
    return Real.now() + ${ms};
  }
};
`,
  );
  return { NODE_OPTIONS: `--import=${file}` };
}
