/** Base64, also in the letters for addresses, with or without padding. */
const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/;
/** Characters that are tested at once: the expression keeps a note for every group. */
const PIECE = 1 << 16;

/** The bytes that a text of base64 stands for; undefined where it is none. The runtime's own decoder leaves out what it does not know. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = text.slice(at, at + PIECE);
    if (!BASE64.test(piece) || (at + PIECE < text.length && piece.includes('='))) return undefined;
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}
