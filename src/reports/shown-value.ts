import type { ReportedPicture } from '../evaluation/findings/reported-picture.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';

/** A value of a row: a picture, a number of a few digits, a text. */
export function shownValue(value: unknown, column: string): string | Markup {
  const { png } = (typeof value === 'object' && value !== null ? value : {}) as Partial<ReportedPicture>;
  return png === undefined ? plain(value) : html`<img class="small" src="data:image/png;base64,${png}" alt="${column}">`;
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  return typeof value === 'string' ? value.replace(/T00:00:00\.000Z$/, '') : JSON.stringify(value);
}
