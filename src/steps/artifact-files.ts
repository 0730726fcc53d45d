import { plural } from '../core/plural.ts';
import { cp, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { ArtifactKind } from '../core/artifact.ts';
import { mask } from './secrets.ts';

/** Characters of the line for people. What is cut off is cut off after it was masked: half a secret would not be found any more. */
const SUMMARY_CHARS_MAX = 200;

/** Kinds whose `meta` other steps rely on: a program that gives one has to write it. */
const TYPED: readonly ArtifactKind[] = ['dataset', 'examples', 'model', 'evaluation', 'version', 'deployment'];

/** Lays the files of an artifact into a folder, as copies that the program may read and spoil. */
export async function layOut(artifact: OpenArtifact, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of Object.keys(artifact.manifest.files)) {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    await cp(await artifact.path(name), target);
  }
}

/**
 * A folder that a program filled → artifact. `meta.json` and `summary.txt`, where there are any, become the artifact's facts and
 * its one line for people, and are not among its files.
 *
 * @throws STEP_FAILED where a typed kind comes without `meta.json`, or it is not JSON.
 */
export async function gather(artifacts: ArtifactStore, kind: ArtifactKind, name: string, folder: string): Promise<ArtifactRef> {
  const paths = await filesBelow(folder);
  const files: Record<string, { path: string }> = {};
  for (const path of paths) {
    const key = relative(folder, path).split(sep).join('/');
    if (key !== 'meta.json' && key !== 'summary.txt') files[key] = { path };
  }
  const meta = await metaOf(kind, name, folder);
  const said = (await readIfThere(join(folder, 'summary.txt')))?.trim().split('\n', 1)[0];
  const bytes = (await Promise.all(Object.values(files).map(async ({ path }) => (await stat(path)).size))).reduce(
    (sum, size) => sum + size,
    0,
  );
  const count = Object.keys(files).length;
  const summary =
    said === undefined || said === '' ? `${name}: ${plural(count, 'file')}, ${bytes} bytes` : mask(said).slice(0, SUMMARY_CHARS_MAX);
  return artifacts.write({ kind, summary, files, meta });
}

async function metaOf(kind: ArtifactKind, name: string, folder: string): Promise<Json> {
  const text = await readIfThere(join(folder, 'meta.json'));
  if (text !== undefined) return parse(text, `meta.json of the output "${name}"`);
  if (!TYPED.includes(kind)) return {};
  throw new PerennialError('STEP_FAILED', `The output "${name}" is declared as a ${kind}, but its folder has no meta.json.`, {
    hint: `Write the facts of a ${kind} to meta.json in the folder of the output, or declare it as "data".`,
  });
}

/** `values.json` of a program: an object of small values; absent: none. @throws STEP_FAILED */
export async function readValues(path: string): Promise<StepResult['values']> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const values = parse(text, 'values.json');
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new PerennialError('STEP_FAILED', 'values.json has to hold a JSON object.', { hint: 'For example { "rows": 344 }' });
  return values;
}

/** Kind, summary, files and facts of the inputs, laid out in folders of the work folder. */
export async function layOutInputs(
  ctx: Pick<StepContext, 'artifacts' | 'workDir'>,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<Record<string, { path: string; manifest: Json }>> {
  const laid: Record<string, { path: string; manifest: Json }> = {};
  for (const [name, ref] of Object.entries(inputs)) {
    const artifact = await ctx.artifacts.open(ref);
    const path = join(ctx.workDir, 'inputs', name);
    await layOut(artifact, path);
    laid[name] = { path, manifest: artifact.manifest as unknown as Json };
  }
  return laid;
}

function parse(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new PerennialError('STEP_FAILED', `${what} is not JSON: ${messageOf(error)}`, {
      hint: 'Write valid JSON (no NaN, no trailing commas).',
      cause: error,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
