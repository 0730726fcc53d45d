import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ARM_HEADER, LOG_HEADER, ROLLOUT_HEADER, VERSION_HEADER } from '../headers.ts';
import type { AskOptions, InferenceService } from '../inference.ts';
import { RequestError } from '../request-error.ts';
import type { Target } from '../router.ts';
import type { Answer, Servable } from '../servable.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the body, unpacked; 0 where there is none. */
    bodyBytes: number;
  }
}

/** What every protocol gets. */
export interface ProtocolContext {
  readonly service: InferenceService;
  /** Of this package, for the protocols' server metadata. */
  readonly packageVersion: string;
}

/** `penguins`, or `penguins@challenger`; a version comes as text from the path. @throws RequestError 404 */
export function targetOf(model: string, version?: string): Target {
  const at = model.indexOf('@');
  if (version === undefined) return at === -1 ? { model } : { model: model.slice(0, at), alias: model.slice(at + 1) };
  if (at !== -1) throw new RequestError(400, `${JSON.stringify(model)} names an alias and the path a version: use one of them.`);
  return { model, version: versionOf(version) };
}

export function versionOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new RequestError(404, `${JSON.stringify(text.slice(0, 80))} is not a version; versions are 1, 2, 3, …`);
  return Number(text);
}

/** The client's own id where it is a harmless one. */
export function requestIdOf(given: unknown): string {
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/**
 * `x-perennial-log: off` of whoever asks for other reasons than use: the prediction log, and with it the drift check, shall not see it.
 *
 * @throws RequestError 400
 */
function isLogged({ headers }: FastifyRequest): boolean {
  return isWishedFor(headers[LOG_HEADER], 'header');
}

/** @param carrier what holds the wish, for the message @throws RequestError 400 */
export function isWishedFor(wish: unknown, carrier: 'header' | 'metadata'): boolean {
  if (wish === undefined || wish === 'on') return true;
  if (wish === 'off') return false;
  throw new RequestError(400, `The ${carrier} ${LOG_HEADER} is ${JSON.stringify(String(wish).slice(0, 40))}; expected "on" or "off".`);
}

/** What decides about a request besides its body. @throws RequestError 400 */
export function askOptions(request: FastifyRequest): AskOptions {
  return new OptionsOf(request, isLogged(request));
}

class OptionsOf implements AskOptions {
  readonly logged: boolean;
  readonly rowsMax: number | undefined;
  readonly bytes: number;
  readonly #headers: FastifyRequest['headers'];

  constructor({ holder, bodyBytes, headers }: FastifyRequest, logged: boolean) {
    this.logged = logged;
    this.rowsMax = holder?.rowsPerRequest;
    this.bytes = bodyBytes;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name.toLowerCase()];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }
}

/** What is said of an answer besides the version. */
export function exposureHeaders({ exposure }: Pick<Answer, 'exposure'>): Readonly<Record<string, string>> {
  return exposure === undefined ? {} : { [ROLLOUT_HEADER]: exposure.rollout, [ARM_HEADER]: exposure.arm };
}

/**
 * Sets the headers that say which version made this answer, and as which part of a rollout.
 *
 * @returns the body, which the handler returns: a promise of the reply itself would watch the connection until the answer has left
 */
export function withVersion<Body>(
  reply: FastifyReply,
  { servable, exposure }: { readonly servable: Servable } & Pick<Answer, 'exposure'>,
  body: Body,
): Body {
  reply.header(VERSION_HEADER, String(servable.version));
  if (exposure !== undefined) reply.headers(exposureHeaders({ exposure }));
  return body;
}

/** Predictions with the rows that they are of, where that does not follow from the order. */
export function placedPredictions({ predictions, places }: Answer): readonly object[] {
  return places === undefined ? predictions : predictions.map((prediction, index) => ({ ...places[index], ...prediction }));
}

/** A row without values that are NaN, which stands for a missing one: those are null. What is no row stays as it is. */
export function withoutNaN<T>(row: T): T {
  if (typeof row !== 'object' || row === null || !holdsNaN(row)) return row;
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number.isNaN(value) ? null : (value as unknown)])) as T;
}

function holdsNaN(row: object): boolean {
  const values = row as Readonly<Record<string, unknown>>;
  for (const name in values) if (Number.isNaN(values[name]) && Object.hasOwn(values, name)) return true;
  return false;
}

export function objectBody(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new RequestError(400, 'The body must be a JSON object.');
  return body as Record<string, unknown>;
}

/** The first name that was there before. */
export function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** @throws RequestError 400 for a key that means nothing here. */
export function onlyKeys(body: Record<string, unknown>, keys: readonly string[], where = 'The body'): void {
  for (const key of Object.keys(body)) {
    if (!keys.includes(key))
      throw new RequestError(
        400,
        `${where} has the unknown key ${JSON.stringify(key)}; it takes ${keys.map((name) => JSON.stringify(name)).join(', ')}.`,
      );
  }
}
