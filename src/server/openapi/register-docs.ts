import type { FastifyInstance } from 'fastify';
import type { Guard } from '../../access/guard.ts';
import type { ProtocolContext } from '../../serving/protocols/http.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument, servedModels } from './document.ts';
import { OPERATIONS } from './operations.ts';

/** From here on a route has to have its description: what answers at an address that nobody was told of is a way in that nobody checked. */
export function requireDescriptions(app: FastifyInstance): void {
  const described = new Set(Object.keys(OPERATIONS).map((key) => key.replace(/:(?:predict|classify|regress)$/, '')));
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat())
      // HEAD follows GET, and OPTIONS is what browsers ask beforehand.
      if (one !== 'HEAD' && one !== 'OPTIONS' && !described.has(`${one} ${url}`))
        throw new Error(`${one} ${url} is not described in OPERATIONS (src/server/openapi/operations.ts).`);
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
