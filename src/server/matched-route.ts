import type { FastifyContextConfig, FastifyRequest } from 'fastify';

/** The route that a request was matched to. */
export interface MatchedRoute {
  /** With its parameters by name; undefined: none matched. */
  readonly url: string | undefined;
  readonly operation: FastifyContextConfig['operation'];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The framework makes its own view of the route anew whenever it is asked for. */
    matched: MatchedRoute | null;
  }
}

/** Looked up once for each request. */
export function matchedRoute(request: FastifyRequest): MatchedRoute {
  if (request.matched !== null) return request.matched;
  const { url, config } = request.routeOptions;
  return (request.matched = { url, operation: config.operation });
}
