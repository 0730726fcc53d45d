import { ParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';

export function isCommentError(error: ParseError): boolean {
  return error.error === ParseErrorCode.InvalidCommentToken;
}

const MESSAGES: Readonly<Record<number, string>> = {
  [ParseErrorCode.InvalidNumberFormat]: 'This is not a number that JSON knows.',
  [ParseErrorCode.PropertyNameExpected]: 'A key in double quotes is expected here.',
  [ParseErrorCode.ValueExpected]: 'A value is expected here.',
  [ParseErrorCode.ColonExpected]: 'A colon is expected here, between the key and its value.',
  [ParseErrorCode.CommaExpected]: 'A comma is missing before this.',
  [ParseErrorCode.CloseBraceExpected]: 'A closing brace "}" is missing.',
  [ParseErrorCode.CloseBracketExpected]: 'A closing bracket "]" is missing.',
  [ParseErrorCode.EndOfFileExpected]: 'The document ended before this; nothing may follow.',
  [ParseErrorCode.UnexpectedEndOfComment]: 'A comment has no end, and JSON has no comments.',
  [ParseErrorCode.UnexpectedEndOfString]: 'A text has no closing double quote on its line.',
  [ParseErrorCode.UnexpectedEndOfNumber]: 'A number ends too early.',
  [ParseErrorCode.InvalidUnicode]: 'After "\\u" four hexadecimal digits are expected.',
  [ParseErrorCode.InvalidEscapeCharacter]: 'A backslash is followed by a character that has no escape.',
  [ParseErrorCode.InvalidCharacter]: 'A text holds a control character.',
};

/** A plain sentence for a mistake of JSON's syntax, and the fix. */
export function describeSyntaxError(error: ParseError, text: string): { message: string; fix?: string } {
  if (isCommentError(error)) return { message: 'JSON has no comments.', fix: 'Remove it; "description" is the place for notes.' };
  const rest = text.slice(error.offset, error.offset + 24);
  const before = text.slice(0, error.offset).trimEnd().at(-1);
  const found = /^[^\s,:[\]{}"]+/.exec(rest)?.[0] ?? rest.slice(0, 1);
  if (rest.startsWith("'")) return { message: "JSON's quotes are double quotes; a single quote was found.", fix: 'Write "…" in place of \'…\'.' };
  if (before === ',' && /^[\]}]/.test(rest)) return { message: `A comma stands before "${rest[0]}", and nothing follows it.`, fix: 'Remove the comma.' };
  if (/^[+-]?(NaN|Infinity|inf|nan)\b/.test(found)) return { message: `JSON has no ${found}.`, fix: 'Leave the key out, or give a number.' };
  if (/^(True|False|TRUE|FALSE|None|undefined|nil)$/.test(found)) return { message: `JSON does not know ${found}.`, fix: 'Write true, false or null.' };
  if (found === '') return { message: `The document ends too early: ${lower(MESSAGES[error.error] ?? 'something is missing.')}` };
  if (error.error === ParseErrorCode.UnexpectedEndOfString) return { message: MESSAGES[error.error]!, fix: 'Close it with ", and write a line break inside it as \\n.' };
  if (error.error === ParseErrorCode.InvalidEscapeCharacter || error.error === ParseErrorCode.InvalidCharacter) return { message: MESSAGES[error.error]!, fix: 'Write a backslash as \\\\, a line break as \\n and a tab as \\t.' };
  if (error.error === ParseErrorCode.PropertyNameExpected && /^[A-Za-z_$]/.test(found)) return { message: `A key in double quotes is expected; ${found} was found.`, fix: `Write "${found}".` };
  if (error.error === ParseErrorCode.InvalidSymbol) return { message: `${found} is no value of JSON.`, fix: `Write "${found}" if a text is meant.` };
  return { message: `${(MESSAGES[error.error] ?? 'This is not JSON.').replace(/\.$/, '')}; ${JSON.stringify(found)} was found.` };
}

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1);
