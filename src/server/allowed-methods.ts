import type { FastifyInstance } from 'fastify';

/** Watches the routes of a server from here on. The answer tells which methods an address takes: none where there is no such address. */
export function watchMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    let route = routes.get(url);
    if (route === undefined) routes.set(url, (route = { pattern: patternOf(url), methods: new Set() }));
    for (const one of typeof method === 'string' ? [method] : method) route.methods.add(one);
  });
  return (path) =>
    [...new Set([...routes.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]))].sort();
}

/** `/v2/models/:model` → an expression that takes any one part in the place of the name. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}/?$`);
}
