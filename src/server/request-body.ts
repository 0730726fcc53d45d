import type { FastifyRequest } from 'fastify';
import { messageOf } from '../core/errors.ts';
import type { JsonRules } from '../data/reading/json-parser.ts';
import { parseInTurns } from '../data/reading/json-parser.ts';
import { RequestError } from '../serving/request-error.ts';

/** Media types under which clients of all protocols send JSON; curl's own is that of forms. */
const JSON_TYPES = /^(?:application\/(?:[\w.+-]*\+)?json|text\/[\w.+-]+|application\/x-www-form-urlencoded|)$/;
const BEGINNINGS: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
  [[0xff, 0xfe], 'UTF-16'],
  [[0xfe, 0xff], 'UTF-16'],
];

/**
 * Refuses bodies that are no plain JSON by what their headers say, before they are read.
 *
 * @throws RequestError 415
 */
export function refuseEncoded({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new RequestError(
      415,
      `The body is compressed (content-encoding: ${encoding.slice(0, 40)}), and this server does not unpack: send plain JSON.`,
      { acceptEncoding: 'identity' },
    );
  }
  if (headers['inference-header-content-length'] !== undefined)
    throw new RequestError(415, 'Binary tensors are not supported: send the data as JSON.');
}

/**
 * The body as a value, whatever media type it came under, if it is JSON. Large ones leave the event loop to others in between.
 *
 * @throws RequestError 400; 415 where it is something else than JSON
 */
export async function readBody(request: FastifyRequest, body: Buffer, rules: JsonRules): Promise<unknown> {
  if (body.length === 0) throw new RequestError(400, 'The body is empty: send a JSON object.');
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    const what = BEGINNINGS.find(([bytes]) => bytes.every((byte, at) => body[at] === byte))?.[1];
    if (what !== undefined) throw new RequestError(415, `The body is ${what}: send JSON in UTF-8.`);
    throw JSON_TYPES.test(type) ? new RequestError(400, 'The body is not UTF-8.') : otherType(type);
  }
  try {
    return await parseInTurns(text, rules);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const isForm = type === 'application/x-www-form-urlencoded' && !/^\s*[[{]/.test(text);
    throw JSON_TYPES.test(type) && !isForm ? new RequestError(400, `The body is not JSON: ${messageOf(error)}`) : otherType(type);
  }
}

function otherType(type: string): RequestError {
  return new RequestError(415, `The body is ${type.slice(0, 80)}, not JSON: send JSON in UTF-8.`);
}
