import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refusalOf, tooManyText } from '../access/guard.ts';
import type { Guard, Holder } from '../access/guard.ts';
import type { StepLogger } from '../core/step.ts';
import { RequestError } from '../serving/request-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined where nobody had to say. */
    holder?: Holder;
  }
}

/**
 * Lets those in whose token allows what they ask for: by the route that matched, never by the text of the address. What is not described
 * as open needs a token, an address that is not there too. Calls that change something are told in the log, also those that are refused.
 */
export function letIn(app: FastifyInstance, guard: Guard, log: StepLogger): void {
  app.decorateRequest('holder', undefined);
  app.addHook('onRequest', async (request, reply) => {
    const { operation } = request.routeOptions.config;
    if (operation?.open === true || isPreflight(request)) return;
    const holder = guard.holderOf(request.headers.authorization);
    if (holder === undefined) {
      reply.header('www-authenticate', 'Bearer');
      throw new RequestError(401, 'This server asks for a token: send "Authorization: Bearer TOKEN".');
    }
    request.holder = holder;
    const seconds = guard.wait(holder);
    if (seconds > 0) throw new RequestError(429, tooManyText(holder), { retryAfter: Math.ceil(seconds) });
    const model = modelOf(request.params);
    const scoped = operation?.ofSome === true ? { ...holder, models: null } : holder;
    const refusal = operation === undefined ? undefined : refusalOf(scoped, operation.role ?? 'predict', model);
    if (refusal !== undefined) throw new RequestError(403, refusal);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, holder, id, url, ip } = request;
    if (routeOptions.config.operation?.audited !== true) return;
    log.info('audit', { who: holder?.name ?? 'nobody', method, url, status: reply.statusCode, requestId: id, from: ip });
  });
}

/** The question of a browser beforehand, which carries no token. `@fastify/cors` answers it; it does nothing. */
function isPreflight(request: FastifyRequest): boolean {
  return request.method === 'OPTIONS' && request.routeOptions.url === '*';
}

/** Without the alias, and without the verb of TensorFlow Serving. */
function modelOf(params: unknown): string | undefined {
  const { model } = (params ?? {}) as { readonly model?: string };
  return model?.replace(/:[a-z]+$/, '').replace(/@.*$/s, '');
}
