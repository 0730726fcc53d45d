import { printParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';

export function isCommentError(error: ParseError): boolean {
  return nameOf(error) === 'InvalidCommentToken';
}

const MESSAGES: Readonly<Record<string, string>> = {
  InvalidNumberFormat: 'This is not a number that JSON knows.',
  PropertyNameExpected: 'A key in double quotes is expected here.',
  ValueExpected: 'A value is expected here.',
  ColonExpected: 'A colon is expected here, between the key and its value.',
  CommaExpected: 'A comma is missing before this.',
  CloseBraceExpected: 'A closing brace "}" is missing.',
  CloseBracketExpected: 'A closing bracket "]" is missing.',
  EndOfFileExpected: 'The document ended before this; nothing may follow.',
  UnexpectedEndOfComment: 'A comment has no end, and JSON has no comments.',
  UnexpectedEndOfString: 'A text has no closing double quote on its line.',
  UnexpectedEndOfNumber: 'A number ends too early.',
  InvalidUnicode: 'After "\\u" four hexadecimal digits are expected.',
  InvalidEscapeCharacter: 'A backslash is followed by a character that has no escape.',
  InvalidCharacter: 'A text holds a control character.',
};

/** A plain sentence for a mistake of JSON's syntax, and the fix. */
export function describeSyntaxError(error: ParseError, text: string): { message: string; fix?: string } {
  if (isCommentError(error)) return { message: 'JSON has no comments.', fix: 'Remove it; "description" is the place for notes.' };
  const name = nameOf(error);
  const rest = text.slice(error.offset, error.offset + 64);
  const before = text.slice(0, error.offset).trimEnd().at(-1);
  const found = /^(?:[^\s,:[\]{}"]+|"[^"\n]*")/.exec(rest)?.[0] ?? rest.slice(0, 1);
  if (rest.startsWith("'"))
    return { message: "JSON's quotes are double quotes; a single quote was found.", fix: 'Write "…" in place of \'…\'.' };
  if (before === ',' && /^[\]}]/.test(rest))
    return { message: `A comma stands before "${rest[0]}", and nothing follows it.`, fix: 'Remove the comma.' };
  if (/^[+-]?(NaN|Infinity|inf|nan)\b/.test(found))
    return { message: `JSON has no ${found}.`, fix: 'Leave the key out, or give a number.' };
  if (/^(True|False|TRUE|FALSE|None|undefined|nil)$/.test(found))
    return { message: `JSON does not know ${found}.`, fix: 'Write true, false or null.' };
  if (found === '') return { message: `The document ends too early: ${lower(MESSAGES[name] ?? 'something is missing.')}` };
  if (name === 'UnexpectedEndOfString')
    return { message: MESSAGES[name]!, fix: 'Close it with ", and write a line break inside it as \\n.' };
  if (name === 'InvalidEscapeCharacter' || name === 'InvalidCharacter')
    return { message: MESSAGES[name]!, fix: 'Write a backslash as \\\\, a line break as \\n and a tab as \\t.' };
  if (isWhole(text.slice(0, error.offset)))
    return {
      message: `The document ended before this; nothing may follow; ${JSON.stringify(found)} was found.`,
      fix: 'Remove what follows the document, or join the two.',
    };
  const isKey =
    name === 'PropertyNameExpected' ||
    text
      .slice(error.offset + found.length)
      .trimStart()
      .startsWith(':');
  if (isKey && /^[A-Za-z_$]/.test(found))
    return { message: `A key in double quotes is expected; ${found} was found.`, fix: `Write "${found}".` };
  if (name === 'InvalidSymbol') return { message: `${found} is no value of JSON.`, fix: `Write "${found}" if a text is meant.` };
  const what = found.startsWith('"') && found.length > 1 ? found : JSON.stringify(found);
  const fix = name === 'CommaExpected' ? { fix: `Write a comma before ${what}.` } : {};
  return { message: `${(MESSAGES[name] ?? 'This is not JSON.').replace(/\.$/, '')}; ${what} was found.`, ...fix };
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const nameOf = (error: ParseError): string => printParseErrorCode(error.error);

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1);
