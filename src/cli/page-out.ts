import { resolve } from 'node:path';
import type { CliIo } from './commands/command.ts';
import { writeOut } from './write-out.ts';

/** How a page is written: for the terminal and mail as Markdown, or as one HTML file that loads nothing. */
export const PAGE_FORMATS = ['markdown', 'html'] as const;

export interface PageOptions {
  readonly format: (typeof PAGE_FORMATS)[number];
  readonly out?: string;
}

/** Prints a page, or writes it to a file. @param facts what `--json` prints */
export async function givePage(
  io: CliIo,
  { format, out }: PageOptions,
  pages: Readonly<Record<PageOptions['format'], () => string | Promise<string>>>,
  facts: object,
): Promise<void> {
  const page = await pages[format]();
  if (out === undefined) {
    io.result(facts);
    return io.print(page.trimEnd());
  }
  const file = resolve(out);
  await writeOut(file, page);
  io.result({ file, bytes: Buffer.byteLength(page) });
  io.print(`Wrote ${file}`);
}
