/** Values below this length would hit by chance. */
export const MASKED_CHARS_MIN = 4;
/** Keys, bytes of files and encoded spellings are held against secrets of this length at least: structure is not spoilt by chance. */
export const CERTAIN_CHARS_MIN = 8;

const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };

/** A text of JSON in ASCII. */
function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A text as Python writes it in ASCII. */
function inAscii(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0)!;
      if (character === "'" || character === '\\') return `\\${character}`;
      if (character === '\n') return '\\n';
      if (code >= 0x20 && code <= 0x7e) return character;
      const digits = code.toString(16);
      return code < 0x100
        ? `\\x${digits.padStart(2, '0')}`
        : code < 0x10000
          ? `\\u${digits.padStart(4, '0')}`
          : `\\U${digits.padStart(8, '0')}`;
    })
    .join('');
}

/** Fewer characters of base64 than this would hit by chance. */
const BASE64_CHARS_MIN = 10;

/**
 * What base64 makes of bytes wherever they begin in a longer text, as "user:secret" does: without the characters at both ends that what
 * stands before and after has a part in. Three beginnings, two alphabets.
 */
export function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = before === 0 ? 0 : before + 1;
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const inside = whole.slice(first, last);
    return inside.length < BASE64_CHARS_MIN ? [] : [inside, inside.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * How a secret is written: as it is, inside JSON, an address, Python or a shell; and line by line, since output comes in lines. What the
 * many ways of escaping make of it stands here as whole texts, which texts and files are held against.
 */
export function spellingsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret, 'utf8');
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  const percent = (plain: RegExp): string =>
    [...bytes].map((byte) => (plain.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte).toUpperCase()}`)).join('');
  const quoted = [...bytes].map((byte) =>
    byte === 0x27 || byte === 0x5c
      ? `\\${String.fromCharCode(byte)}`
      : byte === 10
        ? '\\n'
        : byte < 0x20 || byte > 0x7e
          ? `\\x${hex(byte)}`
          : String.fromCharCode(byte),
  );
  const spellings = [
    secret,
    secret.trim(),
    json,
    // As programs write JSON that hold to ASCII.
    ascii(json),
    ascii(json).replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
    json.replaceAll('/', '\\/'),
    // JSON inside JSON.
    JSON.stringify(json).slice(1, -1),
    JSON.stringify(ascii(json)).slice(1, -1),
    encodeURIComponent(secret),
    // Everything but letters, digits and -_.~ (RFC 3986); with "/" left as it is; with "+" for a space; as forms are sent.
    percent(/[\w.~-]/),
    percent(/[\w.~-]/).replace(/%../g, (code) => code.toLowerCase()),
    percent(/[\w.~/-]/),
    percent(/[\w.~ -]/).replaceAll(' ', '+'),
    percent(/[\w.* -]/).replaceAll(' ', '+'),
    // Python: a text, and bytes.
    secret.replace(/[\\'\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`)),
    secret.replace(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`)),
    inAscii(secret),
    quoted.join(''),
    quoted.join('').replaceAll("\\'", "'"),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    secret.replace(/[&<>"']/g, (character) => MARKUP[character]!),
    secret.replace(/[$`"\\]/g, '\\$&'),
    secret.replaceAll("'", `'\\''`),
    ...inBase64(bytes),
  ];
  const lines = secret.includes('\n')
    ? secret
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.length >= CERTAIN_CHARS_MIN)
    : [];
  return [...new Set([...spellings, ...lines])].filter((text) => text.length >= MASKED_CHARS_MIN);
}
