import type { Socket } from 'node:net';

const WORDS: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are larger than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'The chunk extensions are too large.'],
};

/** Answers what is no request of HTTP, or does not arrive in time, and ends the connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket, arrivalMs: number): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const late = ['408 Request Timeout', `The request did not arrive as a whole within ${arrivalMs / 1000} s.`] as const;
  const [status, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? late : (WORDS[error.code ?? ''] ?? ['400 Bad Request', 'This is no request of HTTP/1.1.']);
  const body = JSON.stringify({ error: message });
  // Whoever still sends would not read an answer to the end.
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  socket.destroySoon();
}
