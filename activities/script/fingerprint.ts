import { dirname } from 'node:path';
import type { Json } from '../../src/core/json.ts';
import { isUnseen, unseen } from '../../src/core/step.ts';
import type { FingerprintContext, Unseen } from '../../src/core/step.ts';
import { secretDigest } from '../../src/steps/secret-digest.ts';
import { declare, doubtText, lookAtValues, seenOf } from '../../src/steps/seen/command.ts';
import { lookForOutside, outsideModule, readJavaScript } from '../../src/steps/seen/javascript.ts';
import { Look, realPath } from '../../src/steps/seen/look.ts';
import type { ScriptConfig } from './config.ts';
import { readScript } from './bundle.ts';

/**
 * What decides the result of a local step besides its configuration and inputs, as far as it can be seen: all of its code, files that it
 * names, secrets, and the nominal time where it asks for it.
 */
export async function fingerprintScript(ctx: FingerprintContext, config: ScriptConfig): Promise<Json | Unseen> {
  const { digest, modules, builtins } = await readScript(ctx.documentDir, config.path);
  const look = new Look(realPath(ctx.documentDir));
  const secrets = new Set<string>();
  for (const module of modules) lookAtModule(module, look, secrets);
  for (const builtin of builtins)
    if (outsideModule(builtin)) look.doubt(`a package that it imports uses ${builtin}, which reaches outside`);
  // The bundle holds the code: of the modules themselves comments and white space would count.
  for (const module of modules) look.files.delete(module);
  lookAtValues(config.with, look);
  const declared = declare(config.files, ctx.documentDir, look);
  if (look.doubts.size > 0 && !declared) return unseen(doubtText(look));
  const seen = await seenOf(look, ctx);
  if (isUnseen(seen)) return seen;
  const digests = Object.fromEntries([...secrets].sort().map((name) => [name, secretDigest(name, ctx.secret(name))]));
  return { module: digest, ...seen, ...(secrets.size === 0 ? {} : { secrets: digests }) };
}

function lookAtModule(path: string, look: Look, secrets: Set<string>): void {
  const text = look.source(path);
  if (text === undefined) return;
  const name = look.nameOf(path);
  const { code, literals } = readJavaScript(text);
  if (/\bnominalTime\b/.test(code)) look.nominalTime = true;
  if (/\b(?:pipeline|stepId)\b/.test(code)) look.run = true;
  if (/\b(?:runId|attempt|trigger|planRevision)\b/.test(code))
    look.doubt(`${name} reads the id, the attempt, the trigger or the revision of its run`);
  if (/\.\s*store\b|[{,]\s*store\b[^=]*\}\s*(?:=|:)/.test(code)) look.doubt(`${name} reads the store`);
  if (/\bcacheable\s*:\s*false\b/.test(code)) look.doubt(`${name} says that it is not cacheable`);
  if (/\bfingerprint\s*[(:]/.test(code)) look.doubt(`${name} has a fingerprint of its own, which is not asked`);
  for (const [, module] of text.matchAll(/\b(?:from|import|require\s*\(|import\s*\()\s*["']([^"'\n]+)["']/g))
    if (outsideModule(module!)) look.doubt(`${name} uses ${module!}, which reaches outside`);
  for (const [, secret] of text.matchAll(/\bsecret\s*\(\s*["'`]([A-Za-z_]\w*)["'`]\s*\)/g)) secrets.add(secret!);
  if (/\bsecret\s*\(\s*(?!""\s*\))[^\s)]/.test(code)) look.doubt(`${name} asks for secrets by names made at run time`);
  // Names made at run time below the folder of the document: everything there counts.
  if (/\bdocumentDir\b/.test(code)) look.add(look.cwd, 'reads');
  lookForOutside(code, literals, name, [...new Set([dirname(path), look.cwd])], dirname(path), look);
}
