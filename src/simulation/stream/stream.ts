import type { WorldOfDay } from '../scenarios/scenario.ts';
import type { Cell } from './table.ts';

/** A row as a client sends it, and what turns out to be true of it. */
export interface StreamRow {
  readonly row: Readonly<Record<string, Cell>>;
  readonly label: string | number | boolean;
  /** When it happens, as a part of its day, 0 to 1. */
  readonly at: number;
}

/** What happens day after day. The same day is the same however often it is asked for. */
export interface Stream {
  /** For people. */
  readonly name: string;
  readonly days: number;
  readonly label: string;
  /** Columns as the document's source has them, the label among them. */
  readonly columns: readonly string[];
  /** Columns of the time of a row, which the stream decides on. */
  readonly times: readonly string[];
  /** Columns that say something of the label. */
  readonly features: readonly { readonly name: string; readonly numeric: boolean }[];
  world(day: number): WorldOfDay;
  /** @param day below 0: before the first one, which is known already */
  rows(day: number): readonly StreamRow[];
}
