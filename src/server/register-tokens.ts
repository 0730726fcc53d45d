import type { FastifyInstance } from 'fastify';
import { ROLES } from '../access/roles.ts';
import type { Role } from '../access/roles.ts';
import { createToken, lifetimeMs, listTokens, revokeToken, withoutDigest } from '../access/tokens.ts';
import type { TokenRecord } from '../access/tokens.ts';
import { isPerennialError } from '../core/errors.ts';
import { shownValue } from '../core/json.ts';
import type { ObjectStore } from '../core/ports.ts';
import { objectBody, onlyKeys } from '../serving/protocols/http.ts';
import { RequestError } from '../serving/request-error.ts';

/**
 * Tokens by HTTP, for those who have no way to the store.
 *
 * @param changed to be followed at once
 */
export function registerTokens(app: FastifyInstance, store: ObjectStore, changed: () => Promise<void>): void {
  app.get('/tokens', async () => ({ tokens: (await listTokens(store)).map(shown) }));
  app.post('/tokens', async ({ body, holder }, reply) => {
    const { record, token } = await orRefused(() => createToken(store, requestOf(body), holder?.name ?? 'nobody'));
    await changed();
    return reply.code(201).send({ ...shown(record), token });
  });
  app.delete<{ Params: { readonly id: string } }>('/tokens/:id', async ({ params, holder }) => {
    const record = await orRefused(() => revokeToken(store, params.id, holder?.name ?? 'nobody'));
    await changed();
    return shown(record);
  });
}

function shown(record: TokenRecord): object {
  const { formatVersion: _format, ...facts } = withoutDigest(record);
  return facts;
}

function requestOf(given: unknown): Parameters<typeof createToken>[1] {
  const body = objectBody(given);
  onlyKeys(body, ['name', 'role', 'models', 'lifetime', 'requestsPerSecond', 'rowsPerRequest']);
  const { name, role, models, lifetime, requestsPerSecond, rowsPerRequest } = body;
  for (const [limit, value] of Object.entries({ requestsPerSecond, rowsPerRequest }))
    if (value !== undefined && typeof value !== 'number')
      throw new RequestError(400, `"${limit}" is ${shownValue(value)}; expected a number above 0.`);
  if (typeof name !== 'string') throw new RequestError(400, `"name" is ${shownValue(name)}; expected a text.`);
  if (!ROLES.includes(role as Role))
    throw new RequestError(400, `"role" is ${shownValue(role)}; expected ${ROLES.map((one) => JSON.stringify(one)).join(', ')}.`);
  if (models !== undefined && !(Array.isArray(models) && models.every((model) => typeof model === 'string')))
    throw new RequestError(400, `"models" is ${shownValue(models)}; expected names of models.`);
  const lasts = typeof lifetime === 'string' ? lifetimeMs(lifetime) : undefined;
  if (lifetime !== undefined && lasts === undefined)
    throw new RequestError(400, `"lifetime" is ${shownValue(lifetime)}; expected a duration such as "90d".`);
  return {
    name,
    role: role as Role,
    ...(models === undefined ? {} : { models: models as string[] }),
    ...(lasts === undefined ? {} : { lifetimeMs: lasts }),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond: requestsPerSecond as number }),
    ...(rowsPerRequest === undefined ? {} : { rowsPerRequest: rowsPerRequest as number }),
  };
}

async function orRefused<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isPerennialError(error, 'USAGE')) throw new RequestError(400, `${error.message} ${error.hint}`);
    if (isPerennialError(error, 'NOT_FOUND')) throw new RequestError(404, error.message);
    throw error;
  }
}
