import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { VersionExport } from '../../registry/types.ts';
import type { Named } from '../../training/model/named.ts';
import type { CliIo } from '../commands/command.ts';
import { openRegistry } from './options.ts';
import { sizeText } from '../../core/byte-size.ts';
import { numberText } from './views.ts';

/** Writes a version in a format of other programs: the export that it has, or one that is made and checked now. */
export async function formatAction(io: CliIo, model: string, reference: string, directory: string, format: string): Promise<void> {
  const named = await checkedFormat(format);
  const [name, config] = typeof named === 'string' ? [named, {}] : (Object.entries(named)[0] as [string, JsonObject]);
  const { registry, store, artifacts } = await openRegistry('change');
  const { findExport, makeExport, saveExports } = await import('../../registry/version-exports.ts');
  const { writeStoredExport } = await import('../../registry/export.ts');
  const manifest = await registry.version(model, reference);
  let found = await findExport(store, model, manifest.version, name, config);
  const stored = found !== undefined;
  if (found === undefined) {
    await saveExports(store, model, manifest.version, [await makeExport(artifacts, await artifacts.open(manifest.model), model, named)]);
    found = (await findExport(store, model, manifest.version, name, config))!;
  }
  const written = await writeStoredExport(store, found, directory);
  const { check, notes } = found;
  io.result({ model, version: manifest.version, format: name, config, stored, check, notes, ...written });
  io.print(
    `${stored ? 'Exported' : 'Made and exported'} ${model} version ${manifest.version} as ${name} to ${written.directory}: ${written.files.length} files, ${sizeText(written.bytes)}.`,
  );
  io.print(checkText(check));
  for (const note of notes) io.print(note);
}

function checkText({ rows, source, largestDifference, bound, sameClass }: VersionExport['check']): string {
  const same = sameClass === null ? '' : `; the same class on ${numberText(100 * sameClass)} % of them`;
  return `Read again, it differs from the model by at most ${largestDifference.toPrecision(3)} (bound ${numberText(bound)}) on ${rows} ${source === 'test' ? 'rows of the test split' : 'drawn rows'}${same}.`;
}

/** @throws USAGE for text that is neither a name nor an object of one, CONFIG_INVALID for an unknown format or settings that it has not */
async function checkedFormat(text: string): Promise<Named> {
  const { exportRegistry } = await import('../../training/exports/index.generated.ts');
  const { nameAndConfig } = await import('../../training/model/named.ts');
  const { Ajv } = await import('ajv');
  const named = text.trim().startsWith('{') ? parsed(text) : text;
  const [name, config] = nameAndConfig('export', named);
  const validate = new Ajv({ allErrors: true, strict: false }).compile(exportRegistry.get(name).configSchema);
  if (!validate(config)) {
    const problems = (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || 'it'} ${message}${'additionalProperty' in params ? ` ("${String(params.additionalProperty)}")` : ''}`,
    );
    throw new PerennialError(
      'CONFIG_INVALID',
      `--format: the settings of "${name}" are ${JSON.stringify(config)}: ${problems.join('; ')}.`,
      { hint: `\`perennial schema export ${name}\` shows them.` },
    );
  }
  return named;
}

function parsed(text: string): Named {
  try {
    return JSON.parse(text) as Named;
  } catch (error) {
    throw new PerennialError('USAGE', `--format is ${text}, which is no JSON.`, {
      hint: 'Quote it: --format \'{"tfjs":{"quantize":{"uint8":"*"}}}\'.',
      cause: error,
    });
  }
}
