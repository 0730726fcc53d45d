import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { receiveEvent } from '../../monitoring/triggers/event-inbox.ts';
import { RequestError } from '../request-error.ts';
import { objectBody, onlyKeys } from './http.ts';

/** Bounds of an event. */
export const EVENT_LIMITS = { idChars: 200, textChars: 500, dataBytes: 16_384 } as const;

const KEYS = ['id', 'type', 'why', 'data'] as const;
/** Of names of pipelines: a regular expression. */
export const PIPELINE_NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';
const NAME = new RegExp(PIPELINE_NAME_PATTERN);

/**
 * `POST /pipelines/NAME/events`: `{ "id": …, "type": …, "why": …, "data": { … } }`. It is in the store when it is answered; the same id is
 * one event. The next look of the trigger "event" takes all that came.
 *
 * @param by who a request is from
 */
export function registerEvents(app: FastifyInstance, store: ObjectStore, by: (request: FastifyRequest) => string): void {
  app.post<{ Params: { readonly pipeline: string } }>('/pipelines/:pipeline/events', async (request, reply) => {
    const { pipeline } = request.params;
    if (!NAME.test(pipeline)) throw new RequestError(404, `"${pipeline}" is no name of a pipeline.`);
    const body = objectBody(request.body);
    onlyKeys(body, [...KEYS]);
    const id = textOf(body, 'id', EVENT_LIMITS.idChars);
    if (id === '') throw new RequestError(400, '"id" is missing: a text that is the same however often the event is told.');
    const event = {
      pipeline,
      id,
      type: textOf(body, 'type', EVENT_LIMITS.textChars) || 'event',
      why: textOf(body, 'why', EVENT_LIMITS.textChars),
      data: dataOf(body['data']),
      by: by(request),
      at: new Date().toISOString(),
    };
    try {
      const { state, what, lookedAt } = await receiveEvent(store, event);
      return await reply.send({
        pipeline,
        id,
        state: state === 'kept' ? 'waits' : state,
        new: state === 'kept',
        lookedAt,
        ...(what === undefined ? {} : { what }),
      });
    } catch (error) {
      if (!(error instanceof PerennialError)) throw error;
      if (error.code === 'NOT_FOUND') throw new RequestError(404, `${error.message} ${error.hint}`);
      if (error.code === 'LIMIT_EXCEEDED') throw new RequestError(429, `${error.message} ${error.hint}`);
      throw error;
    }
  });
}

function textOf(body: Readonly<Record<string, unknown>>, key: (typeof KEYS)[number], most: number): string {
  const value = body[key] ?? '';
  if (typeof value !== 'string') throw new RequestError(400, `"${key}" is ${JSON.stringify(value)}; expected a text.`);
  if (value.length > most) throw new RequestError(400, `"${key}" has ${value.length} characters; at most ${most} are allowed.`);
  return value;
}

function dataOf(value: unknown): JsonObject {
  if (value === undefined) return {};
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new RequestError(400, '"data" is no object.');
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > EVENT_LIMITS.dataBytes)
    throw new RequestError(
      413,
      `"data" has ${bytes} bytes; at most ${EVENT_LIMITS.dataBytes} are allowed. Say where the data are instead.`,
    );
  return value as JsonObject;
}
