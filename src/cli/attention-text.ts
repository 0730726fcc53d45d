import { WAITING } from '../core/run.ts';
import type { Attention } from '../runs/attention.ts';

const WORDS: Readonly<Record<string, string>> = {
  run: 'last run',
  drift: 'last check for drift',
  newData: 'last check for new data',
  backfill: 'last backfill',
};
const OUTCOMES: Readonly<Record<string, string>> = { rolledBack: 'rolled the champion back', blind: 'could see nothing' };
const SUMMARY_MAX = 200;

/** What needs attention, a line each, under a table. */
export function attentionLines(found: readonly Attention[]): string[] {
  return found.map(({ pipeline, kind, outcome, workflow, at, summary }) => {
    const line = summary.replaceAll(/\s+/g, ' ');
    const state =
      outcome === WAITING ? 'a run waits for approval' : `${WORDS[kind] ?? `last check of "${kind}"`} ${OUTCOMES[outcome] ?? outcome}`;
    return `!  ${pipeline}: ${state} (${workflow}, ${at.slice(0, 16).replace('T', ' ')})${line === '' ? '' : `: ${line.length > SUMMARY_MAX ? `${line.slice(0, SUMMARY_MAX - 1)}…` : line}`}`;
  });
}
