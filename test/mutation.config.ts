import { defineConfig } from 'vitest/config';

/** Tests that need no server, since each change runs them anew. */
const ALL = ['test/{unit,property,contract,golden}/**/*.test.ts', 'test/faults/{registry,serving}/nth-call.test.ts'];
const named = process.env['PERENNIAL_MUTATION_TESTS']?.split(' ').filter((place) => place !== '') ?? [];

/** What `npm run mutate` asks. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: named.length > 0 ? named : ALL,
    // They compare texts of the source, which a mutant is made of, with what is generated from it.
    exclude: ['test/golden/config/generated.test.ts', 'test/golden/api/**'],
    env: { PERENNIAL_TEST_SERVERS: 'off' },
    setupFiles: ['test/support/clean-up.ts'],
    // For what hangs; a mutant that makes something hang is ended by Stryker, which knows how long it took without.
    testTimeout: 600_000,
  },
});
