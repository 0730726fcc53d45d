import type { FastifyInstance } from 'fastify';
import type { Guard } from '../../access/guard.ts';
import type { ProtocolContext } from '../../serving/protocols/http.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument, servedModels } from './document.ts';
import { operationOf } from './operations.ts';
import type { Operation } from './operations.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent of what browsers ask beforehand. */
    operation?: Operation;
  }
}

/**
 * From here on a route has to have its description, and carries it: what answers at an address that nobody was told of is a way in that
 * nobody checked.
 */
export function requireDescriptions(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      // What browsers ask beforehand.
      if (method === 'OPTIONS') continue;
      const operation = operationOf(method, route.url);
      if (operation === undefined)
        throw new Error(`${method} ${route.url} is not described in OPERATIONS (src/server/openapi/operations.ts).`);
      route.config = { ...route.config, operation };
    }
  });
}

/** `/openapi.json` and, as a page, `/docs`. */
export function registerDocs(app: FastifyInstance, { service, packageVersion }: ProtocolContext, guard: Guard): void {
  app.get('/openapi.json', async ({ holder }) =>
    openApiDocument(await servedModels(service, holder?.models ?? null), { packageVersion, token: !guard.isOpen }),
  );
  const { body, policy } = docsPage();
  app.get('/docs', async (_request, reply) =>
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      .send(body),
  );
}
