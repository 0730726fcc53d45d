import { sizeText } from '../../core/byte-size.ts';
import { verdictWord } from '../../core/step.ts';
import { baseText } from '../../training/transfer/base.ts';
import type { BaseOrigin } from '../../training/transfer/base.ts';
import type { Confirmation } from '../../registry/confirmation.ts';
import { approvalText } from '../../core/approval.ts';
import type { PreparedVersion } from '../../targets/records.ts';
import type { Routing, Transition, VersionApproval, VersionExport, VersionManifest } from '../../registry/types.ts';

/** ISO 8601 to the second, for tables. */
export function timeText(iso: string): string {
  return iso === '' ? '' : `${iso.slice(0, 19).replace('T', ' ')}Z`;
}

export function aliasesText(routing: Routing | undefined, version: number): string {
  const names = Object.entries(routing?.aliases ?? {})
    .filter(([, number]) => number === version)
    .map(([alias]) => alias)
    .sort();
  return names.map((name) => (name === 'champion' && routing?.pin?.version === version ? 'champion (pinned)' : name)).join(', ');
}

/** Up to `max` metrics on one line, in the order of their names. */
export function metricsText(metrics: Readonly<Record<string, number>>, max: number): string {
  const names = Object.keys(metrics).sort();
  const shown = names.slice(0, max).map((name) => `${name} ${numberText(metrics[name]!)}`);
  return names.length > max ? `${shown.join(', ')}, …` : shown.join(', ');
}

export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return Number(value.toPrecision(5)).toString();
}

export function versionRows(versions: readonly VersionManifest[], routing: Routing | undefined): string[][] {
  return versions.map((manifest) => [
    String(manifest.version),
    aliasesText(routing, manifest.version),
    timeText(manifest.createdAt),
    verdictText(manifest),
    metricsText(manifest.metrics, 3),
    `${manifest.pipeline}/${manifest.runId}`,
  ]);
}

function verdictText(manifest: VersionManifest): string {
  if (manifest.verdict === null) return 'not judged';
  return verdictWord(manifest.verdict);
}

function checkInWords(check: VersionManifest['check']): string {
  if (check === undefined) return 'not checked: the version is older than the check';
  if ('notChecked' in check) return `not checked: ${check.notChecked}`;
  return `${check.rows} raw test rows of the ${check.from}, sent ${check.ways.join(' and ')}, are answered as in the evaluation; largest difference ${check.largestDifference.toPrecision(2)} (up to ${check.bound} passes)`;
}

/** What is kept beside the manifest of a version. */
interface VersionFacts {
  readonly exports?: readonly VersionExport[];
  readonly approvals?: readonly VersionApproval[];
  readonly base?: BaseOrigin;
  readonly prepared?: readonly PreparedVersion[];
}

/** One version in full. */
export function versionText(
  manifest: VersionManifest,
  routing: Routing | undefined,
  size: number,
  { exports = [], approvals = [], base, prepared = [] }: VersionFacts = {},
): string {
  const lines: [string, string][] = [
    ['model', manifest.name],
    ['version', String(manifest.version)],
    ['aliases', aliasesText(routing, manifest.version) || 'none'],
    ['created', `${timeText(manifest.createdAt)} by ${manifest.createdBy || 'unknown'}`],
    ['description', manifest.description || 'none'],
    [
      'tags',
      Object.entries(manifest.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || 'none',
    ],
    ['run', `${manifest.pipeline}/${manifest.runId}, step ${manifest.stepId}`],
    ...(manifest.trace === undefined ? [] : [['trace', manifest.trace.traceId] as [string, string]]),
    ['model artifact', `${manifest.model.digest.slice(0, 16)}…  ${manifest.model.summary} (${sizeText(size)})`],
    ['evaluation', manifest.evaluation === null ? 'none' : `${manifest.evaluation.digest.slice(0, 16)}…  ${manifest.evaluation.summary}`],
    ['dataset', manifest.dataset === null ? 'unknown' : `${manifest.dataset.slice(0, 16)}…`],
    ['verdict', [verdictText(manifest), ...(manifest.verdict?.reasons ?? [])].join('; ')],
    ...approvals.map((approval): [string, string] => [
      `answer in ${approval.step}`,
      `${approvalText(approval)} (${timeText(approval.at)}, run ${approval.run}; asked: ${approval.question})`,
    ]),
    ['registration check', checkInWords(manifest.check)],
    [
      'started from',
      base === undefined
        ? 'nothing'
        : `${baseText(base)}${base.model === undefined && base.file === undefined ? '' : ` (${base.digest.slice(0, 16)}…)`}`,
    ],
    ['champion then', manifest.parent === null ? 'none' : `version ${manifest.parent}`],
    ...Object.keys(manifest.metrics)
      .sort()
      .map((name): [string, string] => [`  ${name}`, numberText(manifest.metrics[name]!)]),
  ];
  const signature = manifest.signature;
  if (signature !== null) {
    lines.push(['inputs', signature.inputs.map(({ name, type, required }) => `${name}: ${type}${required ? '' : '?'}`).join(', ')]);
    lines.push([
      'outputs',
      signature.outputs
        .map((output) => `${output.name}: ${output['tensor-spec'].dtype} [${output['tensor-spec'].shape.join(', ')}]`)
        .join(', '),
    ]);
  }
  for (const { artifact, config, notes } of exports) {
    lines.push(['export', `${artifact.summary}${Object.keys(config).length === 0 ? '' : ` ${JSON.stringify(config)}`}`]);
    for (const note of notes) lines.push(['', note]);
  }
  for (const { target, evidence, notes, refusals } of prepared) {
    lines.push([`for ${target}`, [...evidence, ...refusals.map((reason) => `refused: ${reason}`)].join('; ')]);
    for (const note of notes) lines.push(['', note]);
  }
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join('\n');
}

export function transitionRows(history: readonly Transition[]): string[][] {
  return history.map((one) => [
    timeText(one.at),
    one.action,
    one.alias ?? '',
    moveText(one.from, one.to),
    one.who,
    one.automatic ? 'automatic' : 'by hand',
    one.why,
  ]);
}

export function moveText(from: number | null, to: number | null): string {
  return `${from ?? 'none'} → ${to ?? 'none'}`;
}

/** What each server answered, and the sentence that sums it up. */
export function confirmationText(confirmation: Confirmation): string {
  const lines = confirmation.servers.map(
    ({ url, version, milliseconds, error }) => `  ${url}  ${error ?? `version ${version}`}  after ${milliseconds} ms`,
  );
  return [...lines, confirmation.summary].join('\n');
}
