declare module 'autocannon' {
  interface Request {
    readonly method?: 'GET' | 'POST';
    readonly path?: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    onResponse?(status: number, body: string, context: object, headers?: Record<string, string>): void;
  }
  interface Options extends Request {
    readonly url: string;
    readonly connections?: number;
    /** Seconds. */
    readonly duration?: number;
    /** Requests, in place of a duration. */
    readonly amount?: number;
    /** Seconds until a request counts as lost. */
    readonly timeout?: number;
    readonly requests?: readonly Request[];
  }
  interface Result {
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
    readonly '2xx': number;
    readonly statusCodeStats?: Readonly<Record<string, { readonly count: number }>>;
    /** Seconds. */
    readonly duration: number;
    readonly requests: { readonly total: number; readonly average: number };
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number; readonly average: number };
  }
  export default function autocannon(options: Options): Promise<Result>;
}
