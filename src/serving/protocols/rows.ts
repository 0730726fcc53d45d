import type { FastifyInstance } from 'fastify';
import { shownValue } from '../../core/json.ts';
import { RequestError } from '../request-error.ts';
import { nameOf } from '../source-rows.ts';
import type { ProtocolContext } from './http.ts';
import { askOptions, objectBody, onlyKeys, placedPredictions, withVersion, targetOf } from './http.ts';

interface Params {
  readonly model: string;
  readonly version?: string;
}

/**
 * The plain form: `{ "rows": [ { column: value } ] }`, a bare array of rows, or one row.
 * With `"partial": true` rows that cannot be answered are listed under `refused` with their place and the reason, and each prediction has
 * the `row` that it is of.
 * Answers `{ model, version, predictions: [ { label, probabilities } | { value } | { outputs } ], id }`. A model of series answers once
 * per full window, in the order of the last rows of the windows; where there are several series or gaps, each prediction has the `row`
 * that ends its window (from 0), and with a key its `series`.
 */
export function registerRowsProtocol(app: FastifyInstance, { service }: ProtocolContext): void {
  for (const path of ['/models/:model/predict', '/models/:model/versions/:version/predict']) {
    app.post<{ Params: Params }>(path, async (request, reply) => {
      const target = targetOf(request.params.model, request.params.version);
      const answer = await service.ask(target, request.id, () => ({ ...questionOfBody(request.body), placed: true }), askOptions(request));
      return withVersion(reply, answer, {
        model: answer.servable.model,
        version: answer.servable.version,
        predictions: placedPredictions(answer),
        ...(answer.refused === undefined ? {} : { refused: answer.refused }),
        id: answer.id,
      });
    });
  }
}

function questionOfBody(body: unknown): { readonly rows: readonly unknown[]; readonly partial?: true } {
  if (Array.isArray(body)) return { rows: body };
  const object = objectBody(body);
  // A row may have a column named "rows"; it does not hold an array.
  if (!Array.isArray(object.rows)) {
    if (Object.keys(object).length === 1 && 'rows' in object)
      throw new RequestError(400, `"rows" is ${nameOf(object.rows)}; expected an array of objects.`);
    return { rows: [object] };
  }
  onlyKeys(object, ['rows', 'partial']);
  const { partial } = object;
  if (partial !== undefined && typeof partial !== 'boolean')
    throw new RequestError(
      400,
      `"partial" is ${shownValue(partial)}; expected true (rows that cannot be answered are set aside) or false.`,
    );
  return { rows: object.rows as unknown[], ...(partial === true ? { partial } : {}) };
}
