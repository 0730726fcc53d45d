import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/paths.ts';

/** A fenced block of a document: ```sh exit=2, ```json file=own/own.json, ```sh skip="why". */
export interface Block {
  readonly language: string;
  readonly options: Readonly<Record<string, string>>;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown document of the repository, in order. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; options: Record<string, string>; line: number; lines: string[] } | undefined;
  readFileSync(join(packageRoot(), document), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const fence = /^```(\w*)\s*(.*)$/.exec(line);
      if (open === undefined && fence !== null) open = { language: fence[1]!, options: optionsOf(fence[2]!), line: index + 1, lines: [] };
      else if (open !== undefined && line === '```') {
        blocks.push({ language: open.language, options: open.options, line: open.line, text: open.lines.join('\n') });
        open = undefined;
      } else open?.lines.push(line);
    });
  if (open !== undefined) throw new Error(`${document}:${open.line}: the block is never closed.`);
  return blocks;
}

function optionsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([\w-]+)(?:=(?:"([^"]*)"|(\S+)))?/g)].map(([, key, quoted, bare]) => [key, quoted ?? bare ?? '']),
  );
}

/** A line without what differs from run to run: ids, times, addresses, numbers. */
export function shapeOf(line: string): string {
  return line
    .replace(/\d{8}-\d{6}-[a-z0-9]+/g, '#')
    .replace(/https?:\/\/[\w.]+(:\d+)?/g, '#')
    .replace(/[+-]?\d[\d.,:]*(e[+-]\d+)?/g, '#')
    .replace(/< #/g, '#')
    .replace(/# (ms|s|min)\b/g, '# s')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The lines that a document shows and the output does not have. "…" stands for anything. */
export function missingLines(shown: string, output: string): string[] {
  const lines = output.split('\n').map(shapeOf);
  return shown
    .split('\n')
    .filter((line) => line.trim() !== '')
    .filter((line) => {
      const parts = shapeOf(line)
        .split('…')
        .map((part) => part.trim());
      return !lines.some((candidate) => matches(candidate, parts));
    });
}

function matches(line: string, parts: readonly string[]): boolean {
  if (parts.length === 1) return line === parts[0];
  let from = 0;
  for (const part of parts) {
    const at = line.indexOf(part, from);
    if (at === -1 || (part === parts[0] && at !== 0)) return false;
    from = at + part.length;
  }
  return true;
}
