import { resolve } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { isUnseen, unseen } from '../../core/step.ts';
import type { FingerprintContext, Unseen } from '../../core/step.ts';
import { localeOf } from '../../platform/environment.ts';
import { sha256File } from '../../storage/digest.ts';
import { FILES_MAX, Look, isAbove, kindOf, locate, realPath } from './look.ts';
import { identityOf, pythonVersion } from './program-identity.ts';
import { lookAtProgram } from './program.ts';

/** What of a command's configuration decides which files it reads. */
export interface SeenCommand {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly files?: readonly string[];
  readonly with?: JsonObject;
  readonly env?: Readonly<Record<string, unknown>>;
}

/** Variables that say where programs and libraries are, not what is read. */
const PLACES = /^(?:PATH|HOME|TMPDIR|PYTHONPATH|NODE_PATH|(?:DY)?LD_LIBRARY_PATH)$/;

/** What of a run may decide a result. */
export type SeenBy = Pick<FingerprintContext, 'pipeline' | 'stepId' | 'documentDir' | 'nominalTime'>;

/** Doubts that are told at once. */
const DOUBTS_TOLD = 3;

/**
 * All that is seen to decide what a command does: its folder, the program, the files that it reads, the locale and, where it asks for it,
 * the nominal time.
 */
export async function fingerprintOfCommand(
  config: SeenCommand,
  ctx: SeenBy,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Json | Unseen> {
  const cwd = realPath(resolve(ctx.documentDir, config.cwd ?? '.'));
  // Those that say where things are do not count by their values.
  const variables = [...Object.keys(config.env ?? {}), ...Object.keys(localeOf(environment))].filter((name) => !PLACES.test(name));
  const look = new Look(cwd, variables);
  look.python = locate('python3', cwd, environment.PATH) ?? locate('python', cwd, environment.PATH);
  lookAtProgram(config.command, [cwd], environment, look);
  lookAtValues(config.with, look);
  for (const [name, value] of Object.entries(config.env ?? {})) if (!PLACES.test(name)) lookAtValues(value as Json, look);
  const declared = declare(config.files, ctx.documentDir, look);
  if (look.doubts.size > 0 && !declared) return unseen(doubtText(look));
  const program = locate(config.command[0]!, cwd, environment.PATH);
  if (program !== undefined) look.programs.add(realPath(program));
  const seen = await seenOf(look, ctx);
  if (isUnseen(seen)) return seen;
  return {
    folder: cwd,
    program: program === undefined ? config.command[0]! : realPath(program),
    programs: await identitiesOf(look, environment),
    locale: { ...localeOf(environment), ...zoneOf(environment) },
    // What was made before the order of sets was fixed is made again.
    hashSeed: environment.PYTHONHASHSEED ?? '',
    ...seen,
  };
}

/** Programs by what they are, not by where: a new version in the place of the old one is another program. */
async function identitiesOf(
  { programs, python, cwd }: Look,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<JsonObject> {
  const paths = new Set(programs);
  const found: Record<string, string> = {};
  for (const path of [...paths].sort()) found[path] = await identityOf(path);
  // Most of Python lies in a library beside its program.
  const interpreter = python === undefined ? undefined : realPath(python);
  if (interpreter !== undefined && paths.has(interpreter) && kindOf(cwd) === 'folder') found['python'] = pythonVersion(interpreter, cwd, environment);
  return found;
}

/** Times are told in the zone of the machine where nothing else is said. */
function zoneOf({ TZ }: Readonly<Record<string, string | undefined>>): { readonly zone?: string } {
  return TZ === undefined ? { zone: Intl.DateTimeFormat().resolvedOptions().timeZone } : {};
}

/** Files that the configuration of a program names, at any depth: it is told of them to read them. */
export function lookAtValues(value: Json | undefined, look: Look): void {
  if (typeof value === 'string') lookAtWord(value, look);
  else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) lookAtValues(member, look);
}

function lookAtWord(value: string, look: Look): void {
  if (isAbove(value)) look.doubt(`it is told to look above its folder (${value})`);
  else look.word(value, [look.cwd]);
}

/** The part of a fingerprint that the sources decide. */
export async function seenOf(look: Look, { nominalTime, pipeline, stepId }: SeenBy): Promise<JsonObject | Unseen> {
  if (look.files.size > FILES_MAX)
    return unseen(
      `it reads ${look.files.size} files, and at most ${FILES_MAX} count; name those that matter in "files", or read data with an "ingest" step`,
    );
  const digests: Record<string, string> = {};
  for (const path of [...look.files].sort()) digests[look.nameOf(path)] = await sha256File(path);
  return { files: digests, ...(look.nominalTime ? { nominalTime } : {}), ...(look.run ? { run: { pipeline, step: stepId } } : {}) };
}

/** Adds what "files" declares: files, folders and patterns from the folder of the document. @returns whether anything is declared */
export function declare(files: readonly string[] | undefined, documentDir: string, look: Look): boolean {
  for (const name of files ?? []) {
    const own = new Look(realPath(documentDir));
    const found = name === '.' || name === './' ? own.add(own.cwd) : own.word(name, [own.cwd]);
    if (own.doubts.size > 0)
      throw new PerennialError('LIMIT_EXCEEDED', `"files" names ${name}: ${[...own.doubts].join('; ')}.`, {
        hint: `At most ${FILES_MAX} files count: name those that matter, or read data with an "ingest" step.`,
      });
    if (!found || own.files.size === 0)
      throw new PerennialError(
        'SOURCE_NOT_FOUND',
        `"files" names ${name}, which ${found ? 'holds no file' : 'does not exist'} (${resolve(documentDir, name)}).`,
      );
    for (const path of own.files) {
      look.files.add(path);
      // A source that is declared is asked for the nominal time like one that is seen.
      const head = kindOf(path) === 'file' ? look.head(path) : undefined;
      if (head !== undefined && /nominal_?time/i.test(head)) look.nominalTime = true;
    }
  }
  return (files ?? []).length > 0;
}

/** Why a result is not cached, and what to do. */
export function doubtText(look: Look): string {
  const doubts = [...look.doubts];
  const more = doubts.length > DOUBTS_TOLD ? ` and ${doubts.length - DOUBTS_TOLD} more` : '';
  return `${doubts.slice(0, DOUBTS_TOLD).join(', ')}${more}; declare "files" with all that decides the result, and it is`;
}
