import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { VersionExport, VersionManifest } from '../../registry/types.ts';
import type { Named } from '../../training/model/named.ts';
import type { Prepared, TargetTools } from '../target.ts';

/** The export that the version has in a format, or one that is made, read again and compared with the model now. */
export async function exportOfVersion(
  { store, artifacts, progress }: TargetTools,
  version: VersionManifest,
  model: OpenArtifact,
  format: string,
  config: JsonObject = {},
): Promise<{ readonly stored: VersionExport; readonly files: Readonly<Record<string, Uint8Array>> }> {
  const { findExport, makeExport, saveExports } = await import('../../registry/version-exports.ts');
  const { name, version: number } = version;
  let stored = await findExport(store, name, number, format, config);
  if (stored === undefined) {
    progress(`making ${format} of ${name} version ${number}`);
    const named: Named = Object.keys(config).length === 0 ? format : { [format]: config };
    await saveExports(store, name, number, [await makeExport(artifacts, model, name, named)]);
    stored = (await findExport(store, name, number, format, config))!;
  }
  const opened = await artifacts.open(stored.artifact);
  const names = Object.keys(opened.manifest.files);
  const bytes = await Promise.all(names.map((file) => opened.bytes(file)));
  return { stored, files: Object.fromEntries(names.map((file, index) => [file, bytes[index]!])) };
}

/** An export as it is, for a target that needs no more. */
export async function preparedExport(tools: TargetTools, version: VersionManifest, model: OpenArtifact, format: string): Promise<Prepared> {
  const { stored, files } = await exportOfVersion(tools, version, model, format);
  const { rows, source, largestDifference } = stored.check;
  return {
    files,
    notes: stored.notes,
    evidence: [
      `${format}, within ${largestDifference.toPrecision(2)} of the model on ${rows} ${source === 'test' ? 'rows of the test split' : 'drawn rows'}`,
    ],
    measured: { ...stored.check } as unknown as JsonObject,
    refusals: [],
  };
}
