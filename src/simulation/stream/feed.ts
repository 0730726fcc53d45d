import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Stream, StreamRow } from './stream.ts';
import type { Cell } from './table.ts';

const DAY_MS = 86_400_000;

/** The file that the pipeline reads: what is known by now, with its labels. */
export class Feed {
  readonly path: string;
  readonly #stream: Stream;
  /** Start of day 0, in milliseconds since 1970. */
  readonly #start: number;

  constructor(path: string, stream: Stream, start: number) {
    this.path = path;
    this.#stream = stream;
    this.#start = start;
    writeFileSync(path, `${stream.columns.map(quoted).join(',')}\n`);
  }

  /** Adds the rows of a day, whose labels came to be known. */
  add(day: number, rows: readonly StreamRow[]): void {
    appendFileSync(
      this.path,
      this.#lines(day, rows, (label) => label),
    );
  }

  /**
   * The file as it would be had its labels been exported wrongly: each as the one that follows it. Until what is returned is called, which
   * puts the right ones back.
   */
  mislabel(known: readonly { readonly day: number; readonly rows: readonly StreamRow[] }[], classes: readonly Cell[]): () => void {
    const right = readFileSync(this.path);
    const next = (label: Cell): Cell => classes[(classes.indexOf(label) + 1) % classes.length]!;
    writeFileSync(this.path, `${this.#stream.columns.map(quoted).join(',')}\n`);
    for (const { day, rows } of known) appendFileSync(this.path, this.#lines(day, rows, next));
    return () => writeFileSync(this.path, right);
  }

  #lines(day: number, rows: readonly StreamRow[], told: (label: Cell) => Cell): string {
    const { columns, label, times } = this.#stream;
    return rows
      .map(({ row, label: value, at }) => {
        const time = new Date(this.#start + (day + at) * DAY_MS).toISOString();
        const cell = (name: string): Cell => (name === label ? told(value) : times.includes(name) ? time : (row[name] ?? null));
        return `${columns.map((name) => quoted(cell(name))).join(',')}\n`;
      })
      .join('');
  }
}

function quoted(value: Cell): string {
  if (value === null) return '';
  const text = String(value);
  return typeof value === 'string' && /[",\r\n]|^\s|\s$|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
