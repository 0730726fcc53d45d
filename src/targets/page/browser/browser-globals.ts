/** What of Node.js the product's own code takes for granted: of Buffer as much as a page needs. */
class PageBuffer extends Uint8Array {
  override toString(encoding: string = 'utf8'): string {
    if (encoding === 'base64') return btoa(Array.from(this, (byte) => String.fromCharCode(byte)).join(''));
    if (encoding === 'hex') return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return new TextDecoder().decode(this);
  }
}

export const Buffer = {
  from(value: string | ArrayLike<number>, encoding = 'utf8'): PageBuffer {
    if (typeof value !== 'string') return PageBuffer.from(value) as PageBuffer;
    if (encoding === 'base64') return PageBuffer.from(atob(value), (letter) => letter.charCodeAt(0)) as PageBuffer;
    return PageBuffer.from(new TextEncoder().encode(value)) as PageBuffer;
  },
  alloc: (length: number): PageBuffer => new PageBuffer(length),
  byteLength: (text: string): number => new TextEncoder().encode(text).length,
};

/** A page has no environment: no setting of one holds there. */
export const process = {
  env: {} as Readonly<Record<string, string | undefined>>,
  versions: {} as Readonly<Record<string, string | undefined>>,
  version: 'a browser',
  emitWarning: (text: string): void => console.error(text),
};
