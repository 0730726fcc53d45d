// The two bundles of workflow code: a plain one, and one with the interceptors that tell traces. A history of either replays on the other.
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** File in dist → interceptor modules. */
export function workflowBundles(root) {
  const { resolve } = createRequire(join(root, 'package.json'));
  return {
    'workflow-bundle.cjs': [],
    'workflow-bundle.traced.cjs': [
      resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors'),
      join(root, 'workflows/telemetry.ts'),
    ],
  };
}
