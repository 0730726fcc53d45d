import { readFileSync, readdirSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/**
 * Files that take longest, longest first: begun last, one of them would keep a single fork busy at the end. None of those that share a
 * process: they come last, where one is kept for the next.
 */
const LONG = [
  'examples/samples',
  'integration/simulation/simulate',
  'faults/stack/kill',
  'faults/training/kill',
  'examples/readme',
  'integration/platform/stack',
  'integration/steps/deed',
  'integration/temporal/apply',
  'faults/orchestration/worker',
  'integration/scoring/score',
  'integration/temporal/missed-ticks',
  'integration/serving/rollout',
  'faults/events/away',
  'integration/steps/approval',
  'faults/stack/many',
  'integration/telemetry/traces',
  'faults/stack/store',
  'faults/events/rollout-kill',
  'integration/temporal/publish',
  'faults/serving/rollouts',
  'integration/serving/addresses',
  'integration/temporal/triggers',
  'integration/ui/temporal-ui',
  'integration/steps/cache',
  'integration/registry/race',
  'integration/steps/answer-drift',
  'integration/bad-input/data',
  'integration/temporal/study-history',
  'integration/temporal/study',
  'faults/serving/full-disk',
  'integration/platform/own-stack',
  'integration/cli/runs',
  'integration/telemetry/silence',
];

const FILES = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path}`)
  .filter((path) => path.endsWith('.test.ts'));

/**
 * Files that share a process and its modules: starting one and loading them for each would take as long as many of their tests. A file
 * that mocks a module is none of them: another may have loaded it before, or would get the mock.
 */
const SHARED = FILES.filter((path) => /^test\/(architecture|contract|golden|property|unit)\//.test(path)).filter(
  (path) => !readFileSync(path, 'utf8').includes('vi.mock('),
);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONG.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
      return found < 0 ? LONG.length : found;
    };
    // A stable sort: the others keep vitest's own order.
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // On two cores: tests of processes wait for half of their time, and three forks leave a fifth of the processor unused.
    maxWorkers: 4,
    // The build is loaded as it is (test/support/command-here.ts).
    server: { deps: { external: [/\/dist\/[^/]*\.js$/] } },
    setupFiles: ['test/support/clean-up.ts'],
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      { extends: true, test: { name: 'apart', include: FILES.filter((path) => !SHARED.includes(path)) } },
    ],
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    // For what hangs: how long something takes on a machine that does much else says nothing.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
});
