import { PerennialError } from '../../core/errors.ts';
import type { Temporal } from '../../runs/connect.ts';
import { compareContenders } from '../../runs/compare/compare.ts';
import { contenderOfRun, contenderOfVersion } from '../../runs/compare/contender.ts';
import type { Contender } from '../../runs/compare/contender.ts';
import type { Comparison } from '../../runs/compare/compare.ts';
import { findRun } from '../../runs/find-run.ts';
import { describeRun, inputOf } from '../../runs/runs.ts';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import type { VersionManifest } from '../../registry/types.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';
import { comparisonText } from '../compare-text.ts';
import type { CliIo } from '../commands/command.ts';

export interface CompareOptions {
  /** false: nothing is predicted again. */
  readonly measure: boolean;
}

/** What differs between runs, the first beside each other. */
export async function compareRunsAction(
  temporal: Temporal,
  names: readonly string[],
  { measure }: CompareOptions,
  io: CliIo,
): Promise<void> {
  if (names.length < 2)
    throw new PerennialError('USAGE', 'A comparison takes two runs or more.', {
      hint: 'For example `perennial runs compare 20260131-174501-x7k2 20260131-180102-a1b2`.',
    });
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  const contenders: Contender[] = [];
  for (const name of names) {
    const address = await findRun(temporal, name);
    const [view, input] = await Promise.all([describeRun(temporal, address), inputOf(temporal, address)]);
    contenders.push(await contenderOfRun(store, artifacts, view, input.plan));
  }
  const twice = contenders.find(({ name }, index) => contenders.findIndex((other) => other.name === name) < index);
  if (twice !== undefined)
    throw new PerennialError('USAGE', `The run ${twice.name} is named twice; with itself it compares to nothing.`, {
      hint: 'Name two runs.',
    });
  const comparison = await compareContenders(artifacts, contenders, { measure, onProgress: (message) => io.note(message) });
  io.result({ comparison });
  io.print(comparisonText(comparison));
}

/** What differs between versions of a model, besides their metrics. */
export async function compareVersions(
  store: ObjectStore,
  artifacts: ArtifactStore,
  versions: readonly VersionManifest[],
  { measure }: CompareOptions,
  io: CliIo,
): Promise<Comparison> {
  const contenders = await Promise.all(versions.map((version) => contenderOfVersion(store, artifacts, version)));
  return compareContenders(artifacts, contenders, { measure, onProgress: (message) => io.note(message) });
}
