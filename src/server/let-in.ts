import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest, onResponseHookHandler } from 'fastify';
import { refusalOf, tooManyText } from '../access/guard.ts';
import type { Guard, Holder } from '../access/guard.ts';
import type { StepLogger } from '../core/step.ts';
import { RequestError } from '../serving/request-error.ts';
import { matchedRoute } from './matched-route.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined where nobody had to say. */
    holder?: Holder;
  }
}

/**
 * Lets those in whose token allows what they ask for: by the route that matched, never by the text of the address. What is not described
 * as open needs a token, an address that is not there too. Calls that change something are told in the log, also those that are refused.
 *
 * @returns what has to be asked of every request before anything else is done with it: why it is not let in
 */
export function letIn(
  app: FastifyInstance,
  guard: Guard,
  log: StepLogger,
): (request: FastifyRequest, reply: FastifyReply) => RequestError | undefined {
  app.decorateRequest('holder', undefined);
  const audit: onResponseHookHandler = (request, reply, done) => {
    const { method, holder, id, url, ip } = request;
    log.info('audit', {
      who: holder?.name ?? 'nobody',
      ...certificateOf(request),
      method,
      url,
      status: reply.statusCode,
      requestId: id,
      from: ip,
    });
    done();
  };
  app.addHook('onRoute', (route) => {
    if (route.config?.operation?.audited === true) route.onResponse = [...asList(route.onResponse), audit];
  });
  return (request, reply) => refusalTo(request, reply, guard);
}

const asList = <T>(one: T | T[] | undefined): T[] => (one === undefined ? [] : Array.isArray(one) ? one : [one]);

/** Whose certificate came with the connection, where one is asked for. */
function certificateOf({ raw: { socket } }: FastifyRequest): { readonly certificate?: string } {
  if (!(socket instanceof TLSSocket)) return {};
  const subject = socket.getPeerX509Certificate()?.subject;
  return subject === undefined ? {} : { certificate: subject.replaceAll('\n', ', ') };
}

/** Why a request is not let in; undefined: it is, and knows its holder. */
function refusalTo(request: FastifyRequest, reply: FastifyReply, guard: Guard): RequestError | undefined {
  const { operation, url } = matchedRoute(request);
  if (operation?.open === true || isPreflight(request.method, url)) return undefined;
  const holder = guard.holderOf(request.headers.authorization);
  if (holder === undefined) {
    reply.header('www-authenticate', 'Bearer');
    return new RequestError(401, 'This server asks for a token: send "Authorization: Bearer TOKEN".');
  }
  request.holder = holder;
  const seconds = guard.wait(holder);
  if (seconds > 0) return new RequestError(429, tooManyText(holder), { retryAfter: Math.ceil(seconds) });
  if (operation === undefined) return undefined;
  const scoped = operation.ofSome === true ? { ...holder, models: null } : holder;
  // Of which model it is matters to those who are bound to some.
  const model = scoped.models === null ? undefined : modelOf(request.params);
  const refusal = refusalOf(scoped, operation.role ?? 'predict', model);
  return refusal === undefined ? undefined : new RequestError(403, refusal);
}

/** The question of a browser beforehand, which carries no token. `@fastify/cors` answers it; it does nothing. */
function isPreflight(method: string, url: string | undefined): boolean {
  return method === 'OPTIONS' && url === '*';
}

/** Without the alias, and without the verb of TensorFlow Serving. */
function modelOf(params: unknown): string | undefined {
  const { model } = (params ?? {}) as { readonly model?: string };
  return model?.replace(/:[a-z]+$/, '').replace(/@.*$/s, '');
}
