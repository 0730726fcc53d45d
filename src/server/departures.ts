import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { telemetryIsOn } from '../telemetry/telemetry.ts';

/**
 * Lets answers leave. Where several connections ask at the same time, those that are made in one turn of the event loop leave together at
 * its end: each write wakes the reader on the other side, who mostly runs where we would go on. Whoever asks alone waits for nothing.
 */
export class Departures {
  #waiting: (() => void)[] = [];
  /** Of the answer before; known by its number, as it may be gone. */
  #last: number | undefined;

  /** @param send called exactly once, at the end of this turn at the latest */
  leave({ remotePort }: Socket, send: () => void): void {
    const others = this.#last !== remotePort || this.#waiting.length > 0;
    this.#last = remotePort;
    if (!others) return send();
    if (this.#waiting.length === 0) setImmediate(() => this.#sendAll());
    this.#waiting.push(telemetryIsOn() ? AsyncResource.bind(send) : send);
  }

  #sendAll(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (const send of all) send();
  }
}
