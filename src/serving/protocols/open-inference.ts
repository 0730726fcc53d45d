import type { FastifyInstance } from 'fastify';
import { RequestError } from '../request-error.ts';
import type { Answer } from '../servable.ts';
import type { ProtocolContext } from './http.ts';
import { outputsOf, valuesOf } from '../named-outputs.ts';
import { isLogged, objectBody, sendAnswer, targetOf } from './http.ts';
import { modelMetadata, questionOf, requestedOutputs } from './open-inference-messages.ts';

interface Params {
  readonly model: string;
  readonly version?: string;
}

/**
 * Open Inference Protocol v2 over HTTP. Where its text and its OpenAPI file disagree, answers hold the fields of both.
 *
 * @see https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md)
 */
export function registerOpenInferenceProtocol(app: FastifyInstance, { service, packageVersion }: ProtocolContext): void {
  const { router } = service;
  app.get('/v2', async () => ({ name: 'perennial', version: packageVersion, extensions: [] }));
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => {
    const degraded = router.states().filter((state) => state.error !== undefined).length;
    return reply
      .code(router.ready ? 200 : 503)
      .send({ ready: router.ready, live: true, store: router.storeReachable ? 'up' : 'down', degraded });
  });
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<{ Params: Params }>(path, async ({ params }, reply) => {
      const target = targetOf(params.model, params.version);
      const versions = await router.versions(target.model);
      const state = await router.state(target.model);
      const { servable, body } = await service.inspect(target, (found) => ({
        servable: found,
        body: modelMetadata(found, versions, state),
      }));
      return sendAnswer(reply, servable, body);
    });
    app.get<{ Params: Params }>(`${path}/ready`, async ({ params }, reply) => {
      const target = targetOf(params.model, params.version);
      try {
        const servable = await service.inspect(target, (found) => found);
        return await sendAnswer(reply, servable, { name: target.model, ready: true });
      } catch (error) {
        if (!(error instanceof RequestError) || error.status !== 503) throw error;
        return reply.code(503).send({ name: target.model, ready: false, error: error.message });
      }
    });
    app.post<{ Params: Params }>(`${path}/infer`, async (request, reply) => {
      const body = objectBody(request.body);
      const id = requestId(body, request.id);
      const answer = await service.ask(
        targetOf(request.params.model, request.params.version),
        id,
        (servable) => {
          requestedOutputs(body, servable);
          return questionOf(body, servable);
        },
        { logged: isLogged(request) },
      );
      return sendAnswer(reply, answer.servable, inferAnswer(answer, requestedOutputs(body, answer.servable)));
    });
  }
}

function requestId(body: Record<string, unknown>, otherwise: string): string {
  if (body.id === undefined || body.id === '') return otherwise;
  if (typeof body.id !== 'string' || body.id.length > 200) throw new RequestError(400, '"id" must be a text of at most 200 characters.');
  return body.id;
}

function inferAnswer(answer: Answer, wanted: readonly string[]): unknown {
  const rows = answer.predictions.length;
  const known = outputsOf(answer.servable);
  return {
    model_name: answer.servable.model,
    model_version: String(answer.servable.version),
    id: answer.id,
    // In the order in which they were asked for.
    outputs: wanted
      .map((name) => known.find((output) => output.name === name)!)
      .map((output) => ({
        name: output.name,
        shape: [rows, ...output.shape],
        datatype: output.datatype,
        data: valuesOf(answer, output).flat(),
      })),
  };
}
