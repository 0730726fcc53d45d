import { canonicalJson } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { RolloutSpec } from '../core/rollout.ts';
import { readVersion } from '../registry/versions.ts';
import type { ModelSignature, VersionManifest } from '../registry/types.ts';
import { openAs } from '../storage/stored.ts';
import { MODEL } from '../training/model/model-meta.ts';

/**
 * Why a version cannot be rolled out beside the champion, in a sentence: clients of the one would not understand the other, or what is
 * declared cannot be measured of its answers.
 *
 * @returns undefined where it can
 */
export async function misfitOf(
  store: ObjectStore,
  artifacts: ArtifactStore,
  version: VersionManifest,
  champion: number,
  spec: RolloutSpec,
  rule: 'same' | 'any',
): Promise<string | undefined> {
  if (rule === 'same') {
    const theirs = await readVersion(store, version.name, champion);
    const difference = differenceOf(theirs?.signature ?? null, version.signature);
    if (difference !== undefined)
      return `Version ${version.version} has another signature than the champion, version ${champion}: ${difference}. Clients of one may not understand the other; "signature": "any" of the strategy tries it all the same.`;
  }
  const metric = spec.abTest?.metric ?? spec.checks.metric?.name;
  const { output } = (await openAs(artifacts, MODEL, version.model)).meta;
  const needed =
    metric === undefined
      ? undefined
      : { accuracy: ['classes', 'anomaly'], meanAbsoluteError: ['number'], meanSquaredError: ['number'], flaggedRate: undefined }[metric];
  if (needed !== undefined && !needed.includes(output.kind))
    return `The live metric "${metric!}" is one of ${needed[0] === 'number' ? 'numbers' : 'classes or anomalies'}, and the model answers ${output.kind === 'number' ? 'a number' : `"${output.kind}"`}.`;
  if (spec.shadow?.agreement !== undefined && output.kind !== 'classes' && output.kind !== 'several')
    return `"agreementAtLeast" compares classes, and the model answers ${output.kind === 'number' ? 'a number' : `"${output.kind}"`}: use "meanDifferenceAtMost".`;
  if (spec.shadow?.meanDifference !== undefined && output.kind === 'classes')
    return '"meanDifferenceAtMost" compares numbers, and the model answers classes: use "agreementAtLeast".';
  return undefined;
}

/** What is not the same, in words. */
function differenceOf(one: ModelSignature | null, other: ModelSignature | null): string | undefined {
  if (one === null || other === null) return one === other ? undefined : 'that of one of them is not known';
  const columns = (signature: ModelSignature): Map<string, string> =>
    new Map(signature.inputs.map((column) => [column.name, `${column.type}${column.required ? '' : ', may be missing'}`]));
  const [before, after] = [columns(one), columns(other)];
  const differences = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    if (was === undefined) return [`it reads the column "${name}" besides`];
    return is === undefined ? [`it does not read the column "${name}"`] : [`the column "${name}" is ${is} in place of ${was}`];
  });
  if (one.windowSize !== other.windowSize) differences.push(`it reads ${other.windowSize} rows at once in place of ${one.windowSize}`);
  if (canonicalJson(one.outputs) !== canonicalJson(other.outputs)) differences.push('its answers have another shape');
  return differences.length === 0 ? undefined : differences.slice(0, 5).join(', ');
}
