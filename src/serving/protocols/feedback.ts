import type { FastifyInstance } from 'fastify';
import { readFeedback } from '../../monitoring/feedback/feedback-record.ts';
import type { FeedbackWriter } from '../../monitoring/feedback/feedback-writer.ts';
import { SERVING_LIMITS } from '../limits.ts';
import { RequestError } from '../request-error.ts';
import type { ProtocolContext } from './http.ts';
import { objectBody, onlyKeys, targetOf } from './http.ts';

/**
 * `POST /models/NAME/feedback`: `{ "feedback": [ { "id": …, "label": … } ] }`, a bare array, or one item. It is in the store when it is
 * answered. Whether the id is that of a request is not asked: it may be that of another server.
 */
export function registerFeedback(app: FastifyInstance, { service }: ProtocolContext, writer: FeedbackWriter): void {
  app.post<{ Params: { readonly model: string } }>('/models/:model/feedback', async ({ params, body }, reply) => {
    const { model } = targetOf(params.model);
    await service.router.state(model);
    const items = itemsOf(body);
    if (items.length === 0) throw new RequestError(400, 'There is no feedback: give at least one item.');
    if (items.length > SERVING_LIMITS.rowsMax)
      throw new RequestError(
        413,
        `${items.length} items in one request; at most ${SERVING_LIMITS.rowsMax} are allowed. Send several requests.`,
      );
    await writer.write(
      model,
      items.map((item, place) => readFeedback(item, place)),
    );
    return reply.send({ model, kept: items.length });
  });
}

function itemsOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  const object = objectBody(body);
  if (!Array.isArray(object.feedback)) return [object];
  onlyKeys(object, ['feedback']);
  return object.feedback as unknown[];
}
