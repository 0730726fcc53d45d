import { serverFetch } from '../platform/server-fetch.ts';
import { measure, telemetryIsOn, traceHeaders, traced } from './telemetry.ts';

interface Request {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/**
 * A request to a server of ours, as part of the caller's trace: the other side gets `traceparent`.
 *
 * @param template the path with its parameters by name
 */
export async function tracedFetch(url: string, template: string, request: Request): Promise<Response> {
  if (!telemetryIsOn()) return serverFetch(url, request);
  const method = request.method ?? 'GET';
  const { hostname, port, protocol } = new URL(url);
  const asked = {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'url.template': template,
  };
  const started = performance.now();
  let told: { 'http.response.status_code'?: number; 'error.type'?: string } = { 'error.type': 'SERVER_UNAVAILABLE' };
  try {
    return await traced(method, { kind: 'client', attributes: { ...asked, 'url.scheme': protocol.slice(0, -1) } }, async (span) => {
      const response = await serverFetch(url, { ...request, headers: { ...request.headers, ...traceHeaders() } });
      told = { 'http.response.status_code': response.status, ...(response.status >= 400 ? { 'error.type': String(response.status) } : {}) };
      span.set(told);
      return response;
    });
  } finally {
    measure('http.client.request.duration', (performance.now() - started) / 1_000, { ...asked, ...told });
  }
}
