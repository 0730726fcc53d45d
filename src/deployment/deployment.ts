import { join, resolve } from 'node:path';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { Confirmation } from '../registry/confirmation.ts';
import { CHAMPION } from '../registry/decisions.ts';
import type { Pin, VersionManifest } from '../registry/types.ts';
import { targetText } from '../core/targets.ts';
import type { TargetState } from '../core/targets.ts';
import type { Promotion } from './promotion.ts';

/** Exactly one export per version: what is there already must be the same version, whole, since exports appear whole. */
export async function exportTo(ctx: StepContext, version: VersionManifest, path: string): Promise<string> {
  const { exportVersion } = await import('../registry/export.ts');
  const { readFile } = await import('node:fs/promises');
  const directory = join(resolve(ctx.documentDir, path), String(version.version));
  const there = await readFile(join(directory, 'version.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined && (JSON.parse(there) as VersionManifest).id === version.id) return directory;
  return (await exportVersion(ctx.store, version, directory)).directory;
}

/** Waits until every running server answers with the version. @throws SERVER_UNAVAILABLE naming those that do not */
export async function confirm(ctx: StepContext, version: VersionManifest, seconds: number): Promise<Confirmation> {
  const { confirmServed } = await import('../registry/confirm.ts');
  // A run that is cancelled here ends with these words: what it has changed stays changed.
  ctx.progress({
    message: `${version.name} version ${version.version} is champion now and stays it (\`perennial models rollback ${version.name}\` goes back); waiting until the servers answer with it`,
  });
  const confirmation = await confirmServed(ctx.store, version.name, version.version, { timeoutMs: seconds * 1000, signal: ctx.signal });
  if (confirmation.superseded === undefined && confirmation.servers.length > 0 && !confirmation.confirmed) {
    const late = confirmation.servers
      .filter((answer) => !answer.confirmed)
      .map((answer) => `${answer.url} (${answer.error ?? `version ${answer.version}`})`);
    throw new PerennialError(
      'SERVER_UNAVAILABLE',
      `${version.name} version ${version.version} was promoted, but after ${seconds} s these servers do not answer with it: ${late.join(', ')}.`,
      {
        hint: 'See the log of these servers; the step asks them again when it is tried again.',
      },
    );
  }
  return confirmation;
}

/** A run of the past: the version is registered, and that is all. */
export async function kept(ctx: StepContext, version: VersionManifest, past: string): Promise<StepResult> {
  // What is made again may be what serves.
  const live = await isServed(ctx, version, CHAMPION);
  const deployment = await writeDeployment(ctx, version, { status: 'registered only', alias: null });
  return registeredOnly(version, deployment, {
    live,
    why: `${past} moves no alias`,
    details: `**Not promoted**: the run is ${past}, and runs of the past move no alias. To let it serve: \`perennial models rollback ${version.name} --to ${version.version}\`, which pins it.`,
  });
}

/** The version is registered, and not promoted yet, for a reason that is no fault of it. What serves already is left as it is. */
export async function heldBack(ctx: StepContext, version: VersionManifest, alias: string, reason: string): Promise<StepResult> {
  const live = await isServed(ctx, version, alias);
  const deployment = await writeDeployment(ctx, version, { status: live ? 'deployed' : 'held back', alias });
  return registeredOnly(version, deployment, {
    live,
    why: reason,
    details: live
      ? `${alias} of ${version.name} is version ${version.version} already.`
      : `**Not promoted**: ${reason}. To let it serve all the same, or later: \`perennial models promote ${version.name} ${version.version}${alias === CHAMPION ? '' : ` --alias ${alias}`}\`.`,
  });
}

async function isServed({ store }: StepContext, { name, version }: VersionManifest, alias: string): Promise<boolean> {
  const { readRouting } = await import('../registry/routing.ts');
  return (await readRouting(store, name))?.routing.aliases[alias] === version;
}

function registeredOnly(
  { name, version }: VersionManifest,
  deployment: ArtifactRef,
  { live, why, details }: { readonly live: boolean; readonly why: string; readonly details: string },
): StepResult {
  return {
    outputs: { deployment },
    values: { model: name, version, previous: null, promoted: false, confirmed: 0, ...(live ? { live } : { why }) },
    details,
  };
}

/** A pin and a verdict reject the run, at once; that something newer serves is no fault of it. */
export async function notPromoted(
  ctx: StepContext,
  version: VersionManifest,
  alias: string,
  promotion: Exclude<Promotion, { kind: 'promoted' }>,
  onPinned: 'fail' | 'skip',
): Promise<StepResult> {
  const facts = { model: version.name, version: version.version, promoted: false, confirmed: 0 };
  if (promotion.kind === 'rejected') {
    const deployment = await writeDeployment(ctx, version, {
      status: 'rejected',
      alias,
      evaluation: promotion.evaluation,
    });
    return {
      outputs: { deployment },
      values: { ...facts, why: promotion.reasons[0]! },
      details: `**Not promoted.** ${promotion.reasons.join('\n- ')}`,
      verdict: { passed: false, reasons: promotion.reasons },
    };
  }
  const { error } = promotion;
  const details = `**Not promoted.** ${error.message} ${error.hint}`;
  if (promotion.kind === 'outdated') {
    const there = error.details as { readonly version: number; readonly who: string };
    const deployment = await writeDeployment(ctx, version, { status: `superseded by version ${there.version} (${there.who})`, alias });
    return {
      outputs: { deployment },
      values: { ...facts, previous: null, superseded: there.version, why: `superseded by version ${there.version} (${there.who})` },
      details,
    };
  }
  const deployment = await writeDeployment(ctx, version, { status: 'pinned', alias: 'champion' });
  const { pin } = error.details as { readonly pin: Pin };
  const result = { outputs: { deployment }, values: { ...facts, why: `pinned to version ${pin.version} by ${pin.by}` }, details };
  return onPinned === 'skip' ? result : { ...result, verdict: { passed: false, reasons: [error.message] } };
}

interface Outcome {
  readonly alias: string | null;
  readonly promotion: Extract<Promotion, { kind: 'promoted' }> | undefined;
  readonly directory: string | undefined;
  readonly confirmation: Confirmation | undefined;
  readonly targets: readonly TargetState[];
}

/** What is told is what the routing says now, whatever this run did to it before. */
export async function result(
  ctx: StepContext,
  version: VersionManifest,
  { alias, promotion, directory, confirmation, targets }: Outcome,
): Promise<StepResult> {
  const { successorOf, supersededText } = await import('../registry/confirm.ts');
  const change = promotion?.change;
  const successor =
    alias === null ? undefined : (confirmation?.superseded ?? (await successorOf(ctx.store, version.name, version.version, alias)));
  const superseded = successor === undefined ? undefined : `superseded by ${supersededText(successor)}`;
  const deployment = await writeDeployment(ctx, version, {
    status: superseded ?? 'deployed',
    alias,
    ...(directory === undefined ? {} : { directory }),
  });
  const previous = change?.changed === true && superseded === undefined ? change.from : null;
  const again = promotion?.judgedAgain;
  const told = [
    ...(again === undefined ? [] : [`The champion was another one by now, so the version was judged again: ${again.join('; ')}.`]),
    ...(alias === null
      ? []
      : [
          superseded === undefined
            ? `**${alias}** of ${version.name} is version **${version.version}**${previous === null ? '' : ` (before: ${previous})`}.`
            : `**${alias}** of ${version.name} was version ${version.version}, which is ${superseded}.`,
        ]),
    ...(directory === undefined ? [] : [`Exported to \`${directory}\`.`]),
    ...(confirmation === undefined || superseded !== undefined ? [] : [confirmation.summary]),
    ...(superseded === undefined ? targets.map((target) => `${targetText(target)}.`) : []),
  ];
  ctx.log.info(superseded ?? 'deployed', {
    model: version.name,
    version: version.version,
    previous,
    confirmed: confirmation?.confirmedBy.length ?? 0,
  });
  return {
    outputs: { deployment },
    values: {
      model: version.name,
      version: version.version,
      previous,
      promoted: alias !== null && superseded === undefined,
      ...(alias === null ? { why: 'exported only' } : alias === CHAMPION ? {} : { alias }),
      confirmed: superseded === undefined ? (confirmation?.confirmedBy.length ?? 0) : 0,
      ...(successor === undefined ? {} : { superseded: successor.version, why: superseded! }),
      ...(directory === undefined ? {} : { directory }),
      ...(targets.length === 0 ? {} : { targets: targets.map(({ target, place, version: shown }) => ({ target, place, version: shown })) }),
    },
    details: told.join(' '),
  };
}

export function writeDeployment(ctx: StepContext, version: VersionManifest, facts: JsonObject): Promise<ArtifactRef> {
  const meta = { model: version.name, version: version.version, ...facts };
  return ctx.artifacts.write({
    kind: 'deployment',
    summary: `${version.name} version ${version.version}: ${String(facts.status)}`,
    files: {},
    meta,
  });
}
