import { spawn } from 'node:child_process';
import { PerennialError } from '../../core/errors.ts';
import { programEnvironment } from '../../platform/environment.ts';
import { mask } from '../../steps/secrets.ts';
import { defineChannel } from './channel.ts';

interface CommandConfig {
  readonly run: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Characters of what a program says that messages quote. */
const QUOTED_CHARS = 300;

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
      const child = spawn(program!, args, {
        env: programEnvironment(env),
        signal,
        stdio: ['pipe', 'ignore', 'pipe'],
        killSignal: 'SIGKILL',
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-QUOTED_CHARS)));
      // A program that does not read has its reasons.
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${JSON.stringify(notification)}\n`);
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'ENOENT' || error.code === 'EACCES'
            ? new PerennialError('NOTIFICATION_REFUSED', `The program "${program!}" cannot be started: ${error.code}.`, { cause: error })
            : new PerennialError('NOTIFICATION_FAILED', `The program "${program!}" was ended: ${error.message}.`, { cause: error }),
        ),
      );
      child.once('close', (code) => {
        if (code === 0) resolve();
        else
          reject(
            new PerennialError(
              'NOTIFICATION_FAILED',
              `The program "${program!}" ended with ${code ?? 'a signal'}${said === '' ? '' : `: ${mask(said.trim())}`}`,
            ),
          );
      });
    });
  },
});
