import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { getNodeValue, parseTree } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import { messageOf } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { show } from './diagnostic.ts';
import type { Diagnostic, Finding } from './diagnostic.ts';
import { fromPointer, toPointer } from './pointer.ts';
import { describeSyntaxError, isCommentError } from './syntax-errors.ts';

/** A document as read: its value, and where everything stands in the text. */
export interface LoadedDocument {
  readonly file: string;
  readonly value: Json;
  /** Gives a finding its place; what is not in the text (a default) is placed at its nearest ancestor. */
  place(finding: Finding): Diagnostic;
}

export interface LoadResult {
  /** undefined where the text is no JSON value that can be worked with. */
  readonly document: LoadedDocument | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The file could not be read, so that no place in it can be named. */
  readonly unreadable?: true;
}

/** Reads a document. Every problem is a diagnostic; nothing is thrown for what a user can have done. */
export async function loadDocument(file: string): Promise<LoadResult> {
  let bytes: Buffer;
  try {
    const facts = await stat(file);
    if (!facts.isFile()) return noFile(file, facts.isDirectory() ? 'This is a folder, not a file.' : 'This is not a regular file.');
    if (facts.size > limits.documentBytesMax)
      return noFile(
        file,
        `The document has ${facts.size} bytes; at most ${limits.documentBytesMax} are read.`,
        'Move data out of the document, into a file that a step reads.',
      );
    bytes = await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return noFile(file, 'There is no such file.', 'Check the path; it is relative to the current folder.');
    if (code === 'EACCES' || code === 'EPERM') return noFile(file, 'The file may not be read.', 'Check its permissions.');
    return noFile(file, `The file cannot be read: ${messageOf(error)}`);
  }
  return parseDocument(file, bytes);
}

/** The same for bytes that are already there; `file` is for messages. */
export function parseDocument(file: string, bytes: Uint8Array): LoadResult {
  const encoding = checkEncoding(file, bytes);
  if (encoding !== undefined) return encoding;
  const text = new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes);
  const positionOf = lineIndex(text);
  const at = (offset: number, finding: Finding): Diagnostic => {
    const { at: _at, ...rest } = finding;
    return { file, ...positionOf(offset), ...rest };
  };
  if (text.trim() === '') return unreadable(file, 'The document is empty.', 'Start one with `perennial init NAME`.');
  const deep = tooDeep(text);
  if (deep !== undefined)
    return {
      document: undefined,
      diagnostics: [
        at(deep, {
          pointer: '',
          message: `Objects and arrays are nested more than ${limits.documentDepthMax} deep.`,
          fix: 'Flatten the document.',
        }),
      ],
    };

  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
  const syntax = errors.find((error) => !isCommentError(error));
  const reported = [...(syntax === undefined ? [] : [syntax]), ...errors.filter(isCommentError)];
  const diagnostics = reported.map((error) => at(error.offset, { pointer: '', ...describeSyntaxError(error, text) }));
  if (root === undefined || syntax !== undefined) return { document: undefined, diagnostics };

  const findings = [...checkTree(root)];
  for (const { offset, finding } of findings) diagnostics.push(at(offset, finding));
  const document = { file, value: getNodeValue(root) as Json, place: (finding: Finding) => at(offsetOf(root, finding), finding) };
  // With such a key the value would not be what the text says.
  const unsafe = findings.some(({ finding }) => finding.pointer.endsWith('/__proto__'));
  return { document: unsafe ? undefined : document, diagnostics };
}

function noFile(file: string, message: string, fix?: string): LoadResult {
  return { ...unreadable(file, message, fix), unreadable: true };
}

function unreadable(file: string, message: string, fix?: string): LoadResult {
  return { document: undefined, diagnostics: [{ file, line: 1, column: 1, pointer: '', message, ...(fix === undefined ? {} : { fix }) }] };
}

function checkEncoding(file: string, bytes: Uint8Array): LoadResult | undefined {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) return unreadable(file, 'The file is UTF-16; a document is UTF-8.', 'Save it as UTF-8.');
  if (isUtf8(bytes)) return undefined;
  const offset = firstBadByte(bytes);
  const before = new TextDecoder().decode(bytes.subarray(0, offset));
  const lines = before.split('\n');
  const shown = `0x${bytes[offset]!.toString(16).padStart(2, '0')}`;
  const message = `The file is not UTF-8: the byte ${shown} at offset ${offset} does not belong there.`;
  return {
    document: undefined,
    diagnostics: [{ file, line: lines.length, column: lines.at(-1)!.length + 1, pointer: '', message, fix: 'Save the file as UTF-8.' }],
  };
}

/** Offset of the first byte of the first sequence that is not well-formed (Unicode 15, table 3-7). */
function firstBadByte(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (more < 0) return at;
    for (let index = 1; index <= more; index++) {
      const low = index > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      const high = index > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      const byte = bytes[at + index];
      if (byte === undefined || byte < low || byte > high) return at;
    }
    at += more + 1;
  }
  return at;
}

/** The offset where nesting passes the limit, so that the parser's recursion is bounded. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (quoted) {
      if (char === '\\') index++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (++depth > limits.documentDepthMax) return index;
    } else if (char === '}' || char === ']') depth--;
  }
  return undefined;
}

/** What JSON allows and a document does not: a key twice, `__proto__`, numbers that are not exact. */
function* checkTree(node: Node, path: readonly (string | number)[] = []): Generator<{ offset: number; finding: Finding }> {
  if (node.type === 'array') {
    for (const [index, child] of (node.children ?? []).entries()) yield* checkTree(child, [...path, index]);
  } else if (node.type === 'object') {
    const seen = new Set<string>();
    for (const property of node.children ?? []) {
      const [key, value] = property.children as [Node, Node | undefined];
      const name = key.value as string;
      const pointer = toPointer([...path, name]);
      if (name === '__proto__')
        yield { offset: key.offset, finding: { pointer, message: 'The key "__proto__" is not allowed.', fix: 'Choose another name.' } };
      else if (seen.has(name))
        yield {
          offset: key.offset,
          finding: { pointer, message: `The key ${show(name)} stands twice in this object.`, fix: 'Remove one of the two.' },
        };
      seen.add(name);
      if (value !== undefined) yield* checkTree(value, [...path, name]);
    }
  } else if (node.type === 'number') {
    const value = node.value as number;
    const pointer = toPointer(path);
    if (!Number.isFinite(value))
      yield { offset: node.offset, finding: { pointer, message: 'The number is too large: it would be read as infinity.' } };
    else if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21)
      yield {
        offset: node.offset,
        finding: {
          pointer,
          message: `The integer is too large to be kept exactly; it would be read as ${value}.`,
          fix: 'Use at most 9007199254740991, or a string.',
        },
      };
  }
}

/** jsonc-parser's own search by path takes numeric keys of objects for array positions, hence this one. */
function offsetOf(root: Node, finding: Finding): number {
  let node = root;
  let offset = root.offset;
  for (const segment of fromPointer(finding.pointer)) {
    if (node.type === 'array') {
      const child = node.children?.[Number(segment)];
      if (child === undefined) return offset;
      [node, offset] = [child, child.offset];
      continue;
    }
    const property = node.type === 'object' ? node.children?.find((child) => child.children?.[0]?.value === segment) : undefined;
    const [key, value] = property?.children ?? [];
    if (key === undefined || value === undefined) return offset;
    [node, offset] = [value, finding.at === 'key' ? key.offset : value.offset];
  }
  return offset;
}

function lineIndex(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}
