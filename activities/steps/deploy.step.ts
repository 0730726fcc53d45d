import { join, resolve } from 'node:path';
import type { ArtifactRef } from '../../src/core/artifact.ts';
import { PerennialError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { ofThePast } from '../../src/core/run.ts';
import type { ConfigProblem, StepContext, StepResult } from '../../src/core/step.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { Confirmation } from '../../src/registry/confirmation.ts';
import { CHAMPION } from '../../src/registry/decisions.ts';
import type { Pin, VersionManifest } from '../../src/registry/types.ts';
import type { Promotion } from '../promotion.ts';

interface DeployConfig {
  readonly to?: 'server' | 'directory';
  readonly path?: string;
  readonly promote?: string | null;
  readonly confirm?: boolean;
  readonly confirmSeconds?: number;
  readonly onPinned?: 'fail' | 'skip';
  readonly fallback?: 'previous' | 'nothing';
}

const CONFIRM_SECONDS = 60;

export default defineStep<DeployConfig>({
  type: 'deploy',
  version: 1,
  summary:
    'Lets a version go live: moves the alias over the champion that it was judged against, waits until the servers answer with it, or exports its files.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      to: {
        enum: ['server', 'directory'],
        default: 'server',
        description:
          '"server": the servers follow the champion, so promoting is all it takes. "directory": the files of the model are exported besides.',
      },
      path: {
        type: 'string',
        minLength: 1,
        description: 'With "directory": folder in which `<version>/` is written, relative to the document.',
        examples: ['exports/penguins'],
      },
      promote: {
        type: ['string', 'null'],
        pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
        default: 'champion',
        description: 'Alias that moves to the version; servers follow "champion". null, with "directory" only: none.',
        examples: ['champion'],
      },
      confirm: {
        type: 'boolean',
        description:
          'Wait until every running server answers with the version, and fail otherwise. Default: true where "champion" is promoted.',
      },
      confirmSeconds: {
        type: 'number',
        minimum: 1,
        maximum: 3600,
        description: `How long to wait for the servers. Default: ${CONFIRM_SECONDS}.`,
        examples: [120],
      },
      fallback: {
        enum: ['previous', 'nothing'],
        description:
          'What servers answer with while the champion cannot be loaded, as after damage to the store: "previous" is the newest former champion that can be, "nothing" is 503. Kept with the model until another deployment says otherwise; "previous" at first.',
      },
      onPinned: {
        enum: ['fail', 'skip'],
        default: 'fail',
        description: 'A rollback pinned the model to another version: "fail" rejects the run, "skip" lets it pass without promoting.',
      },
    },
  },
  inputs: { version: { kind: 'version' } },
  outputs: { deployment: { kind: 'deployment' } },
  timeouts: { startToCloseMs: 4_000_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  // An effect outside the artifacts; idempotent by the run and the step instead.
  cacheable: false,
  examples: [
    { title: 'Promote, and wait for the servers', config: { to: 'server', promote: 'champion' } },
    { title: 'Export the files only', config: { to: 'directory', path: 'exports/penguins', promote: null } },
  ],
  describe: ({ to, path, promote }) =>
    [
      ...(promote === null ? [] : [`promote to ${promote ?? 'champion'}`]),
      ...(to === 'directory' ? [`export to ${path ?? '?'}`] : ['wait for the servers']),
    ].join(', '),
  check: checkDeploy,
  async run(ctx, config, inputs) {
    const { createRegistry } = await import('../../src/registry/registry.ts');
    const { promoteJudged } = await import('../promotion.ts');
    const target = (await ctx.artifacts.open(inputs['version']!)).manifest.meta as unknown as VersionMeta;
    const registry = createRegistry(ctx.store, ctx.artifacts);
    const version = await registry.version(target.model, target.version);
    const past = ofThePast(ctx.trigger);
    if (past !== undefined) return kept(ctx, version, past);
    const alias = config.promote === undefined ? 'champion' : config.promote;
    // Versions of runs that began with 0.1.0 do not say which evaluation was theirs: that of the manifest.
    const evaluation =
      target.evaluation === undefined ? version.evaluation : target.evaluation === null ? null : { digest: target.evaluation };
    const promotion =
      alias === null
        ? undefined
        : await promoteJudged(ctx, registry, version, {
            alias,
            evaluation,
            ...(config.fallback === undefined ? {} : { fallback: config.fallback }),
          });
    if (promotion !== undefined && promotion.kind !== 'promoted')
      return notPromoted(ctx, version, alias!, promotion, config.onPinned ?? 'fail');
    const directory = config.to === 'directory' ? await exportTo(ctx, version, config.path!) : undefined;
    const confirmation =
      promotion !== undefined && (config.confirm ?? alias === 'champion')
        ? await confirm(ctx, version, config.confirmSeconds ?? CONFIRM_SECONDS)
        : undefined;
    return result(ctx, version, { alias, promotion, directory, confirmation });
  },
});

/** `meta` of a `version` artifact. */
interface VersionMeta {
  readonly model: string;
  readonly version: number;
  /** Digest of the evaluation of the run; null: it had none. */
  readonly evaluation?: string | null;
}

function checkDeploy(config: DeployConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (config.to === 'directory' && config.path === undefined)
    problems.push({ pointer: '', message: '"to": "directory" needs "path".', fix: 'Add "path": "exports".' });
  if (config.to !== 'directory' && config.path !== undefined)
    problems.push({ pointer: '/path', message: '"path" goes with "to": "directory".', fix: 'Remove it, or set "to": "directory".' });
  if (config.to !== 'directory' && config.promote === null)
    problems.push({
      pointer: '/promote',
      message: 'Without an alias to promote, "to": "server" does nothing.',
      fix: 'Use "promote": "champion", or remove the step.',
    });
  if (config.confirm === true && (config.promote ?? 'champion') !== 'champion')
    problems.push({
      pointer: '/confirm',
      message: 'Servers follow "champion" only, so no other alias can be confirmed.',
      fix: 'Remove "confirm".',
    });
  if (config.confirmSeconds !== undefined && (config.confirm === false || (config.promote ?? 'champion') !== 'champion'))
    problems.push({
      pointer: '/confirmSeconds',
      message: 'Nothing is confirmed here, so there is nothing to wait for.',
      fix: 'Remove "confirmSeconds".',
    });
  if (config.fallback !== undefined && (config.promote === undefined ? 'champion' : config.promote) !== 'champion')
    problems.push({
      pointer: '/fallback',
      message: 'It is about the champion, and no champion is promoted here.',
      fix: 'Remove "fallback", or promote "champion".',
    });
  if (config.promote === 'latest' || /^v?\d+$/.test(config.promote ?? ''))
    problems.push({ pointer: '/promote', message: `"${config.promote}" is reserved: it already names a version.`, fix: 'Use "champion".' });
  return problems;
}

/** Exactly one export per version: what is there already must be the same version, whole, since exports appear whole. */
async function exportTo(ctx: StepContext, version: VersionManifest, path: string): Promise<string> {
  const { exportVersion } = await import('../../src/registry/export.ts');
  const { readFile } = await import('node:fs/promises');
  const directory = join(resolve(ctx.documentDir, path), String(version.version));
  const there = await readFile(join(directory, 'version.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined && (JSON.parse(there) as VersionManifest).id === version.id) return directory;
  return (await exportVersion(ctx.store, version, directory)).directory;
}

async function confirm(ctx: StepContext, version: VersionManifest, seconds: number): Promise<Confirmation> {
  const { confirmServed } = await import('../../src/registry/confirm.ts');
  ctx.progress({ message: `waiting until the servers answer with ${version.name} version ${version.version}` });
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
async function kept(ctx: StepContext, version: VersionManifest, past: string): Promise<StepResult> {
  const { readRouting } = await import('../../src/registry/routing.ts');
  // What is made again may be what serves.
  const live = (await readRouting(ctx.store, version.name))?.routing.aliases['champion'] === version.version;
  const deployment = await writeDeployment(ctx, version, { status: 'registered only', alias: null });
  return {
    outputs: { deployment },
    values: {
      model: version.name,
      version: version.version,
      previous: null,
      promoted: false,
      confirmed: 0,
      ...(live ? { live } : { why: `${past} moves no alias` }),
    },
    details: `**Not promoted**: the run is ${past}, and runs of the past move no alias. To let it serve: \`perennial models rollback ${version.name} --to ${version.version}\`, which pins it.`,
  };
}

/** A pin and a verdict reject the run, at once; that something newer serves is no fault of it. */
async function notPromoted(
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
      evaluation: promotion.judged.outputs['evaluation']!.digest,
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
}

/** What is told is what the routing says now, whatever this run did to it before. */
async function result(
  ctx: StepContext,
  version: VersionManifest,
  { alias, promotion, directory, confirmation }: Outcome,
): Promise<StepResult> {
  const { successorOf, supersededText } = await import('../../src/registry/confirm.ts');
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
  const again = promotion?.judgedAgain?.verdict?.reasons;
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
    },
    details: told.join(' '),
  };
}

function writeDeployment(ctx: StepContext, version: VersionManifest, facts: JsonObject): Promise<ArtifactRef> {
  const meta = { model: version.name, version: version.version, ...facts };
  return ctx.artifacts.write({
    kind: 'deployment',
    summary: `${version.name} version ${version.version}: ${String(facts.status)}`,
    files: {},
    meta,
  });
}
