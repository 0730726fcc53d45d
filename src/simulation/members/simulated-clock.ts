/** From a moment on, by the clock of this machine, simulated time is so far ahead of it. */
export interface Jump {
  readonly from: number;
  readonly aheadMs: number;
}

/**
 * The clock of a simulated process. It runs as fast as that of the machine, and jumps when it is told to. Installed, it is what `Date`
 * says in this process: all code, ours and that of packages, is given the simulated time without knowing of it. That of this machine
 * stays with `performance.now()` and timers, which tell how long something takes.
 */
export class SimulatedClock {
  readonly #real = Date;
  readonly #jumps: Jump[];

  constructor(jumps: readonly Jump[]) {
    this.#jumps = [...jumps];
  }

  get aheadMs(): number {
    return this.#jumps.at(-1)?.aheadMs ?? 0;
  }

  /** In milliseconds since 1970. */
  now(): number {
    return this.#real.now() + this.aheadMs;
  }

  jump(jump: Jump): void {
    this.#jumps.push(jump);
  }

  /** Simulated time at a moment of this machine's clock: of what bears the times of the file system. */
  at(realMs: number): number {
    const jump = this.#jumps.findLast(({ from }) => from <= realMs) ?? this.#jumps[0];
    return realMs + (jump?.aheadMs ?? 0);
  }

  install(): void {
    const now = (): number => this.now();
    globalThis.Date = new Proxy(this.#real, {
      construct: (target, given: unknown[], made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made) as object,
      apply: (target) => new target(now()).toString(),
      get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
    });
  }
}
