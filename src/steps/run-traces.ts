import type { Json } from '../core/json.ts';
import type { ArtifactStore } from '../core/ports.ts';
import type { StepResult } from '../core/step.ts';

/** Files larger than this are data, and not looked through. */
const FILE_BYTES_MAX = 1024 * 1024;
const ALL_BYTES_MAX = 32 * 1024 * 1024;

/** What a program is told that is another in every run. */
export interface RunTraces {
  readonly runId: string;
  readonly workDir: string;
  /** ISO 8601 UTC. */
  readonly nominalTime: string;
}

/**
 * Whether a result holds what only this run has, although its key does not cover it: another run would get it untruly. The second
 * look after that at the sources, for programs that hand on what they were told without naming it.
 *
 * @returns why the result must not be cached; undefined where nothing was found
 */
export async function ofThisRun(
  artifacts: ArtifactStore,
  result: StepResult,
  traces: RunTraces,
  fingerprint: Json,
): Promise<string | undefined> {
  const covered = typeof fingerprint === 'object' && fingerprint !== null && 'nominalTime' in fingerprint;
  const marks: readonly (readonly [string, string])[] = [
    [traces.runId, 'the id of the run'],
    [traces.workDir, 'the work folder of the run'],
    ...(covered ? [] : [[traces.nominalTime.slice(0, 19), 'the nominal time'] as const]),
  ];
  const found = (text: string | Uint8Array): string | undefined => {
    const bytes = Buffer.from(text as Uint8Array);
    return marks.find(([mark]) => bytes.includes(mark))?.[1];
  };
  const say = (where: string, what: string): string => `${where} ${what}, which is another in every run, and the key does not cover it`;
  const { outputs, ...rest } = result;
  const told = found(JSON.stringify(rest));
  if (told !== undefined) return say('its values hold', told);
  let bytes = 0;
  for (const [name, ref] of Object.entries(outputs)) {
    const artifact = await artifacts.open(ref);
    const facts = found(JSON.stringify([artifact.manifest.meta, artifact.manifest.summary]));
    if (facts !== undefined) return say(`its output "${name}" holds`, facts);
    for (const [file, { size }] of Object.entries(artifact.manifest.files)) {
      if (size > FILE_BYTES_MAX || (bytes += size) > ALL_BYTES_MAX) continue;
      const inside = found(await artifact.bytes(file));
      if (inside !== undefined) return say(`${file} of its output "${name}" holds`, inside);
    }
  }
  return undefined;
}
