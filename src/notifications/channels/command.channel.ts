import { spawn } from 'node:child_process';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { programEnvironment } from '../../platform/environment.ts';
import { signalGroup } from '../../platform/process-info.ts';
import { mask } from '../../steps/secrets.ts';
import { defineChannel } from './channel.ts';

interface CommandConfig {
  readonly run: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Characters of what a program says that messages quote. */
const QUOTED_CHARS = 300;
/** Milliseconds after its end in which what a program said still arrives. */
const LAST_WORDS_MS = 200;

export default defineChannel<CommandConfig>({
  name: 'command',
  aliases: ['exec', 'shell'],
  summary: 'A program on the machine of the worker; it reads the notification as JSON from its standard input.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['run'],
    properties: {
      run: {
        type: 'array',
        minItems: 1,
        items: { type: 'string' },
        description: 'The program and its arguments. An exit code other than 0 means: try again.',
        examples: [['sendmail', 'team@example.org']],
      },
      env: {
        type: 'object',
        additionalProperties: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/secret' }] },
        default: {},
        description: 'Variables besides PATH, HOME and the locale.',
        examples: [{ TOKEN: { $secret: 'PAGER_TOKEN' } }],
      },
    },
  },
  reference: 'https://nodejs.org/api/child_process.html',
  send(notification, { run: [program, ...args], env }, { signal }) {
    return new Promise((resolve, reject) => {
      // In a group of its own: what a shell started ends with it.
      const child = spawn(program!, args, { env: programEnvironment(env), stdio: ['pipe', 'ignore', 'pipe'], detached: true });
      const failed = (what: string, cause?: unknown): void =>
        reject(new PerennialError('NOTIFICATION_FAILED', `The program "${program!}" ${what}`, { cause }));
      const end = (): void => {
        signalGroup(child.pid, 'SIGKILL');
        failed(`was ended: ${messageOf(signal.reason)}`, signal.reason);
      };
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-QUOTED_CHARS)));
      // A program that does not read has its reasons.
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${JSON.stringify(notification)}\n`);
      child.once('error', (error: NodeJS.ErrnoException) => {
        signal.removeEventListener('abort', end);
        if (error.code !== 'ENOENT' && error.code !== 'EACCES') return failed(`cannot be started: ${error.message}.`, error);
        reject(new PerennialError('NOTIFICATION_REFUSED', `The program "${program!}" cannot be started: ${error.code}.`, { cause: error }));
      });
      // Its end counts: what it left in the background may hold its streams open as long as it likes.
      child.once('exit', (code) => {
        signal.removeEventListener('abort', end);
        if (code === 0) resolve();
        else
          setTimeout(
            () => failed(`ended with ${code ?? 'a signal'}${said === '' ? '' : `: ${mask(said.trim())}`}`),
            child.stderr.readableEnded ? 0 : LAST_WORDS_MS,
          );
        child.stdin.destroy();
      });
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  },
});
