import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Tells whether an `authorization` carries the token; without a token everything does. The name of the scheme may be in any case.
 *
 * @see RFC 9110, 11.1
 */
export function tokenGuard(token: string | undefined): (authorization: string | undefined) => boolean {
  if (token === undefined || token === '') return () => true;
  const expected = digest(token);
  return (authorization) => timingSafeEqual(digest(/^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? ''), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
