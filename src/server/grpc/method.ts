import type { Role } from '../../access/roles.ts';
import { VERSION_HEADER } from '../../serving/headers.ts';
import type { AskOptions } from '../../serving/inference.ts';
import { exposureHeaders } from '../../serving/protocols/http.ts';
import type { Answer } from '../../serving/servable.ts';
import type { Codec } from './codec.ts';

export interface Call {
  /** Of the request, in the log of the server. */
  readonly id: string;
  readonly request: Record<string, unknown>;
  readonly options: AskOptions;
  /** Metadata of the answer. */
  tell(name: string, value: string): void;
}

export interface Method {
  readonly request: string;
  readonly response: string;
  /** Anybody may ask. */
  readonly open?: true;
  /** What a token has to allow; default "predict". */
  readonly role?: Role;
  /** Changes something: each call is told in the log. */
  readonly audited?: true;
  /** The model that a request is about, which a token may be bound to; undefined: none. */
  readonly model?: (request: Call['request']) => unknown;
  readonly run: (call: Call) => object | Promise<object>;
}

/** The methods of a service, by name. */
export interface GrpcService {
  /** With its package. */
  readonly name: string;
  readonly codec: Codec;
  readonly methods: Readonly<Record<string, Method>>;
}

/** Says in the metadata which version answered, and in which arm of a rollout. */
export function tellAnswer({ tell }: Call, answer: Answer): void {
  tell(VERSION_HEADER, String(answer.servable.version));
  for (const [name, value] of Object.entries(exposureHeaders(answer))) tell(name, value);
}
