import { PerennialError } from '../core/errors.ts';
import { freePort, holderOf, isFree } from '../platform/ports.ts';

export interface PortWish {
  /** For messages, e.g. "the server". */
  readonly what: string;
  readonly option: string;
  /** What the user asked for; 0 asks for any. */
  readonly asked?: number | undefined;
  readonly standard: number;
  /** The one of last time: links that runs of then have still lead somewhere. */
  readonly last?: number | undefined;
}

/**
 * The port that was asked for, else the one of last time, else the standard one, else a free one with a note.
 *
 * @throws PORT_TAKEN naming the holder, where the port was asked for.
 */
export async function choosePort(wish: PortWish, note: (text: string) => void): Promise<number> {
  if (wish.asked === undefined || wish.asked === 0) {
    if (wish.last !== undefined && (await isFree(wish.last))) return wish.last;
  }
  if (wish.asked === 0) return freePort();
  const port = wish.asked ?? wish.standard;
  if (await isFree(port)) return port;
  const holder = holderOf(port);
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command.slice(0, 120)})`;
  if (wish.asked !== undefined) {
    throw new PerennialError('PORT_TAKEN', `Port ${port}, asked for by ${wish.option} for ${wish.what}, is taken by ${who}.`, {
      hint: `Stop that process, give ${wish.option} another port, or leave ${wish.option} out to get a free one.`,
      details: { port, ...holder },
    });
  }
  const other = await freePort();
  note(`Port ${port} for ${wish.what} is taken by ${who}; using ${other}.`);
  return other;
}
