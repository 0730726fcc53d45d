import { defineConfig } from 'vitest/config';

/** What `npm run mutate` asks: tests that need no server, since each change runs them anew. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/{unit,property,contract,golden}/**/*.test.ts', 'test/faults/{registry,serving}/nth-call.test.ts'],
    // They compare texts of the source, which a mutant is made of, with what is generated from it.
    exclude: ['test/golden/config/generated.test.ts', 'test/golden/api/**'],
    env: { PERENNIAL_TEST_SERVERS: 'off' },
    setupFiles: ['test/support/clean-up.ts'],
    testTimeout: 20_000,
  },
});
