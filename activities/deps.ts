import type { ObjectStore, ArtifactStore } from '../src/core/ports.ts';
import type { StepDefinition } from '../src/core/step.ts';

export interface ActivityDeps {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  /** Step types that this worker knows. */
  readonly steps: readonly StepDefinition[];
  /** Where private folders of running steps lie; absolute. */
  readonly workRoot: string;
  /** Digest of the code behind a step type: part of the cache key. */
  readonly codeDigest: (type: string) => string;
}
