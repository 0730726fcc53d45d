/** A mail as a reader sees it. */
export interface MailText {
  readonly subject: string;
  readonly body: string;
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function splitPart(source: string): Part {
  const end = /\r?\n\r?\n/.exec(source);
  const head = end === null ? source : source.slice(0, end.index);
  const headers = new Map<string, string>();
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const match = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
    if (match !== null && !headers.has(match[1]!.toLowerCase())) headers.set(match[1]!.toLowerCase(), match[2]!);
  }
  return { headers, body: end === null ? '' : source.slice(end.index + end[0].length) };
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('windows-1252').decode(bytes);
}

function decodeBody({ headers, body }: Part): string {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase().trim();
  if (encoding === 'base64') return latin1(Buffer.from(body, 'base64'));
  if (encoding !== 'quoted-printable') return body;
  return body.replace(/=\r?\n/g, '').replace(/(?:=[0-9A-Fa-f]{2})+/g, (run) => latin1(Buffer.from(run.replaceAll('=', ''), 'hex')));
}

/** RFC 2047 words in headers, as far as they are single-byte or UTF-8. */
function decodeHeader(text: string): string {
  return text.replace(/=\?([^?]+)\?([bq])\?([^?]*)\?=/gi, (_, charset: string, kind: string, value: string) => {
    const bytes =
      kind.toLowerCase() === 'b'
        ? Buffer.from(value, 'base64')
        : Buffer.from(
            value.replaceAll('_', ' ').replace(/=([0-9A-F]{2})/gi, (__, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          );
    return /utf-8/i.test(charset) ? bytes.toString('utf8') : latin1(bytes);
  });
}

/** The words of an HTML text; links and images leave a mark, since mails are judged by them too. */
function htmlToText(html: string): string {
  return html
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<a\b[^>]*href\s*=\s*["']?([^"'\s>]+)[^>]*>/gi, ' $1 ')
    .replace(/<img\b[^>]*>/gi, ' [image] ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#\d+|[a-z]+);?/gi, (whole, name: string) =>
      name.startsWith('#') ? String.fromCodePoint(Math.min(0x10ffff, Number(name.slice(1)))) : (NAMED[name.toLowerCase()] ?? whole),
    );
}

function textOf(part: Part, depth: number): string {
  const type = part.headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  if (/^multipart\//i.test(type) && boundary !== null && depth < 5) {
    const parts = part.body
      .split(`--${boundary[1] ?? boundary[2]}`)
      .slice(1)
      .filter((item) => !item.startsWith('--'))
      .map((item) => splitPart(item.replace(/^\r?\n/, '')));
    const plain = parts.filter((item) => /^text\/plain/i.test(item.headers.get('content-type') ?? 'text/plain'));
    const chosen = /^multipart\/alternative/i.test(type) && plain.length > 0 ? plain : parts;
    const texts = chosen.map((item) => textOf(item, depth + 1)).filter((text) => text.trim() !== '');
    if (texts.length > 0) return texts.join('\n');
    return htmlToText(part.body);
  }
  if (/^(image|application|audio|video)\//i.test(type)) return ' [attachment] ';
  const body = decodeBody(part);
  return /^text\/html/i.test(type) || /<html|<body|<font/i.test(body) ? htmlToText(body) : body;
}

/**
 * Subject and visible text of a mail (RFC 5322, MIME): transfer encodings undone, HTML reduced to its words. All other headers are left
 * out: they tell when and where a mail was collected, which would give spam away for the wrong reason.
 */
export function readMail(source: string): MailText {
  const mail = splitPart(source);
  const body = textOf(mail, 0)
    .replaceAll('\0', ' ')
    .replace(/[ \t\u00a0]+/g, ' ')
    .replace(/\s*\n\s*/g, '\n')
    .trim();
  return {
    subject: decodeHeader(mail.headers.get('subject') ?? '')
      .replaceAll('\0', ' ')
      .trim(),
    body,
  };
}
