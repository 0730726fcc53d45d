import type { InterceptingCall as Call, Interceptor } from '@grpc/grpc-js';

export interface CallsUntilClosed {
  /** Of a connection: retries as the client library does by default, until {@link close}. */
  readonly interceptors: Interceptor[];
  /** To be called before the connection is closed: what would be tried again after it fails with CANCELLED. */
  close(): void;
}

/**
 * Calls of a connection that end with it. One that waits to be tried again while its channel is shut down would throw from a timer, where
 * nobody can catch it, and take the process with it.
 */
export async function callsUntilClosed(): Promise<CallsUntilClosed> {
  const [{ defaultGrpcRetryOptions, makeGrpcRetryInterceptor }, { InterceptingCall, Metadata, status }] = await Promise.all([
    import('@temporalio/client'),
    import('@grpc/grpc-js'),
  ]);
  let closed = false;
  const ended = (): ConstructorParameters<typeof Call>[0] => ({
    start: (_metadata, listener) => {
      const result = { code: status.CANCELLED, details: 'The connection to Temporal was closed.', metadata: new Metadata() };
      setImmediate(() => listener?.onReceiveStatus?.(result));
    },
    sendMessage: () => {},
    sendMessageWithContext: () => {},
    startRead: () => {},
    halfClose: () => {},
    cancelWithStatus: () => {},
    getPeer: () => '',
    getAuthContext: () => null,
  });
  return {
    interceptors: [
      makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
      (options, next) => new InterceptingCall(closed ? ended() : next(options)),
    ],
    close: () => {
      closed = true;
    },
  };
}
