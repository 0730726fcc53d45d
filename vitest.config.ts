import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Files that take a minute or more, longest first: begun last, one of them would keep a single fork busy at the end. */
const LONG = [
  'examples/samples',
  'faults/stack/kill',
  'faults/stack/many',
  'integration/registry/race',
  'integration/simulation/simulate',
  'integration/steps/deed',
  'integration/steps/approval',
  'faults/stack/store',
  'faults/training/kill',
  'unit/training/engines',
  'faults/orchestration/worker',
  'integration/bad-input/data',
  'integration/ui/temporal-ui',
  'integration/temporal/missed-ticks',
  'integration/cli/run-overlap',
  'integration/serving/rollout',
  'faults/serving/rollouts',
  'integration/temporal/apply',
  'integration/temporal/study',
  'integration/scoring/score',
  'integration/platform/stack',
  'integration/platform/own-stack',
];

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
    maxWorkers: 2,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    // For what hangs: how long something takes on a machine that does much else says nothing.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
});
