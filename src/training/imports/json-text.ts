import { readFile } from 'node:fs/promises';
import type { Json } from '../../core/json.ts';
import { messageOf } from '../../core/errors.ts';
import { damaged, sizeOf } from './hdf5-contents.ts';

/** Tens of thousands of layers take less. */
export const TEXT_MAX = 64 * 1024 * 1024;
const DEPTH_MAX = 200;
const VALUES_MAX = 2_000_000;

/** A file of JSON from outside. @throws MODEL_INVALID, SOURCE_NOT_FOUND */
export async function readJsonFile(path: string): Promise<Json> {
  const size = await sizeOf(path);
  if (size > TEXT_MAX) throw damaged(path, `it has ${size} bytes; JSON of up to ${TEXT_MAX} is read`);
  return parseJson(await readFile(path, 'utf8'), path, 'content');
}

/** JSON from outside: bounded in length, depth and number of values before it is parsed. @throws MODEL_INVALID */
export function parseJson(text: string, path: string, what: string): Json {
  if (text.length > TEXT_MAX) throw damaged(path, `its ${what} has ${text.length} characters`);
  checkStructure(text, path, what);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw damaged(path, `its ${what} is no JSON (${messageOf(error).slice(0, 100)})`);
  }
}

function checkStructure(text: string, path: string, what: string): void {
  let depth = 0;
  let values = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 92) at++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 44 && ++values > VALUES_MAX) throw damaged(path, `its ${what} holds more than ${VALUES_MAX} values`);
    else if (code === 123 || code === 91) {
      if (++depth > DEPTH_MAX) throw damaged(path, `its ${what} is nested more than ${DEPTH_MAX} deep`);
    } else if (code === 125 || code === 93) depth--;
  }
}
