import type { Look } from './look.ts';

/** What a program is told of its run that is another in every run. */
const OF_THE_RUN = /\brun\b["'\])?.\s]*(?:\[\s*)?["'.]*(?:\.get\()?["']?(?:id|attempt|trigger)\b|["'.](?:runId|run_id|attempt|trigger)\b/;
/** Where a source takes what it is told of its run. */
const TAKES_RUN = /(?:["'`]run["'`]|\.run\b(?!\s*\())\s*[\])]?/g;
/** The parts that a key can hold. */
const KNOWN_PART = /^\s*(?:\?*\.(?:get\(\s*["'])?|\[\s*["'`]|\?\.\[\s*["'])(?:step|pipeline|nominalTime)\b/;

/**
 * Whether a source asks for what it is told of the run. The nominal time, the pipeline and the step then count; with what is another
 * in every run a result cannot be cached. A source that takes "run" as a whole is taken to want all of it.
 */
export function lookForRun(text: string, name: string, look: Look): void {
  if (/nominal_?time/i.test(text)) look.nominalTime = true;
  const taken = [...text.matchAll(TAKES_RUN)];
  if (taken.length > 0) look.run = true;
  const whole =
    taken.some((match) => !KNOWN_PART.test(text.slice(match.index + match[0].length))) || /\{[^{}\n]*\brun\b[^{}\n]*\}\s*=/.test(text);
  if (whole && !look.nominalTime) look.doubt(`${name} reads what it is told of its run`);
  if (OF_THE_RUN.test(text)) look.doubt(`${name} reads the id, the attempt or the trigger of its run`);
}
