import { deflate, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Below this, what is saved on the wire costs more than it brings. */
const PACKED_BYTES_MIN = 16 * 1024;
/** A level that keeps up with a local network. */
const OPTIONS = { level: 4 } as const;

const PACK = { gzip, deflate } as const;

/** Large answers are compressed where the client asks for it; the work is done in threads. */
export function packed(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
): void {
  if ((typeof payload !== 'string' && !Buffer.isBuffer(payload)) || payload.length < PACKED_BYTES_MIN) return done(null, payload);
  const encoding = encodingOf(headers['accept-encoding']);
  if (encoding === undefined || reply.hasHeader('content-encoding')) return done(null, payload);
  PACK[encoding](payload, OPTIONS, (error, bytes) => {
    if (error !== null) return done(error);
    reply.header('content-encoding', encoding).header('vary', 'accept-encoding').removeHeader('content-length');
    done(null, bytes);
  });
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
