import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Notification } from '../../../src/core/notification.ts';
import { sendBy } from '../../../src/notifications/send.ts';
import { packageRoot } from '../../../src/platform/paths.ts';

const [key, cert] = ['one.key', 'one.crt'].map((name) => readFileSync(join(packageRoot(), 'test/support/tls', name)));
const CERTIFICATE = { key: key!, cert: cert! };
const PASSWORD = 'of-the-mail-server-8f3a';
const MESSAGE: Notification = {
  id: 'penguins/20260131/rejected',
  event: 'rejected',
  pipeline: 'penguins',
  summary: 'accuracy 0.91 is below 0.95.\nBcc: everybody@example.org — ä',
  kind: 'run',
  outcome: 'rejected',
  workflow: 'penguins/20260131-174501-x7k2',
  trigger: 'schedule',
  model: 'penguins',
  version: 4,
  at: '2026-01-31T17:45:01.000Z',
};

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly text: string;
}

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A server that keeps what it gets. Nobody trusts its certificate. */
async function mailServer(options: SMTPServerOptions = {}): Promise<{ readonly port: number; readonly mails: Mail[] }> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    ...CERTIFICATE,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (username === 'perennial' && password === PASSWORD) done(null, { user: username });
      else done(new Error('who are you'));
    },
    onData(stream, { envelope, user }, done) {
      let text = '';
      stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: user as string,
          text,
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { port: (server.server.address() as AddressInfo).port, mails };
}

function send(config: JsonObject, ms = 20_000, message = MESSAGE): Promise<void> {
  const whole = { host: '127.0.0.1', security: 'none', from: 'Perennial <perennial@example.org>', to: ['team@example.org'], ...config };
  return sendBy(message, 'email', whole, { signal: AbortSignal.timeout(ms) });
}

const failure = (code: number) => (_address: unknown, _session: unknown, done: (error?: Error) => void) =>
  done(Object.assign(new Error('not this one'), { responseCode: code }));

describe('e-mail', () => {
  it('arrives once at everybody, with what happened, and no line of it becomes a header', async () => {
    const { port, mails } = await mailServer();
    process.env['SMTP_TEST_PASSWORD'] = PASSWORD;
    await send({ port, user: 'perennial', password: { $secret: 'SMTP_TEST_PASSWORD' }, to: ['team@example.org', 'ada@example.org'] });
    await send({ port });
    const [mail, again] = mails;
    expect(mail).toMatchObject({ from: 'perennial@example.org', to: ['team@example.org', 'ada@example.org'], user: 'perennial' });
    const [head = '', ...rest] = mail!.text.split('\r\n\r\n');
    const body = rest.join('\n\n');
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(head).not.toMatch(/^Bcc:/m);
    expect(decodeURIComponent(body.replaceAll('=\r\n', '').replaceAll(/=([0-9A-F]{2})/g, '%$1'))).toContain('everybody@example.org — ä');
    expect(body).toContain('penguins/20260131-174501-x7k2');
    // Tried again, it is the same mail.
    const idOf = ({ text }: Mail): string => /^Message-ID: (.*)$/im.exec(text)![1]!;
    expect(idOf(again!)).toBe(idOf(mail!));
  });

  it('holds a digest whole, as text and as a page', async () => {
    const { port, mails } = await mailServer();
    await send({ port }, 20_000, { ...MESSAGE, event: 'digest', whole: { markdown: '# What happened\n', html: '<h1>What happened</h1>' } });
    expect(mails[0]!.text).toMatch(/Content-Type: multipart\/alternative/);
    expect(mails[0]!.text).toMatch(/Content-Type: text\/plain[^]*# What happened[^]*Content-Type: text\/html[^]*<h1>What happened<\/h1>/);
  });

  it.each([
    ['a wrong password', {}, { user: 'perennial', password: 'wrong' }, 'NOTIFICATION_REFUSED'],
    ['an address that the server does not want', { onRcptTo: failure(550) }, {}, 'NOTIFICATION_REFUSED'],
    ['a server that is busy', { onRcptTo: failure(451) }, {}, 'NOTIFICATION_FAILED'],
    ['a server without STARTTLS', { hideSTARTTLS: true }, { security: 'startTls' }, 'NOTIFICATION_FAILED'],
    ['a certificate that nobody trusts', {}, { security: 'startTls' }, 'NOTIFICATION_FAILED'],
    ['a password without its user', {}, { password: 'x' }, 'NOTIFICATION_REFUSED'],
    ['a password that everybody could read', {}, { host: 'smtp.example.org', user: 'u', password: 'x' }, 'NOTIFICATION_REFUSED'],
  ])('tells of %s whether trying again can help', async (_what, options, config, code) => {
    const { port, mails } = await mailServer(options as SMTPServerOptions);
    await expect(send({ port, ...config })).rejects.toMatchObject({ code });
    expect(mails).toEqual([]);
  });

  it('names who does not get it, and does not send it twice to the others', async () => {
    const { port, mails } = await mailServer({
      onRcptTo({ address }, _session, done) {
        done(address.startsWith('gone') ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null);
      },
    });
    await expect(send({ port, to: ['team@example.org', 'gone@example.org'] })).rejects.toMatchObject({
      code: 'NOTIFICATION_REFUSED',
      message: '127.0.0.1 does not take mail for gone@example.org; the others have it.',
    });
    expect(mails.map(({ to }) => to)).toEqual([['team@example.org']]);
  });

  it('gives up on a server that takes the connection and says nothing', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => silent.close());
    await expect(send({ port: (silent.address() as AddressInfo).port }, 500)).rejects.toMatchObject({ code: 'NOTIFICATION_FAILED' });
  });
});
