import { PerennialError } from '../../core/errors.ts';
import { needsAttention } from '../../runs/attention.ts';
import type { Temporal } from '../../runs/connect.ts';
import { LOOKED_AT_MAX, factOf, filterRuns } from '../../runs/filter-runs.ts';
import type { ListedRun } from '../../runs/filter-runs.ts';
import { labelledRuns, readLabels } from '../../runs/run-labels.ts';
import type { RunLabels } from '../../runs/run-labels.ts';
import { listRuns, outcomeOf } from '../../runs/runs.ts';
import type { RunRow } from '../../runs/runs.ts';
import { openStore } from '../../storage/open-store.ts';
import { attentionLines } from '../attention-text.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import { temporalNow } from '../../runs/temporal-clock.ts';
import { formatNumber } from '../run-progress.ts';
import { sinceOf } from '../since.ts';

export interface ListOptions {
  readonly pipeline?: string;
  readonly limit: string;
  readonly metrics?: string;
  readonly where?: readonly string[];
  readonly param?: readonly string[];
  readonly tag?: readonly string[];
  readonly since?: string;
  readonly sort?: string;
}

/** Runs with the metrics, parameters and tags that were asked for. */
export async function listRunsAction(temporal: Temporal, options: ListOptions, io: CliIo): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new PerennialError('USAGE', `--limit is "${options.limit}"; expected a whole number from 1.`);
  const { where = [], param = [], tag = [], sort, metrics } = options;
  const since = options.since === undefined ? undefined : await sinceOf(options.since, () => temporalNow(temporal));
  const pipeline = options.pipeline === undefined ? {} : { pipeline: options.pipeline };
  const labels = await labelReader();
  let silent = 0;
  const narrows = where.length + param.length + tag.length > 0 || sort !== undefined || metrics !== undefined;
  const found = narrows
    ? await filterRuns(
        temporal,
        { ...pipeline, limit, where, param, tag, ...(since === undefined ? {} : { since }), ...(sort === undefined ? {} : { sort }) },
        labels,
        async (row) => {
          const outcome = await outcomeOf(temporal, row);
          if (outcome === undefined) silent += 1;
          return outcome;
        },
      )
    : undefined;
  const rows: readonly (RunRow & Partial<ListedRun>)[] =
    found?.runs ??
    (await Promise.all(
      (await listRuns(temporal, { limit, ...pipeline, ...(since === undefined ? {} : { since }) })).map(async (row) => {
        const { tags, notes } = await labels(row.run);
        return { ...row, tags, notes };
      }),
    ));
  const attention = await needsAttention(temporal, pipeline);
  io.result({ runs: rows, attention });
  if (rows.length === 0)
    io.print(
      narrows
        ? found!.unknown === undefined || found!.looked === 0
          ? `None of the ${found!.looked} newest runs fits.`
          : `None of the ${found!.looked} newest runs has a "${found!.unknown}"; \`perennial runs list --metrics all\` shows their metrics.`
        : 'No runs. Start one with `perennial run FILE`.',
    );
  else io.print(table(listing(rows, metrics, [...where, ...param.map((one) => `param.${one}`)])));
  if (found !== undefined && found.looked === LOOKED_AT_MAX)
    io.print(`Only the ${LOOKED_AT_MAX} newest runs were looked at; --since and --pipeline narrow that.`);
  if (silent > 0)
    io.note(
      `${silent} ${silent === 1 ? 'run tells' : 'runs tell'} nothing of metrics and parameters: no worker answers for ${silent === 1 ? 'it' : 'them'}, or the history is gone.`,
    );
  for (const line of attentionLines(attention)) io.print(line);
}

function listing(rows: readonly (RunRow & Partial<ListedRun>)[], metrics: string | undefined, conditions: readonly string[]): string[][] {
  const names =
    metrics === undefined
      ? []
      : metrics === 'all'
        ? [...new Set(rows.flatMap((row) => Object.keys(row.metrics ?? {})))]
        : metrics.split(',').map((name) => name.trim());
  const parameters = [...new Set(conditions.flatMap((text) => /^\s*param\.[\w.-]+/.exec(text)?.[0].trim() ?? []))];
  const tagged = rows.some(({ tags }) => Object.keys(tags ?? {}).length > 0);
  return [
    [
      'RUN',
      'STATUS',
      'VERDICT',
      'TRIGGER',
      ...(metrics === undefined ? ['METRIC'] : names),
      ...parameters.map((name) => name.slice('param.'.length)),
      'MODEL',
      'STARTED (UTC)',
      'SECONDS',
      ...(tagged ? ['TAGS'] : []),
    ],
    ...rows.map((row) => [
      row.run,
      row.status,
      verdictOf(row),
      row.trigger ?? '',
      ...(metrics === undefined
        ? [metricOf(row)]
        : names.map((name) => (row.metrics?.[name] === undefined ? '' : formatNumber(row.metrics[name])))),
      ...parameters.map((name) => String(factOf(row as ListedRun, name) ?? '')),
      row.model === null ? '' : `${row.model}${row.version === null ? '' : ` v${row.version}`}`,
      row.startedAt.slice(0, 19).replace('T', ' '),
      row.endedAt === null ? '' : ((Date.parse(row.endedAt) - Date.parse(row.startedAt)) / 1000).toFixed(1),
      ...(tagged ? [tagsText(row.tags ?? {})] : []),
    ]),
  ];
}

export function tagsText(tags: RunLabels['tags']): string {
  return Object.entries(tags)
    .map(([tag, value]) => (value === '' ? tag : `${tag}=${value}`))
    .join(', ');
}

/** Tags and notes of a run; most have none, which one listing tells. */
async function labelReader(): Promise<(run: string) => Promise<RunLabels>> {
  const store = await openStore();
  const labelled = await labelledRuns(store);
  return async (run) => (labelled.has(run) ? readLabels(store, run) : { formatVersion: 1, tags: {}, notes: [] });
}

/** What the gates said; of a run that no gate judged, or that did not come so far, nothing. */
function verdictOf({ verdict }: RunRow): string {
  return verdict === 'passed' || verdict === 'rejected' || verdict === 'ungated' ? verdict : '';
}

/** The metric that stands for a run, with its name: of two runs it may be another one. */
function metricOf({ primaryMetric, primaryMetricName }: RunRow): string {
  return primaryMetric === null ? '' : `${primaryMetricName ?? '(not named)'} ${primaryMetric.toPrecision(4)}`;
}
