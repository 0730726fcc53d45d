import { plural } from '../core/plural.ts';
import type { ModelTimeline } from '../monitoring/timeline/model-timeline.ts';
import type { TimelineEntry } from '../monitoring/timeline/timeline-entries.ts';

/** "2026-11-30 04:25" */
export function minuteText(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

/** "3 runs (1 rejected) in 12 min of computing, 2 versions, 1 promotion, 40 checks for drift (2 alarms)." */
export function timelineFacts({ ends, entries, checks, versions, from, to }: ModelTimeline): string {
  const runs = ends.filter(({ kind }) => kind === 'run');
  const seconds = runs.reduce((sum, run) => sum + (run.seconds ?? 0), 0);
  const words = new Map<string, number>();
  for (const { outcome } of runs) if (outcome !== 'completed') words.set(outcome, (words.get(outcome) ?? 0) + 1);
  const others = [...words].map(([word, count]) => `${count} ${word}`).join(', ');
  const registered = versions.filter(({ createdAt }) => createdAt >= from && createdAt < to).length;
  const count = (kind: string, tone: string): number => entries.filter((entry) => entry.kind === kind && entry.tone === tone).length;
  const alarms = checks.filter(({ outcome }) => outcome === 'alarm').length;
  const parts = [
    // Versions whose runs nothing is known of were made before runs were remembered, or by hand.
    ...(runs.length === 0 && registered > 0
      ? []
      : [`${plural(runs.length, 'run')}${others === '' ? '' : ` (${others})`}${seconds === 0 ? '' : ` in ${durationText(seconds)}`}`]),
    plural(registered, 'new version'),
    ...some(count('routing', 'good'), 'promotion'),
    ...some(count('routing', 'bad'), 'rollback'),
    ...(checks.length === 0 ? [] : [`${plural(checks.length, 'check')} for drift${alarms === 0 ? '' : ` (${plural(alarms, 'alarm')})`}`]),
  ];
  return `${parts.join(', ')}.`;
}

const some = (count: number, word: string): string[] => (count === 0 ? [] : [plural(count, word)]);

/** "12 s", "12 min", "3.5 h" */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}

/** The time line as Markdown, the newest entry first. */
export function timelineMarkdown(timeline: ModelTimeline): string {
  const { model, from, to, champion, pin, entries, notes } = timeline;
  return [
    `# Time line of ${model}`,
    '',
    `${minuteText(from)} to ${minuteText(to)} UTC. ${champion === null ? 'No version is champion' : `Version ${champion} is champion`}${
      pin === null ? '' : `, pinned to version ${pin.version} by ${plainText(pin.by)}`
    }. ${timelineFacts(timeline)}`,
    '',
    ...(entries.length === 0 ? ['Nothing in this time.'] : markdownTable(ENTRY_HEAD, entries.toReversed().map(entryCells))),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${plainText(note)}`)]),
    '',
  ].join('\n');
}

export const ENTRY_HEAD: readonly string[] = ['When (UTC)', 'What', 'Who', 'Why'];

/** An entry under {@link ENTRY_HEAD}, as Markdown. */
export function entryCells({ at, what, who, why, tone }: TimelineEntry): string[] {
  return [minuteText(at), tone === 'bad' ? `**${plainText(what)}**` : plainText(what), plainText(who), plainText(why)];
}

/** Lines of a table. @param rows of Markdown */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/**
 * What people write stays text in Markdown: one line, with no table, tag, link or emphasis of theirs. Names with underscores are no
 * emphasis, and stay readable where no Markdown is read.
 */
export function plainText(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\|*~`<>[\]]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)/gu, (character) => `\\${character}`);
}
