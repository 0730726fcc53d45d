import { createHash, randomBytes } from 'node:crypto';
import type { Change } from '../core/change.ts';
import { durationMs } from '../core/duration.ts';
import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { tellChanges } from '../events/outbox.ts';
import { putJson } from '../storage/json-objects.ts';
import { storeNow } from '../storage/store-clock.ts';
import { TEXT, defineStored, getStored, listOf, orNull, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import type { TokenLimits } from './rate-limit.ts';
import { ROLES } from './roles.ts';
import type { Role } from './roles.ts';

/** `tokens/<id>.json`: who may ask the servers of this store. The token itself is kept nowhere. */
export interface TokenRecord extends TokenLimits {
  readonly formatVersion: 1;
  readonly id: string;
  /** Of its holder, for people. */
  readonly name: string;
  readonly role: Role;
  /** Models that it is for; null: all. */
  readonly models: readonly string[] | null;
  /** SHA-256 of the token, hexadecimal: 256 random bits need no slower digest. */
  readonly digest: string;
  /** ISO 8601 UTC, by the clock of the store. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** null: never. */
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

/** {@link TokenRecord} as it is stored. */
export const TOKEN: StoredKind<TokenRecord> = defineStored({
  at: 'tokens/*.json',
  fix: 'Nobody is let in by it. Make another one (`perennial tokens create`) and remove the object.',
  name: 'token of the servers',
  formatVersion: 1,
  schema: recordSchema(
    {
      id: { type: 'string', pattern: '^[0-9a-f]{12}$' },
      name: TEXT,
      role: { enum: [...ROLES] },
      models: orNull(listOf(TEXT)),
      digest: { type: 'string', pattern: '^[0-9a-f]{64}$' },
      createdAt: TEXT,
      createdBy: TEXT,
      expiresAt: orNull(TEXT),
      revokedAt: orNull(TEXT),
    },
    {
      revokedBy: orNull(TEXT),
      requestsPerSecond: { type: 'number', exclusiveMinimum: 0 },
      rowsPerRequest: { type: 'integer', minimum: 1 },
    },
  ),
});

/** Where the tokens of a store lie. */
export const TOKENS_PREFIX = 'tokens/';
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const FORM = /^perennial_([0-9a-f]{12})_[\w-]{43}$/;
/** Of names of holders, and of lifetimes such as "90d": regular expressions. */
export const TOKEN_NAME_PATTERN = '^[A-Za-z0-9][\\w. @-]{0,62}$';
export const LIFETIME_PATTERN = '^[1-9][0-9]*[smhd]$';
const NAME = new RegExp(TOKEN_NAME_PATTERN);
const LIFETIME = new RegExp(LIFETIME_PATTERN);

export interface TokenRequest extends TokenLimits {
  readonly name: string;
  readonly role: Role;
  /** Left out: all. */
  readonly models?: readonly string[];
  /** From now, in milliseconds; left out: it does not expire. */
  readonly lifetimeMs?: number;
}

/**
 * A new token. It is told once, here.
 *
 * @throws USAGE for a name that is no name, or that a token in force has
 */
export async function createToken(
  store: ObjectStore,
  { name, role, models, lifetimeMs, requestsPerSecond, rowsPerRequest }: TokenRequest,
  by: string,
): Promise<{ readonly record: TokenRecord; readonly token: string }> {
  if (!NAME.test(name))
    throw new PerennialError('USAGE', `${JSON.stringify(name.slice(0, 80))} is no name for a token.`, {
      hint: 'Name its holder with up to 63 letters, digits, blanks and "-_.@", e.g. "checkout-service".',
    });
  if (models?.length === 0) throw new PerennialError('USAGE', 'A token for no model lets nobody do anything.', { hint: 'Name a model.' });
  if (requestsPerSecond !== undefined && !(requestsPerSecond > 0 && Number.isFinite(requestsPerSecond)))
    throw new PerennialError('USAGE', `${requestsPerSecond} requests a second are no limit.`, {
      hint: 'Give a number above 0, e.g. 100, or 0.5 for one request in two seconds.',
    });
  if (rowsPerRequest !== undefined && !(Number.isSafeInteger(rowsPerRequest) && rowsPerRequest > 0))
    throw new PerennialError('USAGE', `${rowsPerRequest} rows in a request are no limit.`, { hint: 'Give a whole number from 1 on.' });
  const now = await storeNow(store);
  const same = (await listTokens(store)).find((one) => one.name === name && isInForce(one, now));
  if (same !== undefined)
    throw new PerennialError('USAGE', `There is a token for ${JSON.stringify(name)} already, created at ${same.createdAt}.`, {
      hint: `Revoke it first (\`perennial tokens revoke ${same.id}\`), or choose another name: two tokens of one name cannot be told apart.`,
    });
  const id = randomBytes(ID_BYTES).toString('hex');
  const token = `perennial_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const record: TokenRecord = {
    formatVersion: 1,
    id,
    name,
    role,
    models: models === undefined ? null : [...new Set(models)].sort(),
    digest: digestOf(token).toString('hex'),
    createdAt: new Date(now).toISOString(),
    createdBy: by,
    expiresAt: lifetimeMs === undefined ? null : new Date(now + lifetimeMs).toISOString(),
    revokedAt: null,
    revokedBy: null,
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(rowsPerRequest === undefined ? {} : { rowsPerRequest }),
  };
  await putJson(store, tokenKey(id), record, { ifNoneMatch: '*' });
  await tellChanges(store, changesOfToken(record));
  return { record, token };
}

/** What a token tells other programs: that it was made, and that it was taken back. */
export function changesOfToken(token: TokenRecord): Change[] {
  const { id, name, role, models, createdAt, createdBy, expiresAt, revokedAt, revokedBy } = token;
  const base = { subject: `tokens/${id}`, order: 0, pipeline: null, model: null };
  const data = { token: id, name, role, models: models === null ? null : [...models], expiresAt };
  const created: Change = { ...base, key: `token/${id}/created`, type: 'token.created', at: createdAt, data: { ...data, who: createdBy } };
  return revokedAt === null
    ? [created]
    : [created, { ...base, key: `token/${id}/revoked`, type: 'token.revoked', at: revokedAt, data: { ...data, who: revokedBy } }];
}

/** All that there ever were, the oldest first. */
export async function listTokens(store: ObjectStore): Promise<TokenRecord[]> {
  const found: TokenRecord[] = [];
  for await (const { key } of store.list(TOKENS_PREFIX)) {
    const record = (await getStored(store, TOKEN, key))?.value;
    if (record !== undefined) found.push(record);
  }
  return found.sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}

/**
 * Takes a token back: by its id, or by the name that a token in force has. Again: as it was.
 *
 * @throws NOT_FOUND
 */
export async function revokeToken(store: ObjectStore, reference: string, by: string): Promise<TokenRecord> {
  const now = await storeNow(store);
  const all = await listTokens(store);
  const found = all.find(({ id }) => id === reference) ?? all.findLast((one) => one.name === reference && one.revokedAt === null);
  if (found === undefined)
    throw new PerennialError('NOT_FOUND', `There is no token ${JSON.stringify(reference.slice(0, 80))}.`, {
      hint: '`perennial tokens list` shows those there are.',
    });
  const stored = await getStored(store, TOKEN, tokenKey(found.id));
  if (stored === undefined || stored.value.revokedAt !== null) return stored?.value ?? found;
  const revoked: TokenRecord = { ...stored.value, revokedAt: new Date(now).toISOString(), revokedBy: by };
  await putJson(store, tokenKey(found.id), revoked, { ifMatch: stored.etag });
  await tellChanges(store, changesOfToken(revoked));
  return revoked;
}

/** "90d" → milliseconds; undefined for what is no lifetime. */
export function lifetimeMs(text: string): number | undefined {
  return LIFETIME.test(text) ? durationMs(text) : undefined;
}

/** What is shown of a token. */
export function withoutDigest({ digest: _digest, ...shown }: TokenRecord): Omit<TokenRecord, 'digest'> {
  return shown;
}

export function isInForce({ revokedAt, expiresAt }: Pick<TokenRecord, 'revokedAt' | 'expiresAt'>, nowMs: number): boolean {
  return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > nowMs);
}

/** The id inside of a token; undefined for what has another form. */
export function idOf(token: string): string | undefined {
  return FORM.exec(token)?.[1];
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export function tokenKey(id: string): string {
  return `${TOKENS_PREFIX}${id}.json`;
}
