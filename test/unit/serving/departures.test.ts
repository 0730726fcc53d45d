import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Departures } from '../../../src/server/departures.ts';

const socket = (remotePort: number): Socket => ({ remotePort }) as Socket;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('answers on their way out', () => {
  it('of one connection leave at once', async () => {
    const departures = new Departures();
    const left: number[] = [];
    departures.leave(socket(1), () => left.push(0));
    await turn();
    for (const answer of [1, 2, 3]) departures.leave(socket(1), () => left.push(answer));
    expect(left).toEqual([0, 1, 2, 3]);
  });

  it('of several connections leave together at the end of the turn, each once and in their order', async () => {
    const departures = new Departures();
    const left: number[] = [];
    for (const port of [1, 2, 3, 2]) departures.leave(socket(port), () => left.push(port));
    expect(left).toEqual([]);
    await turn();
    expect(left).toEqual([1, 2, 3, 2]);
    await turn();
    expect(left).toEqual([1, 2, 3, 2]);
  });

  it('that are made while others leave go with the next turn', async () => {
    const departures = new Departures();
    const left: string[] = [];
    departures.leave(socket(1), () => {
      left.push('first');
      departures.leave(socket(2), () => left.push('later'));
    });
    departures.leave(socket(3), () => left.push('second'));
    await turn();
    expect(left).toEqual(['first', 'second']);
    await turn();
    expect(left).toEqual(['first', 'second', 'later']);
  });
});
