import { timingSafeEqual } from 'node:crypto';
import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { StepLogger } from '../core/step.ts';
import { TOKEN, TOKENS_PREFIX, digestOf, idOf, isInForce, tokenKey } from './tokens.ts';
import type { TokenRecord } from './tokens.ts';
import { getStored, isUnreadable } from '../storage/stored.ts';
import { storeNow } from '../storage/store-clock.ts';
import { RateLimit } from './rate-limit.ts';
import type { TokenLimits } from './rate-limit.ts';
import { mayAct } from './roles.ts';
import type { Role } from './roles.ts';

/** Who asks. */
export interface Holder extends TokenLimits {
  readonly name: string;
  readonly role: Role;
  /** null: all. */
  readonly models: readonly string[] | null;
}

/** Whoever reaches a server that asks for no token. */
const ANYBODY: Holder = { name: 'anybody', role: 'admin', models: null };
/** Holder of the token that the environment of the server names. */
const OWNER: Holder = { name: 'PERENNIAL_API_TOKEN', role: 'admin', models: null };

/**
 * Why the holder may not do what a call needs; undefined: may.
 *
 * @param model that the call is about; undefined: about none, or all
 */
export function refusalOf({ name, role, models }: Holder, needed: Role, model: string | undefined): string | undefined {
  if (!mayAct(role, needed)) return `The token of ${JSON.stringify(name)} has the role "${role}"; this needs "${needed}".`;
  if (models === null || (model !== undefined && models.includes(model))) return undefined;
  const whose = `The token of ${JSON.stringify(name)} is for ${models.map((one) => JSON.stringify(one)).join(', ')}`;
  return model === undefined ? `${whose}: ask at the address of a model.` : `${whose}, not for ${JSON.stringify(model.slice(0, 80))}.`;
}

/** Why a request has to come later. */
export function tooManyText({ name, requestsPerSecond }: Holder): string {
  return `The token of ${JSON.stringify(name)} is for ${requestsPerSecond} requests a second.`;
}

/** Who may ask a server. */
export interface Guard {
  /** undefined: nobody that is known. */
  holderOf(authorization: string | undefined): Holder | undefined;
  /** Takes a request of a holder in, or says in how many seconds it can be; 0: it is taken in. */
  wait(holder: Holder): number;
  /** Whether everybody is let in, and no token is asked for. */
  readonly isOpen: boolean;
}

/**
 * Tells by the token of the environment alone; without one everybody is let in. The name of the scheme may be in any case.
 *
 * @see RFC 9110, 11.1
 */
export function ownerGuard(token: string | undefined): Guard {
  if (token === undefined || token === '') return { isOpen: true, holderOf: () => ANYBODY, wait: () => 0 };
  const expected = digestOf(token);
  return {
    isOpen: false,
    holderOf: (authorization) => (timingSafeEqual(digestOf(bearer(authorization)), expected) ? OWNER : undefined),
    wait: () => 0,
  };
}

function bearer(authorization: string | undefined): string {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
}

export interface StoreGuardOptions {
  readonly log: StepLogger;
  /** Of the environment. */
  readonly token?: string | undefined;
  /** Between two looks into the store, in milliseconds; default 2,000. */
  readonly everyMs?: number;
}

/**
 * Tells by the tokens of the store as well, and follows them. As soon as the store has one, a token is asked for, also when all are
 * revoked: taking back the last token opens nothing. As long as the store was never read, nobody is let in but by the token of the
 * environment.
 */
export class StoreGuard implements Guard {
  readonly #store: ObjectStore;
  readonly #log: StepLogger;
  readonly #token: string | undefined;
  readonly #owner: Guard;
  readonly #everyMs: number;
  readonly #rate = new RateLimit();
  /** By key; null: a record that cannot be read, which lets nobody in, and still counts as one. */
  #records = new Map<string, { readonly etag: string; readonly record: TokenRecord | null }>();
  #read = false;
  /** How far the clock of the store is ahead of ours. */
  #aheadMs = 0;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(store: ObjectStore, { log, token, everyMs = 2_000 }: StoreGuardOptions) {
    this.#store = store;
    this.#log = log;
    this.#token = token === '' ? undefined : token;
    this.#owner = ownerGuard(token);
    this.#everyMs = everyMs;
  }

  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), this.#everyMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  get isOpen(): boolean {
    return this.#token === undefined && this.#read && this.#records.size === 0;
  }

  wait(holder: Holder): number {
    return this.#rate.wait(holder);
  }

  holderOf(authorization: string | undefined): Holder | undefined {
    if (this.isOpen) return ANYBODY;
    if (this.#token !== undefined) {
      const owner = this.#owner.holderOf(authorization);
      if (owner !== undefined) return owner;
    }
    const given = bearer(authorization);
    const known = this.#records.get(tokenKey(idOf(given) ?? ''))?.record;
    if (known === undefined || known === null || !timingSafeEqual(digestOf(given), Buffer.from(known.digest, 'hex'))) return undefined;
    return isInForce(known, Date.now() + this.#aheadMs) ? known : undefined;
  }

  /** Reads what changed. With the store away, what was known goes on. */
  look(): Promise<void> {
    this.#looking ??= this.#readAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #readAll(): Promise<void> {
    try {
      const found = new Map<string, { readonly etag: string; readonly record: TokenRecord | null }>();
      for await (const { key, etag } of this.#store.list(TOKENS_PREFIX)) {
        const known = this.#records.get(key);
        const record = known?.etag === etag ? known.record : await this.#one(key);
        if (record !== undefined) found.set(key, { etag, record });
      }
      if (found.size > 0) this.#aheadMs = (await storeNow(this.#store)) - Date.now();
      this.#records = found;
      this.#read = true;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.warn('the tokens of the store cannot be read; those that are known hold', { error: messageOf(error) });
      this.#failing = true;
    }
  }

  async #one(key: string): Promise<TokenRecord | null | undefined> {
    try {
      return (await getStored(this.#store, TOKEN, key))?.value;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#log.warn('a token cannot be read and lets nobody in', { key, error: messageOf(error) });
      return null;
    }
  }
}
