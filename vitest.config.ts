import { readFileSync, readdirSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Files that take longest, longest first: begun last, one of them would keep a single fork busy at the end. */
const LONG = [
  'examples/samples',
  'faults/stack/kill',
  'integration/simulation/simulate',
  'integration/platform/stack',
  'examples/readme',
  'faults/training/kill',
  'integration/bad-input/data',
  'faults/orchestration/worker',
  'integration/platform/own-stack',
  'integration/temporal/missed-ticks',
  'integration/scoring/score',
  'integration/registry/race',
  'integration/serving/rollout',
  'integration/temporal/apply',
  'faults/events/rollout-kill',
  'faults/events/away',
  'faults/serving/full-disk',
  'integration/cli/joint-drift',
  'integration/temporal/publish',
  'integration/steps/approval',
  'faults/stack/many',
  'unit/data/reading',
  'integration/cli/runs',
  'integration/steps/deed',
  'faults/serving/rollouts',
  'faults/stack/store',
  'unit/training/engines',
  'integration/ui/temporal-ui',
  'unit/training/train-loop',
  'integration/steps/growing-data',
  'integration/temporal/study',
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
