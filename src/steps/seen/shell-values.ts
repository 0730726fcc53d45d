import { PLACEHOLDER } from './shell-words.ts';
import type { ShellCommand } from './shell-words.ts';

/**
 * What a word of a shell may be, as far as it is certain: one of some texts, a path that the program is told, the folder of the script,
 * or a word of its command line, known as long as it stands alone.
 */
export type ShellValue =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'told' | 'beside' | 'given' }
  | { readonly kind: 'unknown'; readonly what: string };

const TEXTS_MAX = 200;
const NAME = '[A-Za-z_]\\w*';

/** Commands that print one path of the task, and nothing else. */
const TASK_PATH =
  /^\s*python3?\s+-c\s+(['"])import json(?:, ?sys)?; ?print\(json\.load\((?:sys\.stdin|open\(\\?["'][\w./-]+\\?["']\))\)\[\\?["'](?:outputs|inputs|values|scratch)\\?["']\](?:\[\\?["']\w+\\?["']\])*\)\1\s*(?:<\s*"?\$?[\w./-]+"?)?\s*$|^\s*(?:(?:echo|printf\s+'?%s'?)\s+"\$\{?\w+\}?"\s*\|)?\s*jq\s+-[er]+\s+['"]?\.(?:outputs\.\w+|inputs\.\w+\.path|values|scratch)['"]?(?:\s+[\w./-]+|\s*<<?<?\s*"?\$?[\w./-]+"?)?\s*$/;

/** A reader of words: what each may be, by all that is assigned anywhere in the text. */
export function shellValues(commands: readonly ShellCommand[], variables: ReadonlySet<string>): (raw: string) => ShellValue {
  const bound = new Map<string, (string | undefined)[]>();
  const bind = (name: string, raw: string | undefined): void => void bound.set(name, [...(bound.get(name) ?? []), raw]);
  const given = new Set<string>();
  for (const { raw } of commands) {
    for (const word of raw) {
      const assigned = new RegExp(`^(${NAME})(\\+?)=([\\s\\S]*)$`).exec(word);
      if (assigned !== null) bind(assigned[1]!, assigned[2] === '+' || raw[0] === 'let' ? undefined : assigned[3]!);
    }
    const at = raw.findIndex((word) =>
      ['for', 'select', 'read', 'mapfile', 'readarray', 'getopts', 'printf', 'let', 'declare', 'typeset', 'local'].includes(word),
    );
    if (at === -1) continue;
    const [command, ...rest] = raw.slice(at);
    const name = rest[0] ?? '';
    if (command === 'for' && rest[1] === 'in') for (const word of rest.slice(2)) bind(name, word);
    else if (command === 'for') given.add(name);
    else if (command === 'printf') {
      if (name === '-v') bind(rest[1] ?? '', undefined);
    } else if (/^(?:declare|typeset|local)$/.test(command!)) {
      if (rest.some((word) => /^-\w*[nliu]/.test(word))) for (const word of rest) bind(word.replace(/=.*$/s, ''), undefined);
    } else for (const word of rest) if (new RegExp(`^${NAME}$`).test(word)) bind(word, undefined);
  }
  const ofName = (name: string, seen: readonly string[]): ShellValue => {
    if (/^(?:[0-9]+|[@*])$/.test(name)) return { kind: 'given' };
    const values = bound.get(name) ?? [];
    if (values.length === 0) return variables.has(name) || given.has(name) ? { kind: 'given' } : { kind: 'unknown', what: `$${name}` };
    if (seen.includes(name)) return { kind: 'unknown', what: `$${name}` };
    return union(
      [
        ...values.map((raw) => (raw === undefined ? unknown(name) : named(read(raw, [...seen, name]), name))),
        ...(given.has(name) ? [{ kind: 'given' } as const] : []),
      ],
      name,
    );
  };
  const read = (raw: string, seen: readonly string[] = []): ShellValue => {
    let value: ShellValue = { kind: 'texts', texts: [''] };
    let from = 0;
    const parts: ShellValue[] = [];
    for (const match of raw.matchAll(PLACEHOLDER)) {
      if (match.index > from) parts.push({ kind: 'texts', texts: [raw.slice(from, match.index)] });
      const what = match[1]!;
      if (what.startsWith('!')) parts.push({ kind: 'unknown', what: /^!\w/.test(what) ? `$${what.slice(1)}` : what.slice(1) });
      else parts.push(what.startsWith('(') ? fromCommand(what.slice(1)) : ofName(what, seen));
      from = match.index + match[0].length;
    }
    if (from < raw.length) parts.push({ kind: 'texts', texts: [raw.slice(from)] });
    if (parts.length === 1) return parts[0]!;
    for (const part of parts) value = joined(value, part);
    return value;
  };
  return read;
}

const unknown = (name: string): ShellValue => ({ kind: 'unknown', what: `$${name}` });

function named(value: ShellValue, name: string): ShellValue {
  return value.kind === 'unknown' ? unknown(name) : value;
}

function union(values: readonly ShellValue[], name: string): ShellValue {
  const bad = values.find(({ kind }) => kind === 'unknown');
  if (bad !== undefined) return bad;
  if (values.every(({ kind }) => kind === 'texts')) {
    const texts = [...new Set(values.flatMap((value) => (value.kind === 'texts' ? value.texts : [])))];
    return texts.length > TEXTS_MAX ? unknown(name) : { kind: 'texts', texts };
  }
  const first = values[0]!;
  return values.every(({ kind }) => kind === first.kind) ? first : unknown(name);
}

function joined(left: ShellValue, right: ShellValue): ShellValue {
  if (left.kind === 'unknown') return left;
  if (right.kind === 'unknown') return right;
  if (left.kind === 'texts' && left.texts.every((text) => text === '')) return right;
  if (right.kind === 'texts' && right.texts.every((text) => text === '')) return left;
  if (left.kind === 'texts' && right.kind === 'texts')
    return left.texts.length * right.texts.length > TEXTS_MAX
      ? { kind: 'unknown', what: 'too many' }
      : { kind: 'texts', texts: left.texts.flatMap((front) => right.texts.map((back) => front + back)) };
  // Below a folder that is known, or an option in front of it.
  if ((left.kind === 'told' || left.kind === 'beside') && right.kind === 'texts' && right.texts.every((text) => !text.includes('..')))
    return left;
  if (
    (right.kind === 'told' || right.kind === 'beside') &&
    left.kind === 'texts' &&
    left.texts.every((text) => /^-{1,2}[\w-]*=?$/.test(text))
  )
    return right;
  return { kind: 'unknown', what: 'words put together' };
}

/** What a command gives: a path of the task, or the folder of the script. */
function fromCommand(text: string): ShellValue {
  if (TASK_PATH.test(text)) return { kind: 'told' };
  const rest = text.replace(
    /\b(?:cd|dirname|pwd|readlink|realpath)\b|\s-[fPLe]+\b|--|&&|\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?|\$\(|>\s*\/dev\/null|2>&1|[\s"'();]/g,
    '',
  );
  if (rest === '' && (text.match(/\bdirname\b/g) ?? []).length === 1) return { kind: 'beside' };
  return { kind: 'unknown', what: '$(…)' };
}
