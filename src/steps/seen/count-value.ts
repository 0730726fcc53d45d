import type { Look } from './look.ts';
import type { Value } from './values.ts';

/** Counts the files that something opened by a source may be. */
export function countValue(value: Value, name: string, called: string, look: Look): void {
  const found: Value = value.kind === 'list' ? value.of : value;
  if (found.kind === 'told' || found.kind === 'given') return;
  if (found.kind === 'unknown' && found.above === true) look.doubt(`${name} reads above its folder`);
  else if (found.kind !== 'texts') look.doubt(`${name} reads files whose names only a run makes (${called})`);
  else for (const text of found.texts) countText(text, name, look);
}

function countText(text: string, name: string, look: Look): void {
  if (text.split('/').includes('..')) return look.doubt(`${name} reads above its folder`);
  if (/^(?:\*\*?\/?)+$|^\*[*?./]*$|^\.?\/?$/.test(text)) return void look.add(look.cwd, 'reads');
  if (text.startsWith('~')) return void look.add(`${look.cwd}/${text}`);
  look.word(text, [look.cwd]);
}
