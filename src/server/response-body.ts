import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Below this, what is saved on the wire costs more than it brings. */
const PACKED_BYTES_MIN = 16 * 1024;
/** A level that keeps up with a local network. */
const OPTIONS = { level: 4 } as const;

const PACK = { gzip: promisify(gzip), deflate: promisify(deflate) } as const;

/** Large answers are compressed where the client asks for it; the work is done in threads. */
export async function packed({ headers }: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
  const encoding = encodingOf(headers['accept-encoding']);
  if (encoding === undefined || payload.length < PACKED_BYTES_MIN || reply.hasHeader('content-encoding')) return payload;
  const bytes = await PACK[encoding](payload, OPTIONS);
  reply.header('content-encoding', encoding).header('vary', 'accept-encoding').removeHeader('content-length');
  return bytes;
}

/** The one of ours that a client prefers; undefined: it wants none. */
function encodingOf(accepted: string | string[] | undefined): keyof typeof PACK | undefined {
  if (accepted === undefined) return undefined;
  const weights = new Map(
    String(accepted)
      .toLowerCase()
      .split(',')
      .map((one) => {
        const [name, ...parameters] = one.split(';').map((part) => part.trim());
        const weight = parameters.map((parameter) => /^q=([\d.]+)$/.exec(parameter)?.[1]).find((value) => value !== undefined);
        return [name!, weight === undefined ? 1 : Number(weight)] as const;
      }),
  );
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  const [best] = (Object.keys(PACK) as (keyof typeof PACK)[]).sort((a, b) => weightOf(b) - weightOf(a));
  return weightOf(best!) > 0 ? best : undefined;
}
