import { plural } from '../../core/plural.ts';
import { PerennialError } from '../../core/errors.ts';
import { momentOf } from '../../core/moment.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { Registry, RoutingAt } from '../../registry/registry.ts';
import type { Routing, VersionManifest } from '../../registry/types.ts';
import type { BaseOrigin } from '../../training/transfer/base.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import type { CompareOptions } from '../runs/compare-action.ts';
import { problemsOfArtifact } from '../../registry/whole.ts';
import { REPAIR_HINT } from '../../storage/json-objects.ts';
import type { Problem } from '../../registry/documents.ts';
import { currentUser, openRegistry } from './options.ts';
import { targetLines, targetStates } from './targets-action.ts';
import { sizeText } from '../../core/byte-size.ts';
import { aliasesText, metricsText, numberText, timeText, transitionRows, versionRows, versionText } from './views.ts';
import { readStored } from '../../storage/stored.ts';
import { rolloutWords } from '../../registry/rollouts.ts';

export async function listAction(io: CliIo): Promise<void> {
  const { registry, store } = await openRegistry();
  const models = await Promise.all(
    (await registry.models()).map(async ({ name, createdAt }) => {
      const { versions, routing, problems } = await registry.survey(name);
      const champion = versions.find(({ version }) => version === routing?.aliases.champion);
      return {
        name,
        createdAt,
        versions: versions.length,
        latest: versions.at(-1)?.version ?? null,
        aliases: routing?.aliases ?? {},
        pin: routing?.pin ?? null,
        metrics: champion?.metrics ?? {},
        problems: [...problems, ...(champion === undefined ? [] : await unservable(store, champion, { bytes: false }))],
      };
    }),
  );
  io.result({ models });
  if (models.length === 0) return io.print('No model is registered yet. `perennial run pipelines/penguins.json` makes one.');
  const rows = models.map(({ name, versions, latest, aliases, pin, metrics }) => [
    name,
    String(versions),
    String(latest ?? ''),
    `${aliases.champion ?? 'none'}${pin === null ? '' : ' (pinned)'}`,
    String(aliases.challenger ?? ''),
    metricsText(metrics, 3),
  ]);
  io.print(table([['MODEL', 'VERSIONS', 'LATEST', 'CHAMPION', 'CHALLENGER', "CHAMPION'S METRICS"], ...rows]));
  tellProblems(
    io,
    models.flatMap(({ name, problems }) => problems.map((problem) => ({ name, ...problem }))),
  );
}

/** Why servers cannot load a version. @param options.bytes false: as far as somebody found out, without reading all of it */
async function unservable(
  store: ObjectStore,
  { version, model }: VersionManifest,
  options: { readonly bytes: boolean },
): Promise<Problem[]> {
  const found = await problemsOfArtifact(store, model.digest, options);
  return found.length === 0 ? [] : [{ version, message: `no server can load it: ${found.join('; ')}` }];
}

function tellProblems(io: CliIo, problems: readonly (Problem & { readonly name: string })[]): void {
  for (const { name, version, message } of problems)
    io.note(`broken: ${name}${version === undefined ? '' : ` version ${version}`}: ${message}`);
  if (problems.length > 0) io.note(REPAIR_HINT);
}

export async function showAction(io: CliIo, model: string, reference: string | undefined): Promise<void> {
  const { registry, store } = await openRegistry();
  if (reference !== undefined) {
    const routing = (await registry.routing(model))?.routing;
    const manifest = await registry.version(model, reference);
    const { exportsOf } = await import('../../registry/version-exports.ts');
    const { approvalsOf } = await import('../../registry/version-approvals.ts');
    const { preparedOf } = await import('../../targets/records.ts');
    const [{ bytes, base }, exports, approvals, problems, prepared] = await Promise.all([
      artifactOf(store, manifest),
      exportsOf(store, model, manifest.version),
      approvalsOf(store, model, manifest.version),
      unservable(store, manifest, { bytes: true }),
      preparedOf(store, model, manifest.version),
    ]);
    io.result({
      ...manifest,
      aliases: aliasNames(routing?.aliases, manifest.version),
      pinned: routing?.pin?.version === manifest.version,
      bytes,
      exports,
      prepared,
      approvals,
      base: base ?? null,
      problems,
    });
    io.print(versionText(manifest, routing, bytes, { exports, approvals, prepared, ...(base === undefined ? {} : { base }) }));
    return tellProblems(
      io,
      problems.map((problem) => ({ name: model, ...problem })),
    );
  }
  const { versions, routing, problems: unread } = await registry.survey(model);
  const problems = [...unread, ...(await Promise.all(versions.map((manifest) => unservable(store, manifest, { bytes: false })))).flat()];
  const states = await targetStates(store, routing);
  io.result({
    name: model,
    targets: states,
    routing: routing ?? null,
    problems,
    versions: versions.map((manifest) => ({ ...manifest, aliases: aliasNames(routing?.aliases, manifest.version) })),
  });
  const pin = routing?.pin;
  if (pin !== null && pin !== undefined) io.print(`Pinned to version ${pin.version} by ${pin.by}, ${timeText(pin.at)}: ${pin.why}\n`);
  if (routing?.rollout !== undefined) {
    const words = rolloutWords(routing.rollout);
    io.print(`${words[0]!.toUpperCase()}${words.slice(1)} goes on: \`perennial models rollout show ${model}\`\n`);
  }
  for (const line of targetLines(states, model)) io.print(line);
  if (states.length > 0) io.print('');
  io.print(table([['VERSION', 'ALIASES', 'CREATED', 'VERDICT', 'METRICS', 'RUN'], ...versionRows(versions, routing)]));
  tellProblems(
    io,
    problems.map((problem) => ({ name: model, ...problem })),
  );
}

/** @param options what is compared besides the metrics of then; left out: nothing */
export async function compareAction(io: CliIo, model: string, references: readonly string[], options?: CompareOptions): Promise<void> {
  const { registry, store, artifacts } = await openRegistry();
  if (references.length === 1)
    throw new PerennialError('USAGE', 'A comparison takes two versions or more.', {
      hint: `For example \`perennial models compare ${model} 2 3\`.`,
    });
  const routing = (await registry.routing(model))?.routing;
  const versions =
    references.length === 0
      ? await usualVersions(registry, model, routing)
      : await Promise.all(references.map((reference) => registry.version(model, reference)));
  const twice = versions.findIndex(({ version }, index) => versions.findIndex((other) => other.version === version) < index);
  if (twice >= 0)
    throw new PerennialError(
      'USAGE',
      `Version ${versions[twice]!.version} of ${model} is named twice${references.length === 0 ? '' : `: ${references.map((name) => `"${name}"`).join(', ')}`}; with itself it compares to nothing.`,
      { hint: `Name two versions: \`perennial models show ${model}\` lists them.` },
    );
  const names = [...new Set(versions.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const first = versions[0]!;
  const sameData = versions.every(({ dataset }) => dataset === first.dataset);
  const metrics = Object.fromEntries(names.map((name) => [name, versions.map((version) => version.metrics[name] ?? null)]));
  const { compareVersions } = await import('../runs/compare-action.ts');
  const comparison = options === undefined ? undefined : await compareVersions(store, artifacts, versions, options, io);
  io.result({
    model,
    versions: versions.map(({ version }) => version),
    sameDataset: sameData,
    metrics,
    ...(comparison === undefined ? {} : { comparison }),
  });
  const head = [
    'METRIC',
    ...versions.map(({ version }) => `${version}${aliasesText(routing, version) === '' ? '' : ` (${aliasesText(routing, version)})`}`),
  ];
  const rows = names.map((name) => [
    name,
    ...versions.map((version) => cell(version.metrics[name], version === first ? undefined : first.metrics[name])),
  ]);
  io.print(table([head, ...rows, ['created', ...versions.map(({ createdAt }) => timeText(createdAt))]]));
  if (!sameData) io.print('\nThese versions were measured on different data: the numbers do not compare strictly.');
  if (comparison !== undefined) io.print(`\n${(await import('../compare-text.ts')).comparisonText(comparison)}`);
}

/** Champion and challenger; where they are one, the version before it and it. @throws USAGE where there is only one */
async function usualVersions(registry: Registry, model: string, routing: Routing | undefined): Promise<VersionManifest[]> {
  const champion = await registry.version(model, 'champion');
  const challenger = routing?.aliases['challenger'];
  if (challenger !== undefined && challenger !== champion.version) return [champion, await registry.version(model, String(challenger))];
  const others = (await registry.versions(model)).map(({ version }) => version).filter((version) => version !== champion.version);
  const before =
    routing?.previous.find((version) => others.includes(version)) ??
    others.filter((version) => version < champion.version).at(-1) ??
    others.at(-1);
  if (before === undefined)
    throw new PerennialError(
      'USAGE',
      `${model} has one version only, and it is champion and challenger: there is nothing to compare it with.`,
      { hint: 'Run its pipeline again for another one.' },
    );
  return [await registry.version(model, String(before)), champion];
}

function cell(value: number | undefined, base: number | undefined): string {
  if (value === undefined) return '';
  if (base === undefined) return numberText(value);
  const difference = value - base;
  return `${numberText(value)} (${difference < 0 ? '−' : '+'}${numberText(Math.abs(difference))})`;
}

export async function historyAction(io: CliIo, model: string, options: { at?: string }): Promise<void> {
  const { registry } = await openRegistry();
  if (options.at !== undefined) {
    const time = new Date(momentOf(options.at));
    if (Number.isNaN(time.getTime()))
      throw new PerennialError('USAGE', `--at is ${JSON.stringify(options.at)}; expected a time such as 2026-03-01T12:00:00Z.`);
    const state = await registry.historyAt(model, time);
    io.result(state ?? { at: time.toISOString(), champion: null, aliases: {}, pin: null, since: null });
    return io.print(`${timeText(time.toISOString())}: ${servedText(model, state)}`);
  }
  const history = await registry.history(model);
  const gaps = await registry.historyGaps(model);
  io.result({ name: model, transitions: history, unread: gaps });
  if (history.length + gaps.length === 0) return io.print(`No alias of ${model} was ever set.`);
  io.print(table([['WHEN', 'WHAT', 'ALIAS', 'FROM → TO', 'WHO', 'HOW', 'WHY'], ...transitionRows(history)]));
  for (const { revision, key, problem } of gaps)
    io.print(
      `note: change ${revision} (between revisions ${revision - 1} and ${revision}) is missing above${key === null ? '' : `: ${key} cannot be read`}: ${problem}`,
    );
}

function servedText(model: string, state: RoutingAt | undefined): string {
  if (state === undefined || state.champion === null) return `no version of ${model} was champion.`;
  const { champion, pin, since } = state;
  const how = since === null ? '' : `, since ${timeText(since.at)} (${since.action} by ${since.who}: ${since.why})`;
  return `version ${champion} of ${model} was champion${pin === null ? '' : ' and pinned'}${how}`;
}

export async function exportAction(
  io: CliIo,
  model: string,
  reference: string,
  given: string | undefined,
  { out, format }: { out?: string; format?: string },
): Promise<void> {
  const directory = given ?? out;
  if (directory === undefined || (given !== undefined && out !== undefined))
    throw new PerennialError(
      'USAGE',
      directory === undefined ? 'The directory to write is missing.' : `The directory is given twice: "${given}" and "${out}".`,
      { hint: `For example \`perennial models export ${model} ${reference} ./${model}\`.` },
    );
  if (format !== undefined) return (await import('./export-action.ts')).formatAction(io, model, reference, directory, format);
  const { registry, store } = await openRegistry();
  const { exportVersion } = await import('../../registry/export.ts');
  const manifest = await registry.version(model, reference);
  const exported = await exportVersion(store, manifest, directory);
  io.result({ model, version: manifest.version, ...exported });
  io.print(
    `Exported ${model} version ${manifest.version} to ${exported.directory}: ${exported.files.length} files, ${sizeText(exported.bytes)}, verified.`,
  );
}

export async function deleteAction(io: CliIo, model: string, reference: string, options: { reason?: string }): Promise<void> {
  const { registry } = await openRegistry('change');
  const change = await registry.deleteVersion(model, reference, { who: currentUser(), why: options.reason ?? 'Deleted by hand.' });
  const version = change.from;
  io.result({ model, version, deleted: true });
  io.print(`Version ${version} of ${model} is deleted; its number stays taken. \`perennial models gc\` shows the space that this frees.`);
}

export interface GcFlags {
  readonly delete?: boolean;
  /** Hours. */
  readonly grace: number;
  /** Days, as the four below. */
  readonly cache: number;
  readonly predictions: number;
  readonly logs: number;
  readonly events: number;
  readonly journal: number;
}

export async function gcAction(io: CliIo, options: GcFlags): Promise<void> {
  const { store } = await openRegistry(options.delete === true ? 'change' : undefined);
  const [{ collectGarbage }, { leftWork }] = await Promise.all([import('../../registry/gc.ts'), import('../../runs/left-work.ts')]);
  const hour = 3_600_000;
  const { packEndedDays } = await import('../../monitoring/predictions/pack-days.ts');
  const result = await collectGarbage(store, {
    dryRun: options.delete !== true,
    graceMs: options.grace * hour,
    cacheMs: options.cache * 24 * hour,
    predictionsMs: options.predictions * 24 * hour,
    logsMs: options.logs * 24 * hour,
    eventsMs: options.events * 24 * hour,
    journalMs: options.journal * 24 * hour,
  });
  const work = await leftWork(options.delete === true);
  const packed = await packEndedDays(store, { dryRun: options.delete !== true });
  io.result({ ...result, work, packed });
  const count = (kind: string): number => result.items.filter((item) => item.kind === kind).length;
  const size = (kind: string): number => result.items.filter((item) => item.kind === kind).reduce((sum, item) => sum + item.size, 0);
  const row = (label: string, kind: string, kept: number): string[] => [label, String(count(kind)), sizeText(size(kind)), String(kept)];
  io.print(
    table([
      ['OBJECTS', result.dryRun ? 'TO DELETE' : 'DELETED', 'SIZE', 'KEPT'],
      row('cache entries', 'cache entry', result.kept.cacheEntries),
      row('artifacts', 'artifact', result.kept.artifacts),
      row('blobs', 'blob', result.kept.blobs),
      row('prediction logs', 'prediction log', result.kept.predictionLogs),
      row('step logs', 'step log', result.kept.stepLogs),
      row('curves of trainings', 'training curves', result.kept.trainingCurves),
      row('checks for drift', 'drift check', result.kept.driftChecks),
      row('rollouts', 'ended rollout', result.kept.rollouts),
      row('sent events', 'sent event', result.kept.sentEvents),
      row('ends of runs and checks', 'journal entry', result.kept.journalEntries),
      row('announcements of servers', 'announcement', result.kept.announcements),
      row('leftovers of checks', 'leftover', 0),
      ['work folders of runs here', String(work.folders.length), sizeText(work.bytes), String(work.kept)],
    ]),
  );
  const objects = packed.days.reduce((sum, day) => sum + day.objects, 0);
  if (objects > 0) {
    const what = `Prediction logs of days that have ended (${objects} objects of ${plural(packed.days.length, 'day')})`;
    io.print(`\n${what} ${result.dryRun ? 'would be' : 'were'} packed into Parquet.`);
  }
  for (const problem of packed.problems) io.note(`Not packed: ${problem}`);
  if (result.dryRun && result.items.length + work.folders.length > 0)
    io.print(`\nNothing was deleted (dry run). \`perennial models gc --delete\` frees ${sizeText(result.bytes + work.bytes)}.`);
}

function aliasNames(aliases: Readonly<Record<string, number>> | undefined, version: number): string[] {
  return Object.entries(aliases ?? {})
    .filter(([, number]) => number === version)
    .map(([alias]) => alias)
    .sort();
}

/** What the model artifact of a version tells. */
async function artifactOf(store: ObjectStore, manifest: VersionManifest): Promise<{ readonly bytes: number; readonly base?: BaseOrigin }> {
  const { readManifest } = await import('../../storage/artifact-store.ts');
  const { files, meta } = await readManifest(store, manifest.model.digest);
  const { base } = readStored(MODEL, meta, `the model of version ${manifest.version}`);
  return { bytes: Object.values(files).reduce((sum, file) => sum + file.size, 0), ...(base === undefined ? {} : { base }) };
}
