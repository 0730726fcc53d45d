import type { FastifyInstance } from 'fastify';
import { RequestError } from '../request-error.ts';
import { nameOf } from '../source-rows.ts';
import type { ProtocolContext } from './http.ts';
import { isLogged, objectBody, onlyKeys, sendAnswer, targetOf } from './http.ts';

interface Params {
  readonly model: string;
  readonly version?: string;
}

/**
 * The plain form: `{ "rows": [ { column: value } ] }`, a bare array of rows, or one row.
 * Answers `{ model, version, predictions: [ { label, probabilities } | { value } | { outputs } ], id }`. A model of series answers once
 * per full window, in the order of the last rows of the windows; where there are several series or gaps, each prediction has the `row`
 * that ends its window (from 0), and with a key its `series`.
 */
export function registerRowsProtocol(app: FastifyInstance, { service }: ProtocolContext): void {
  for (const path of ['/models/:model/predict', '/models/:model/versions/:version/predict']) {
    app.post<{ Params: Params }>(path, async (request, reply) => {
      const target = targetOf(request.params.model, request.params.version);
      const answer = await service.ask(target, request.id, () => ({ rows: rowsOfBody(request.body), placed: true }), {
        logged: isLogged(request),
      });
      return sendAnswer(reply, answer.servable, {
        model: answer.servable.model,
        version: answer.servable.version,
        predictions:
          answer.places === undefined
            ? answer.predictions
            : answer.predictions.map((prediction, index) => ({ ...answer.places![index], ...prediction })),
        id: answer.id,
      });
    });
  }
}

function rowsOfBody(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  const object = objectBody(body);
  // A row may have a column named "rows"; it does not hold an array.
  if (!Array.isArray(object.rows)) {
    if (Object.keys(object).length === 1 && 'rows' in object)
      throw new RequestError(400, `"rows" is ${nameOf(object.rows)}; expected an array of objects.`);
    return [object];
  }
  onlyKeys(object, ['rows']);
  return object.rows as unknown[];
}
