import { relative } from 'node:path';
import { valueText } from '../config/document-changes.ts';
import type { FoundDocuments } from '../config/find-documents.ts';
import type { Difference, Holds, PipelineDifference } from '../runs/difference.ts';
import type { HandChange, ScheduleChange } from '../runs/reconcile.ts';

const SIGNS: Readonly<Record<PipelineDifference['action'], string>> = {
  create: '+',
  change: '~',
  rename: '>',
  remove: '-',
  unchanged: '=',
};
const ORDER: readonly PipelineDifference['action'][] = ['create', 'rename', 'change', 'remove', 'unchanged'];
const HOLDS: Readonly<Record<Holds, string>> = {
  now: '',
  nextRun: '  (from the next run)',
  nextDeployment: '  (from the next version that is deployed)',
};
const NAMED_MAX = 20;

/** What differs, pipeline by pipeline, and what that comes to. Names of those that are as they should be stand in one line. */
export function differenceText(difference: Difference): string {
  const { pipelines } = difference;
  const lines: string[] = [];
  const quiet = pipelines.filter(({ action, byHand }) => action === 'unchanged' && byHand.length === 0);
  for (const action of ORDER)
    for (const one of pipelines) if (one.action === action && !quiet.includes(one)) lines.push(...pipelineLines(one));
  if (quiet.length > 0)
    lines.push(
      `= ${listed(
        quiet.map(({ pipeline }) => pipeline),
        NAMED_MAX,
      )}  (as it should be)`,
    );
  if (lines.length > 0) lines.push('');
  lines.push(pipelines.length === 0 ? 'There is no document, and nothing to remove.' : `${summaryText(difference, 'to')}.`);
  return lines.join('\n');
}

/** "2 to create, 1 to change, 7 unchanged", or what was done. */
export function summaryText({ summary }: Difference, tense: 'to' | 'done'): string {
  const words =
    tense === 'to'
      ? { create: 'to create', rename: 'to rename', change: 'to change', remove: 'to remove' }
      : { create: 'created', rename: 'renamed', change: 'changed', remove: 'removed' };
  const parts = (['create', 'rename', 'change', 'remove'] as const).flatMap((action) =>
    summary[action] === 0 ? [] : [`${summary[action]} ${words[action]}`],
  );
  const hand = summary.byHand === 0 ? '' : `; ${summary.byHand} changed since applied`;
  return `${[...parts, `${summary.unchanged} unchanged`].join(', ')}${tense === 'to' ? hand : ''}`;
}

function pipelineLines(one: PipelineDifference): string[] {
  const { action, pipeline, from, file, values, parts, byHand, notes, applied } = one;
  const name = from === undefined ? pipeline : `${from} → ${pipeline}`;
  const head = `${SIGNS[action]} ${name}${file === null ? '' : `  ${shownPath(file)}`}`;
  const told = values.map((value) => `${valueText(value)}${HOLDS[value.holds]}`);
  const work = parts.filter((part) => part.action !== 'keep');
  // Where nothing else says why: applied by another version, or by one that remembered nothing.
  const explained = values.length > 0 || byHand.length > 0 || notes.length > 0 || action !== 'change';
  const partLines = explained
    ? (['create', 'update', 'delete'] as const).flatMap((kind) => {
        const ids = work.filter((part) => part.action === kind).map((part) => `${part.id}${placeOf(part)}`);
        return ids.length === 0 ? [] : [`${PARTS[kind]} ${ids.join(', ')}`];
      })
    : work.flatMap((part) => [`${PARTS[part.action]} ${part.id}`, ...part.differences.map((line) => `  ${line}`)]);
  const nothing = action === 'create' && parts.length === 0 ? ['nothing of it starts by itself'] : [];
  const hand =
    byHand.length === 0
      ? []
      : [
          `changed since it was applied${applied === null ? '' : ` (${applied.at.slice(0, 19)}Z by ${applied.who})`}:`,
          ...byHand.map((change) => `  ${handText(change)}`),
        ];
  return [head, ...[...told, ...partLines, ...nothing, ...notes, ...hand].map((line) => `    ${line}`)];
}

/** Of a schedule that takes the place of another one. */
const placeOf = ({ differences }: ScheduleChange): string =>
  differences[0]?.startsWith('in place of ') === true ? ` ${differences[0]}` : '';

const PARTS: Readonly<Record<ScheduleChange['action'], string>> = { create: 'makes', update: 'updates', delete: 'removes', keep: 'keeps' };

function handText({ what, at, by, fix, noted }: HandChange): string {
  const who = [by === null ? '' : `by ${by}`, at === null ? '' : `at ${at.slice(0, 19)}Z`].filter((part) => part !== '').join(' ');
  const then = fix === null ? 'apply sets it back' : noted === true ? `apply takes note of it, ${fix} judges anew` : `stays until: ${fix}`;
  return `${what}${who === '' ? '' : `, ${who}`}; ${then}`;
}

/** What of the folders was not taken for a document, one line each. */
export function leftOutLines({ leftOut }: Pick<FoundDocuments, 'leftOut'>): string[] {
  const shown = leftOut.slice(0, LEFT_OUT_MAX).map(({ path, why }) => `note: left out: ${shownPath(path)} (${why})`);
  const more = leftOut.length - shown.length;
  return more === 0 ? shown : [...shown, `note: left out: ${more} more JSON files that are no pipelines`];
}

const LEFT_OUT_MAX = 10;

/** Pipelines of elsewhere, of which a folder says nothing. */
export function elsewhereLines({ elsewhere }: Difference): string[] {
  if (elsewhere.length === 0) return [];
  const names = listed(
    elsewhere.map(({ pipeline, file }) => (file === undefined ? pipeline : `${pipeline} (${shownPath(file)})`)),
    LEFT_OUT_MAX,
  );
  return [`note: applied from elsewhere, and left alone: ${names}`];
}

function listed(names: readonly string[], most: number): string {
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** Relative to the current folder where it lies in there. */
function shownPath(path: string): string {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') || from === '' ? path : from;
}
