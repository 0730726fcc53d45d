import { defineConfig } from 'vitest/config';

/** What `npm run mutate` asks: tests that need no server, since each change runs them anew. */
export default defineConfig({
  test: { pool: 'forks', include: ['test/{unit,property,contract,golden}/**/*.test.ts'], testTimeout: 20_000 },
});
