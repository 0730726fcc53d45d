import { defineConfig } from 'vitest/config';

/** Recording writes files, so it is no test of `npm test`: see record.ts. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/replay/record.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    hookTimeout: 60_000,
  },
});
