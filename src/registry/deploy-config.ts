import { durationMs } from '../core/duration.ts';
import type { ConfigProblem } from '../core/step.ts';
import type { ServingSettings } from './serving-settings.ts';

/** Of the deploy step. */
export interface DeployConfig extends Omit<ServingSettings, 'targets'> {
  /** Where the champion is kept and served. */
  readonly targets?: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly to?: 'server' | 'directory';
  readonly path?: string;
  readonly promote?: string | null;
  readonly confirm?: boolean;
  readonly confirmSeconds?: number;
  readonly onPinned?: 'fail' | 'skip';
  /** Wins in a row that it takes to replace a champion. */
  readonly wins?: number;
  /** Times in which nothing is promoted. */
  readonly freeze?: readonly object[];
}

/** What the schema of the deploy step cannot say. */
export function checkDeploy(config: DeployConfig & { readonly strategy?: unknown }): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const rollsOut = config.strategy !== undefined && config.strategy !== 'allAtOnce';
  if (rollsOut && (config.promote === undefined ? 'champion' : config.promote) !== 'champion')
    problems.push({
      pointer: '/strategy',
      message: `Servers follow "champion" only, and ${config.promote === null ? 'no alias' : `"${config.promote}"`} is promoted here: there is no traffic to share.`,
      fix: 'Remove "strategy", or promote "champion".',
    });
  if (rollsOut && config.to === 'directory')
    problems.push({
      pointer: '/strategy',
      message: 'A rollout is about servers, and what is exported to a directory gets no share of their traffic.',
      fix: 'Remove "strategy", or set "to": "server".',
    });
  if (config.targets !== undefined) problems.push(...targetProblems(config, config.targets));
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
  if (config.limits !== undefined && (config.promote === undefined ? 'champion' : config.promote) !== 'champion')
    problems.push({
      pointer: '/limits',
      message: 'They are about what servers answer, which follow "champion" only, and no champion is promoted here.',
      fix: 'Remove "limits", or promote "champion".',
    });
  if (config.limits?.timeout !== undefined && !isWait(config.limits.timeout))
    problems.push({
      pointer: '/limits/timeout',
      message: `A request cannot wait ${config.limits.timeout} for the network.`,
      fix: 'Give a time from "1ms" to "1h", such as "500ms".',
    });
  if (config.wins !== undefined && (config.promote === undefined ? 'champion' : config.promote) !== 'champion')
    problems.push({
      pointer: '/wins',
      message: 'Wins are over a champion, and no champion is promoted here.',
      fix: 'Remove "wins", or promote "champion".',
    });
  if (config.freeze !== undefined && config.promote === null)
    problems.push({
      pointer: '/freeze',
      message: 'No alias is promoted here, so there is nothing to hold back.',
      fix: 'Remove "freeze".',
    });
  if (config.promote === 'latest' || /^v?\d+$/.test(config.promote ?? ''))
    problems.push({ pointer: '/promote', message: `"${config.promote}" is reserved: it already names a version.`, fix: 'Use "champion".' });
  return problems;
}

const HOUR_MS = 3_600_000;

const isWait = (text: string): boolean => durationMs(text) >= 1 && durationMs(text) <= HOUR_MS;

function targetProblems({ to, promote }: DeployConfig, targets: NonNullable<DeployConfig['targets']>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if ((promote === undefined ? 'champion' : promote) !== 'champion')
    problems.push({
      pointer: '/targets',
      message: `Targets show the champion, and ${promote === null ? 'no alias' : `"${promote}"`} is promoted here.`,
      fix: 'Remove "targets", or promote "champion".',
    });
  if (to === 'directory')
    problems.push({
      pointer: '/to',
      message: '"to": "directory" is the older way to say where files go, and "targets" says so already.',
      fix: 'Remove "to" and "path"; { "download": { "path": "…" } } under "targets" writes a folder for people.',
    });
  const seen = new Map<string, number>();
  for (const [index, target] of targets.entries()) {
    const [name, config] = typeof target === 'string' ? [target, undefined] : (Object.entries(target)[0] ?? ['', undefined]);
    const path = (config as { readonly path?: unknown } | undefined)?.path;
    // A parameter in a path may say anything.
    const place = path === undefined ? name : `a path ${JSON.stringify(path)}`;
    const other = seen.get(place);
    if (other !== undefined)
      problems.push({
        pointer: `/targets/${index}`,
        message:
          path === undefined
            ? `"${name}" is named twice.`
            : `The path ${JSON.stringify(path)} is that of another target (number ${other + 1}): they would write over each other.`,
        fix: path === undefined ? 'Name it once.' : 'Give each target a path of its own.',
      });
    else seen.set(place, index);
  }
  return problems;
}

const DAY_MS = 24 * 3_600_000;

/**
 * What the schema cannot say of the log.
 *
 * @param followed whether a rollout follows a live metric, which it reads from the log
 */
export function checkPredictionLog({
  predictionLog,
  promote = 'champion',
  followed,
}: Pick<DeployConfig, 'predictionLog' | 'promote'> & { readonly followed: boolean }): ConfigProblem[] {
  if (predictionLog === undefined) return [];
  const { leaveOut = [], hash = [], keep, share } = predictionLog;
  const problems: ConfigProblem[] = [];
  if (promote !== 'champion')
    problems.push({
      pointer: '/predictionLog',
      message: 'It is about what the champion answers, and no champion is promoted here.',
      fix: 'Remove "predictionLog", or promote "champion".',
    });
  const plain = hash.map((name) => name.toLowerCase());
  for (const [index, name] of leaveOut.entries())
    if (plain.includes(name.toLowerCase()))
      problems.push({
        pointer: `/predictionLog/leaveOut/${index}`,
        message: `"${name}" cannot be left out and written as a digest.`,
        fix: 'Take it out of "hash", or of "leaveOut".',
      });
  if (keep !== undefined && durationMs(keep) < DAY_MS)
    problems.push({
      pointer: '/predictionLog/keep',
      message: `Logs are kept by the day, and "${keep}" is less than one.`,
      fix: 'Give at least "1d", or "share": 0 to keep none.',
    });
  if (share === 0 && followed)
    problems.push({
      pointer: '/predictionLog/share',
      message: 'The rollout follows a live metric, which is of predictions that are in the log, and none is.',
      fix: 'Give a share above 0, or take the metric out of "strategy".',
    });
  return problems;
}
