import { PerennialError, messageOf } from '../../core/errors.ts';
import { sha256 } from '../../storage/digest.ts';
import { defineChannel } from './channel.ts';

interface EmailConfig {
  readonly host: string;
  readonly port?: number;
  readonly security: 'startTls' | 'tls' | 'none';
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** Ports of submission by RFC 8314 and RFC 6409, and of mail without either. */
const PORTS = { startTls: 587, tls: 465, none: 25 } as const;
/** Without a word from the server, in milliseconds: below the time of an attempt, so that the reason is told. */
const SILENCE_MS = 15_000;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|::1)$/;
/** Characters of a subject: what lists of messages show. */
const SUBJECT_CHARS = 120;

/** What nodemailer tells of a failure, beside the message. */
interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
}

export default defineChannel<EmailConfig>({
  name: 'email',
  aliases: ['mail', 'smtp'],
  summary: 'An e-mail by SMTP.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['host', 'from', 'to'],
    properties: {
      host: { type: 'string', minLength: 1, description: 'The server that takes the mail.', examples: ['smtp.example.org'] },
      port: {
        type: 'integer',
        minimum: 1,
        maximum: 65_535,
        description: `Default: ${PORTS.startTls}; ${PORTS.tls} with "tls", ${PORTS.none} with "none".`,
        examples: [587],
      },
      security: {
        enum: ['startTls', 'tls', 'none'],
        default: 'startTls',
        description:
          '"startTls": the connection is made safe before anything is sent, or nothing is. "tls": it is safe from the first byte. "none": for servers on this machine or in a closed network, without a password.',
      },
      user: { type: 'string', minLength: 1, description: 'Name at the server.', examples: ['perennial'] },
      password: {
        description: 'Password of the user.',
        anyOf: [{ type: 'string', minLength: 1 }, { $ref: '#/definitions/secret' }],
        examples: [{ $secret: 'SMTP_PASSWORD' }],
      },
      from: {
        type: 'string',
        pattern: '@',
        description: 'Who sends it.',
        examples: ['perennial@example.org', 'Perennial <perennial@example.org>'],
      },
      to: {
        type: 'array',
        items: { type: 'string', pattern: '@' },
        minItems: 1,
        maxItems: 50,
        uniqueItems: true,
        description: 'Who gets it.',
        examples: [['team@example.org']],
      },
    },
  },
  reference: 'https://www.rfc-editor.org/rfc/rfc5321',
  async send({ id, event, pipeline, summary, workflow, model, version, at, trigger, whole }, config, { signal }) {
    const { host, security, user, password, from, to } = config;
    if ((user === undefined) !== (password === undefined)) throw refused('"user" and "password" go together.');
    if (password !== undefined && security === 'none' && !LOOPBACK.test(host))
      throw refused(`With "security": "none" the password would travel to ${host} for everybody to read. Use "startTls" or "tls".`);
    const port = config.port ?? PORTS[security];
    const { createTransport } = await import('nodemailer');
    const transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'startTls',
      ignoreTLS: security === 'none',
      ...(user === undefined ? {} : { auth: { user, pass: password! } }),
      connectionTimeout: SILENCE_MS,
      greetingTimeout: SILENCE_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      const of = model === null ? '' : `, ${model}${version === null ? '' : ` version ${version}`}`;
      const title = `[${pipeline}] ${event}${of}: ${summary}`.replaceAll(/\s+/g, ' ');
      const sent = transport.sendMail({
        from,
        to: [...to],
        // The same of every attempt: who gets it twice can tell.
        messageId: `<${sha256(id).slice(0, 32)}@perennial>`,
        subject: title.length > SUBJECT_CHARS ? `${title.slice(0, SUBJECT_CHARS - 1)}…` : title,
        text: [
          `${pipeline}: ${event}${of}`,
          '',
          whole?.markdown.trimEnd() ?? summary,
          '',
          `Workflow: ${workflow}`,
          `Started by: ${trigger}`,
          `Time: ${at}`,
          '',
        ].join('\n'),
        ...(whole?.html === undefined ? {} : { html: whole.html }),
        // So that nobody's holiday answers it (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      const answer = await Promise.race([sent, outOfTime(signal)]);
      // Others have it by now: once more would be twice for them.
      if (answer.rejected.length > 0)
        throw refused(`${host} does not take mail for ${answer.rejected.map(String).join(', ')}; the others have it.`);
    } catch (error) {
      throw asOurs(error, `${host}:${port}`);
    } finally {
      transport.close();
    }
  },
});

/** Of an attempt: the connection may still be silent for a while. */
function outOfTime(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(new Error('the time for it is over'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function refused(message: string, cause?: unknown): PerennialError {
  return new PerennialError('NOTIFICATION_REFUSED', message, { cause });
}

/** Answers from 500 on, and a login that is wrong, stay what they are; anything else may pass. */
function asOurs(error: unknown, where: string): PerennialError {
  if (error instanceof PerennialError) return error;
  const { code, responseCode } = error as SmtpError;
  const told = `${where} did not take the mail: ${messageOf(error)}`;
  if (responseCode === undefined ? code === 'EAUTH' || code === 'EENVELOPE' : responseCode >= 500) return refused(told, error);
  return new PerennialError('NOTIFICATION_FAILED', told, { cause: error });
}
