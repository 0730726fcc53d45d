import type { Json } from '../../core/json.ts';
import { messageOf } from '../../core/errors.ts';
import { damaged } from './hdf5-contents.ts';

const TEXT_MAX = 256 * 1024 * 1024;
const DEPTH_MAX = 200;

/** JSON from outside: bounded in length and depth before it is parsed. @throws MODEL_INVALID */
export function parseJson(text: string, path: string, what: string): Json {
  if (text.length > TEXT_MAX) throw damaged(path, `its ${what} has ${text.length} characters`);
  checkDepth(text, path, what);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw damaged(path, `its ${what} is no JSON (${messageOf(error).slice(0, 100)})`);
  }
}

function checkDepth(text: string, path: string, what: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 92) at++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 123 || code === 91) {
      if (++depth > DEPTH_MAX) throw damaged(path, `its ${what} is nested more than ${DEPTH_MAX} deep`);
    } else if (code === 125 || code === 93) depth--;
  }
}
