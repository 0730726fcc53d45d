import { PerennialError } from '../../core/errors.ts';
import type { Place } from '../places/place.ts';

const FILE = 'models.config';
/** Of one model, for whoever writes the list of all. */
const ENTRY = 'serving.json';
const TURNS_MAX = 20;
/** The list begins with it. */
const OURS = '# Written by Perennial';

interface Entry {
  readonly version: number;
  readonly basePath: string;
}

/**
 * Names the version of a model in the list that TensorFlow Serving reads of all models. Labels are left out on purpose: a label for a
 * version that is not loaded yet makes TensorFlow Serving refuse the whole list; with one version of each model none is needed.
 *
 * Models are deployed at the same time: each has its entry, and whoever writes the list reads the entries again afterwards, until the
 * list says what they say. So the last writer of all has seen every entry.
 */
export async function writeModelsConfig(place: Place, model: string, version: number, servedFrom: string | undefined): Promise<void> {
  const entry: Entry = { version, basePath: `${(servedFrom ?? place.location).replace(/\/+$/, '')}/${model}` };
  await place.write(`${model}/${ENTRY}`, Buffer.from(`${JSON.stringify(entry)}\n`));
  await settle(place);
}

/** The model is not served by the list any more: it is taken out, and TensorFlow Serving takes the highest number again. */
export async function leaveModelsConfig(place: Place, model: string): Promise<void> {
  const isEntered = (await place.read(`${model}/${ENTRY}`)) !== undefined;
  // Whoever took the entry out may have been killed before the list was written.
  if (!isEntered && !(await isListed(place, model))) return;
  if (isEntered) await place.removeFile(`${model}/${ENTRY}`);
  await settle(place);
}

async function isListed(place: Place, model: string): Promise<boolean> {
  const list = await place.read(FILE);
  return list !== undefined && Buffer.from(list).toString('utf8').includes(nameLine(model));
}

const nameLine = (model: string): string => `    name: ${JSON.stringify(model)}\n`;

/** Until the list says what the entries say. */
async function settle(place: Place): Promise<void> {
  let written = await writeList(place);
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    if ((await listText(place)) === written) return;
    written = await writeList(place);
  }
}

/** @throws TARGET_TAKEN where the list is of somebody else */
async function writeList(place: Place): Promise<string> {
  const there = await place.read(FILE);
  if (there !== undefined && !Buffer.from(there).toString('utf8').startsWith(OURS))
    throw new PerennialError('TARGET_TAKEN', `${place.location}/${FILE} was not written by Perennial, and would be written over.`);
  const text = await listText(place);
  await place.write(FILE, Buffer.from(text));
  return text;
}

async function listText(place: Place): Promise<string> {
  const configs: string[] = [];
  for (const model of (await place.folders('')).sort()) {
    const bytes = await place.read(`${model}/${ENTRY}`);
    if (bytes === undefined) continue;
    const { version, basePath } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry;
    configs.push(
      [
        `  config {\n${nameLine(model).trimEnd()}`,
        `    base_path: ${JSON.stringify(basePath)}`,
        '    model_platform: "tensorflow"',
        `    model_version_policy { specific { versions: ${version} } }`,
        '  }',
      ].join('\n'),
    );
  }
  return `${OURS} with every promotion and rollback.\nmodel_config_list {\n${configs.join('\n')}\n}\n`;
}
