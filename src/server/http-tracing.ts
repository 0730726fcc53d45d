import type { FastifyInstance, FastifyRequest } from 'fastify';
import { measure, openSpan, telemetryIsOn } from '../telemetry/telemetry.ts';
import type { OpenSpan } from '../telemetry/telemetry.ts';

/**
 * Every request as a span, part of the trace that its `traceparent` names. The answer names the span in `traceresponse`. Adds
 * nothing to the server where nothing is told.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 * @see https://www.w3.org/TR/trace-context-2/#traceresponse-header
 */
export function traceRequests(app: FastifyInstance): void {
  if (!telemetryIsOn()) return;
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    const active = { 'http.request.method': request.method, 'url.scheme': request.protocol };
    const span = openSpan(route === undefined ? request.method : `${request.method} ${route}`, {
      kind: 'server',
      from: request.headers,
      attributes: {
        ...active,
        ...(route === undefined ? {} : { 'http.route': route }),
        'network.protocol.version': request.raw.httpVersion,
      },
    });
    spans.set(request, span);
    measure('http.server.active_requests', 1, active);
    if (span.traceparent !== '') reply.header('traceresponse', span.traceparent);
    span.within(done);
  });
  // The body arrives in the context of its connection.
  app.addHook('preValidation', (request, _reply, done) => spans.get(request)!.within(done));
  app.addHook('onResponse', async (request, reply) => end(request, reply.statusCode, reply.elapsedTime / 1_000));
  // A client that leaves, or a body that never comes, has no answer.
  app.addHook('onRequestAbort', async (request) => end(request, 499, undefined));

  function end(request: FastifyRequest, status: number, seconds: number | undefined): void {
    const span = spans.get(request);
    if (span === undefined) return;
    spans.delete(request);
    const route = request.routeOptions.url;
    const scheme = { 'http.request.method': request.method, 'url.scheme': request.protocol };
    const failed = status >= 500 ? { 'error.type': String(status) } : {};
    span.set({ 'http.response.status_code': status, 'url.path': status < 400 ? request.url.split('?')[0]! : (route ?? '/') });
    span.end(status >= 500 ? { code: String(status) } : undefined);
    measure('http.server.active_requests', -1, scheme);
    if (seconds !== undefined)
      measure('http.server.request.duration', seconds, {
        ...scheme,
        ...(route === undefined ? {} : { 'http.route': route }),
        'http.response.status_code': status,
        'network.protocol.version': request.raw.httpVersion,
        ...failed,
      });
  }
}
