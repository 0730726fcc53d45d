import { isAscii } from 'node:buffer';
import { Transform, pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { FastifyRequest, RequestPayload } from 'fastify';
import { messageOf } from '../core/errors.ts';
import type { JsonRules } from '../data/reading/json-parser.ts';
import { parseInTurns } from '../data/reading/json-parser.ts';
import { BinaryBody, JSON_LENGTH_HEADER } from '../serving/protocols/binary-tensors.ts';
import { CsvBody } from '../serving/protocols/csv-body.ts';
import { FormBody } from '../serving/protocols/form-body.ts';
import { RequestError } from '../serving/request-error.ts';
import { matchedRoute } from './matched-route.ts';

/** Media types under which clients of all protocols send JSON; curl's own is that of forms. */
const JSON_TYPES = /^(?:application\/(?:[\w.+-]*\+)?json|text\/(?:plain|json|x-json)|application\/x-www-form-urlencoded|)$/;
const BEGINNINGS: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
  [[0xff, 0xfe], 'UTF-16'],
  [[0xfe, 0xff], 'UTF-16'],
];

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** How bodies may be compressed, by the names of HTTP. */
const UNPACK: Readonly<Record<string, () => Duplex>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

/** What a request carries, unpacked; what it unpacks to is bound by the largest body as any other. */
type Payload = RequestPayload & { receivedEncodedLength?: number };

/**
 * The bytes of a body as its `content-encoding` says.
 *
 * @throws RequestError 415 for what is not known; the stream fails with 400 where it is not what it says
 */
export function unpacked({ headers }: FastifyRequest, payload: Payload): Payload {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return payload;
  const unpack = UNPACK[encoding];
  if (unpack === undefined)
    throw new RequestError(
      415,
      `The body is compressed as ${JSON.stringify(encoding.slice(0, 40))}; this server unpacks ${Object.keys(UNPACK).join(', ')}.`,
      { acceptEncoding: Object.keys(UNPACK).join(', ') },
    );
  const stream: Duplex & { receivedEncodedLength?: number } = unpack();
  stream.receivedEncodedLength = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      stream.receivedEncodedLength! += chunk.length;
      done(null, chunk);
    },
  });
  pipeline(payload, counted, stream, (error) => {
    if (error === undefined || error === null || stream.destroyed) return;
    stream.destroy(error);
  });
  return stream;
}

/**
 * The body as a value, whatever media type it came under, if it is JSON: small ones at once, a promise of large ones, which leave the event
 * loop to others in between.
 *
 * @throws RequestError 400; 413; 415 where it is something else than the address takes
 */
export function readBody(request: FastifyRequest, body: Buffer, rules: JsonRules): unknown {
  const { headers } = request;
  // Nearly all of them.
  if (headers['content-type'] === 'application/json' && headers[JSON_LENGTH_HEADER] === undefined && body.length > 0)
    return jsonOf(body, 'application/json', rules, otherTypesOf(matchedRoute(request).url));
  return readOther(request, body, rules);
}

async function readOther(request: FastifyRequest, body: Buffer, rules: JsonRules): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const others = otherTypesOf(matchedRoute(request).url);
  if (body.length === 0) {
    const what = type === 'text/csv' && others.includes(type) ? 'rows below a header' : 'a JSON object';
    throw new RequestError(400, `The body is empty: send ${what}.`);
  }
  const length = request.headers[JSON_LENGTH_HEADER];
  if (length !== undefined) {
    if (matchedRoute(request).url?.endsWith('/infer') !== true)
      throw new RequestError(415, 'Tensors in binary are for /v2/models/NAME/infer: send plain JSON.');
    const bytes = Number(length);
    if (!/^\d+$/.test(String(length)) || bytes > body.length)
      throw new RequestError(
        400,
        `The header Inference-Header-Content-Length is ${JSON.stringify(String(length).slice(0, 40))}; expected how many of the ${body.length} bytes of the body are JSON.`,
      );
    return new BinaryBody(await jsonOf(body.subarray(0, bytes), 'application/json', rules), body.subarray(bytes));
  }
  if (type === 'text/csv' && others.includes(type)) return new CsvBody(body);
  if (type === 'multipart/form-data' && others.includes(type)) return FormBody.read(body, request.headers['content-type']!);
  return jsonOf(body, type, rules, others);
}

/** Media types that an address takes besides JSON. */
function otherTypesOf(url = ''): readonly string[] {
  if (url.endsWith('/predict')) return ['text/csv', 'multipart/form-data'];
  return url.endsWith('/invocations') ? ['text/csv'] : [];
}

/** @returns a promise of what is large @throws as {@link readBody} */
function jsonOf(body: Buffer, type: string, rules: JsonRules, others: readonly string[] = []): unknown {
  let text: string;
  try {
    text = isAscii(body) ? body.toString('latin1') : UTF8.decode(body);
  } catch {
    const what = BEGINNINGS.find(([bytes]) => bytes.every((byte, at) => body[at] === byte))?.[1];
    if (what !== undefined) throw new RequestError(415, `The body is ${what}: send JSON in UTF-8.`, accepting(others));
    throw JSON_TYPES.test(type) ? new RequestError(400, 'The body is not UTF-8.') : otherType(type, others);
  }
  const refused = (error: unknown): unknown => {
    if (error instanceof RangeError && rules.keysMax !== undefined)
      return new RequestError(413, `The body is too large: ${messageOf(error)}. Columns that the model does not read can be left out.`);
    if (!(error instanceof SyntaxError)) return error;
    const isForm = type === 'application/x-www-form-urlencoded' && !/^\s*[[{]/.test(text);
    return JSON_TYPES.test(type) && !isForm ? new RequestError(400, `The body is not JSON: ${messageOf(error)}`) : otherType(type, others);
  };
  let value: unknown;
  try {
    value = parseInTurns(text, rules);
  } catch (error) {
    throw refused(error);
  }
  if (!(value instanceof Promise)) return value;
  return value.catch((error: unknown) => {
    throw refused(error);
  });
}

function otherType(type: string, others: readonly string[]): RequestError {
  const also = others.length === 0 ? '' : `, or ${others.join(' or ')}`;
  return new RequestError(415, `The body is ${type.slice(0, 80)}, not JSON: send JSON in UTF-8${also}.`, accepting(others));
}

const accepting = (others: readonly string[]): { readonly accept: string } => ({ accept: ['application/json', ...others].join(', ') });
