import type { ConfigProblem } from '../core/step.ts';

/** Of the deploy step. */
export interface DeployConfig {
  readonly to?: 'server' | 'directory';
  readonly path?: string;
  readonly promote?: string | null;
  readonly confirm?: boolean;
  readonly confirmSeconds?: number;
  readonly onPinned?: 'fail' | 'skip';
  readonly fallback?: 'previous' | 'nothing';
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
