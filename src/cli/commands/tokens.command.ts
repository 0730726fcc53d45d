import { ROLES } from '../../access/roles.ts';
import type { Role } from '../../access/roles.ts';
import type { TokenRecord } from '../../access/tokens.ts';
import { PerennialError } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { currentUser } from '../models/options.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

interface CreateOptions {
  readonly role: string;
  readonly model?: readonly string[];
  readonly lifetime?: string;
  readonly rate?: number;
  readonly rows?: number;
}

export default defineCommand({
  register(program, io) {
    const group = program
      .command('tokens')
      .summary('who may ask the model servers')
      .description('Who may ask the model servers of this store.')
      .addHelpText(
        'after',
        `
With the first token every server of the store asks for one, on this machine as well, and goes on asking when all are revoked. Servers
follow within 2 s. Commands and workers send the token of PERENNIAL_API_TOKEN; a server takes that of its own environment, too.

Examples:
  perennial tokens create checkout-service --role predict --model penguins --lifetime 90d
  perennial tokens list
  perennial tokens revoke checkout-service`,
      );
    group
      .command('create')
      .summary('make a token')
      .description('Make a token. It is shown once; the store keeps its digest.')
      .argument('<name>', 'of its holder')
      .requiredOption(
        '--role <role>',
        'predict (ask models, send feedback), operate (also metrics, statistics, reports) or admin (also tokens)',
      )
      .option('--model <name...>', 'models that it is for (default: all)')
      .option('--lifetime <duration>', 'expires after e.g. 90d (default: never)')
      .option('--rate <number>', 'requests a second that each server takes, e.g. 100 or 0.5 (default: no limit)', Number)
      .option('--rows <number>', 'rows of one request (default: as many as the server takes)', Number)
      .addHelpText(
        'after',
        '\nExamples:\n  perennial tokens create grafana --role operate\n  perennial tokens create checkout --role predict --model penguins spam\n  perennial tokens create partner --role predict --rate 20 --rows 100',
      )
      .action((name: string, options: CreateOptions) => create(io, name, options));
    group
      .command('list')
      .summary('tokens there are and were')
      .description('Tokens there are and were.')
      .addHelpText('after', '\nExamples:\n  perennial tokens list --json')
      .action(() => list(io));
    group
      .command('revoke')
      .summary('take a token back')
      .description('Take a token back.')
      .argument('<token>', 'its id, or the name of its holder')
      .addHelpText('after', '\nExamples:\n  perennial tokens revoke checkout-service')
      .action((reference: string) => revoke(io, reference));
  },
});

async function create(io: CliIo, name: string, options: CreateOptions): Promise<void> {
  if (!ROLES.includes(options.role as Role))
    throw new PerennialError('USAGE', `--role ${JSON.stringify(options.role)} is no role.`, { hint: `Roles are ${ROLES.join(', ')}.` });
  const [{ createToken, lifetimeMs, listTokens, withoutDigest }, { openOwnStore }] = await Promise.all([
    import('../../access/tokens.ts'),
    import('../../runs/own-stack.ts'),
  ]);
  const lasts = options.lifetime === undefined ? undefined : lifetimeMs(options.lifetime);
  if (options.lifetime !== undefined && lasts === undefined)
    throw new PerennialError('USAGE', `--lifetime ${JSON.stringify(options.lifetime)} is not a duration; expected e.g. 12h or 90d.`);
  const store = await openOwnStore();
  await requireModels(store, options.model ?? []);
  const isFirst = (await listTokens(store)).length === 0;
  const { record, token } = await createToken(
    store,
    {
      name,
      role: options.role as Role,
      ...(options.model === undefined ? {} : { models: options.model }),
      ...(lasts === undefined ? {} : { lifetimeMs: lasts }),
      ...(options.rate === undefined ? {} : { requestsPerSecond: options.rate }),
      ...(options.rows === undefined ? {} : { rowsPerRequest: options.rows }),
    },
    currentUser(),
  );
  io.result({ ...withoutDigest(record), token });
  io.print(token);
  io.print(
    `Token ${record.id} of ${JSON.stringify(name)}: ${record.role}, ${modelsText(record)}${limitsText(record)}, ${record.expiresAt === null ? 'does not expire' : `until ${record.expiresAt}`}. It is not shown again.`,
  );
  if (isFirst)
    io.print(
      'It is the first of this store: from now on its servers ask for a token. Set PERENNIAL_API_TOKEN where commands and workers ask them (a promotion is confirmed by asking).',
    );
}

/** A misspelt name would be a token for nothing. */
async function requireModels(store: ObjectStore, models: readonly string[]): Promise<void> {
  if (models.length === 0) return;
  const [{ createRegistry }, { createArtifactStore }] = await Promise.all([
    import('../../registry/registry.ts'),
    import('../../storage/artifact-store.ts'),
  ]);
  const registry = createRegistry(store, createArtifactStore(store));
  for (const model of models) await registry.version(model, 'latest');
}

async function list(io: CliIo): Promise<void> {
  const [{ listTokens, isInForce, withoutDigest }, { openStore }, { storeNow }] = await Promise.all([
    import('../../access/tokens.ts'),
    import('../../storage/open-store.ts'),
    import('../../storage/store-clock.ts'),
  ]);
  const store = await openStore();
  const tokens = await listTokens(store);
  const now = tokens.length === 0 ? 0 : await storeNow(store);
  io.result({ tokens: tokens.map((token) => ({ ...withoutDigest(token), inForce: isInForce(token, now) })) });
  if (tokens.length === 0)
    return io.print('There are no tokens: servers on this machine let everybody in, others ask for PERENNIAL_API_TOKEN.');
  const state = (token: TokenRecord): string =>
    token.revokedAt !== null
      ? `revoked ${day(token.revokedAt)} by ${token.revokedBy ?? 'somebody'}`
      : isInForce(token, now)
        ? token.expiresAt === null
          ? 'in force'
          : `until ${day(token.expiresAt)}`
        : `expired ${day(token.expiresAt!)}`;
  io.print(
    table([
      ['ID', 'NAME', 'ROLE', 'MODELS', 'CREATED', 'BY', 'STATE'],
      ...tokens.map((token) => [
        token.id,
        token.name,
        token.role,
        `${modelsText(token)}${limitsText(token)}`,
        day(token.createdAt),
        token.createdBy,
        state(token),
      ]),
    ]),
  );
}

async function revoke(io: CliIo, reference: string): Promise<void> {
  const [{ revokeToken, withoutDigest }, { openOwnStore }] = await Promise.all([
    import('../../access/tokens.ts'),
    import('../../runs/own-stack.ts'),
  ]);
  const shown = withoutDigest(await revokeToken(await openOwnStore(), reference, currentUser()));
  io.result(shown);
  io.print(`Token ${shown.id} of ${JSON.stringify(shown.name)} is revoked; servers refuse it within 2 s.`);
}

function modelsText({ models }: Pick<TokenRecord, 'models'>): string {
  return models === null ? 'all models' : models.join(', ');
}

function limitsText({ requestsPerSecond, rowsPerRequest }: Pick<TokenRecord, 'requestsPerSecond' | 'rowsPerRequest'>): string {
  return [
    ...(requestsPerSecond === undefined ? [] : [`, ${requestsPerSecond} requests a second`]),
    ...(rowsPerRequest === undefined ? [] : [`, ${rowsPerRequest} rows a request`]),
  ].join('');
}

const day = (moment: string): string => moment.slice(0, 16).replace('T', ' ');
