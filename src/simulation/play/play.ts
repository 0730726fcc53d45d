import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { Simulation, SimulatedBound, SimulatedChange } from '../../core/simulation.ts';
import { createRegistry } from '../../registry/registry.ts';
import { updateModel } from '../../runs/models.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import type { ScenarioEvent } from '../scenarios/scenario.ts';
import { Feed } from '../stream/feed.ts';
import { Oracle } from '../stream/oracle.ts';
import type { Stream, StreamRow } from '../stream/stream.ts';
import type { World } from '../world/world.ts';
import { DAY_MS, Ledger } from './ledger.ts';
import { Outages } from './outages.ts';
import type { Prepared } from './prepare.ts';
import { Scheduler } from './scheduler.ts';
import type { Seen } from './scheduler.ts';
import { Traffic } from './traffic.ts';
import type { Answered } from './traffic.ts';

export interface PlaySettings {
  readonly seed: number;
  readonly rowsPerDay: number;
  /** Days before the first one whose rows are known at the start. */
  readonly history: number;
  /** Days after which the labels of a day are known. */
  readonly labelDelayDays: number;
  readonly maxRetrainings: number | undefined;
  /** Points of a hundred. */
  readonly maxLoss: number | undefined;
  readonly events: readonly ScenarioEvent[];
  readonly signal: AbortSignal;
  /** Hears what happens. */
  readonly tell: (line: string) => void;
  /** Hears that a day is over. */
  readonly progress: (day: number) => void;
}

/** Hours of a day at which rows are asked about; and at which labels come, and people do what they do. */
const ASKED_AT = [8, 16];
const LABELS_AT = 20;
const PEOPLE_AT = 10;
const HOUR_MS = 3_600_000;

interface Act {
  readonly at: number;
  /** Before others of the same moment. */
  readonly order: number;
  readonly do: () => Promise<void>;
}

/** Plays a document against a stream, day after day. */
export class Play {
  readonly #world: World;
  readonly #prepared: Prepared;
  readonly #stream: Stream;
  readonly #settings: PlaySettings;
  readonly #ledger: Ledger;
  readonly #feed: Feed;
  readonly #oracle: Oracle;
  readonly #outages: Outages;
  readonly #scheduler: Scheduler;
  readonly #traffic: Traffic;
  readonly #known: { readonly day: number; readonly rows: readonly StreamRow[] }[] = [];
  readonly #answered = new Map<number, Answered[]>();
  readonly #begun = performance.now();
  /** Day on which somebody lets promotions through again. */
  #unpinOn: number | undefined;

  constructor(world: World, prepared: Prepared, stream: Stream, settings: PlaySettings) {
    this.#world = world;
    this.#prepared = prepared;
    this.#stream = stream;
    this.#settings = settings;
    const start = Math.ceil(world.now() / DAY_MS) * DAY_MS;
    this.#ledger = new Ledger(start, settings.tell);
    this.#feed = new Feed(join(world.folder, 'data', 'stream.csv'), stream, start);
    const history = Array.from({ length: settings.history }, (_, index) => index - settings.history);
    for (const day of history) this.#learn(day, stream.rows(day));
    this.#oracle = new Oracle(
      stream,
      this.#known.flatMap(({ rows }) => rows),
      settings.seed,
      prepared.keepDays,
    );
    for (const { day, rows } of this.#known) this.#oracle.know(day, rows);
    this.#outages = new Outages(world, this.#ledger, stream.days);
    this.#scheduler = new Scheduler(world, this.#ledger, this.#outages, prepared.planFor(this.#feed.path));
    this.#traffic = new Traffic(world, prepared.model);
  }

  /** @throws GATE_REJECTED where the first run brings no champion; what the world throws */
  async run(): Promise<Simulation> {
    const { tell, signal, progress } = this.#settings;
    await this.#world.until(this.#ledger.start);
    tell(`day 1: the first run, on ${this.#settings.history} days of rows that are known.`);
    const first = await this.#scheduler.byHand(this.#prepared.planFor(this.#feed.path), 'first');
    if (first?.live !== true)
      throw new PerennialError(
        'GATE_REJECTED',
        `The first run gave no champion: ${first?.headline ?? this.#ledger.incidents.at(-1)?.what ?? ''}`,
        {
          hint: 'Correct the document so that its model passes its gates on its own data, or give it more rows (--rows, --history).',
        },
      );
    for (let day = 0; day < this.#stream.days; day += 1) {
      signal.throwIfAborted();
      await this.#playDay(day);
      progress(day);
    }
    return this.#conclude();
  }

  async #playDay(day: number): Promise<void> {
    const begin = this.#ledger.start + day * DAY_MS;
    const rows = this.#stream.rows(day);
    const world = this.#stream.world(day);
    const wasBroken = day > 0 && this.#stream.world(day - 1).broken !== undefined;
    if (world.broken !== undefined && !wasBroken) this.#ledger.incident(begin, 'upstream', `Upstream: ${world.words}.`);
    this.#oracle.learn(day);
    const oracle = this.#oracle.right(rows);
    const answered: Answered[] = [];
    this.#answered.set(day, answered);
    const seen: Seen = { drift: null, alarm: false };
    const { events } = this.#settings;
    const today = events.filter((event) => event.day === day);
    const isDown = today.some(({ kind }) => kind === 'server');
    const acts: Act[] = [
      // What ticks when the last day ends belongs to a day that is not played.
      ...this.#scheduler.ticks(begin, begin + DAY_MS - (day === this.#stream.days - 1 ? 1 : 0)).map(({ at, desired }) => ({
        at,
        order: 2,
        do: () => this.#scheduler.take({ at, desired }, seen),
      })),
      ...ASKED_AT.map((hour, index) => ({
        at: begin + hour * HOUR_MS,
        order: 0,
        do: () => this.#ask(rows, index, answered, isDown && index === 0),
      })),
      { at: begin + LABELS_AT * HOUR_MS, order: 0, do: () => this.#labelsCome(day - this.#settings.labelDelayDays) },
      ...today.map((event) => ({ at: begin + PEOPLE_AT * HOUR_MS, order: 1, do: () => this.#event(event) })),
      { at: begin + PEOPLE_AT * HOUR_MS, order: 0, do: () => this.#unpin(day) },
    ];
    for (const act of acts.sort((a, b) => a.at - b.at || a.order - b.order)) {
      this.#settings.signal.throwIfAborted();
      await this.#world.until(act.at);
      await act.do();
    }
    await this.#look(day, { oracle, answered, rows: rows.length, seen, words: world.words });
  }

  async #look(
    day: number,
    facts: { oracle: number; answered: readonly Answered[]; rows: number; seen: Seen; words: string },
  ): Promise<void> {
    const answers = facts.answered.flatMap((part) => part.answers);
    const { store } = this.#world;
    const routing = await createRegistry(store, createArtifactStore(store)).routing(this.#prepared.model);
    const rolledBack = this.#ledger.incidents.some((incident) => incident.kind === 'rolledBack' && incident.day >= day);
    if (rolledBack && routing?.routing.pin !== undefined && routing.routing.pin !== null) this.#unpinOn ??= day + 1;
    this.#ledger.days.push({
      day,
      date: new Date(this.#ledger.start + day * DAY_MS).toISOString().slice(0, 10),
      rows: facts.rows,
      answered: answers.length,
      served: answers.length === 0 ? null : answers.filter(({ right }) => right).length / answers.length,
      oracle: facts.oracle,
      version: routing?.routing.aliases['champion'] ?? null,
      drift: facts.seen.drift,
      alarm: facts.seen.alarm,
      world: facts.words,
    });
  }

  async #ask(rows: readonly StreamRow[], part: number, answered: Answered[], isDown: boolean): Promise<void> {
    if (isDown) {
      this.#ledger.incident(this.#world.now(), 'server', 'the model server was killed, and half a day went unanswered.');
      await this.#world.killServer();
    }
    const found = await this.#traffic.ask(rows.filter((_, index) => index % ASKED_AT.length === part));
    answered.push(found);
    if (isDown) await this.#world.startServer();
    else if (this.#prepared.listensToFlags) await this.#traffic.tell(found, 'flags');
    await this.#world.flush();
  }

  async #labelsCome(day: number): Promise<void> {
    if (day < 0) return;
    this.#learn(day, this.#stream.rows(day));
    this.#oracle.know(day, this.#stream.rows(day));
    for (const part of this.#answered.get(day) ?? []) await this.#traffic.tell(part, 'labels');
    this.#answered.delete(day);
  }

  #learn(day: number, rows: readonly StreamRow[]): void {
    this.#known.push({ day, rows });
    this.#feed.add(day, rows);
  }

  async #event({ kind, day }: ScenarioEvent): Promise<void> {
    const source = this.#feed.path;
    if (kind === 'badChallenger') await this.#scheduler.byHand(this.#prepared.weakPlanFor(source), `by-hand-${day + 1}`);
    else if (kind === 'brokenPromotion') await this.#breakPromotion(day);
    else if (kind !== 'server') this.#outages.arm(kind, day);
  }

  /** Labels that were exported wrongly fool the gates, which judge by them. */
  async #breakPromotion(day: number): Promise<void> {
    this.#ledger.incident(this.#world.now(), 'brokenPromotion', 'Upstream: the labels were exported wrongly, and a run read them.');
    const classes = [...new Set(this.#known.flatMap(({ rows }) => rows.map(({ label }) => label)))].sort();
    const mend = this.#feed.mislabel(this.#known, classes);
    try {
      await this.#scheduler.byHand(this.#prepared.planFor(this.#feed.path), `by-hand-${day + 1}`);
    } finally {
      mend();
    }
  }

  /** A day after something was rolled back, somebody has looked, and lets promotions through again. */
  async #unpin(day: number): Promise<void> {
    if (this.#unpinOn === undefined || day < this.#unpinOn) return;
    this.#unpinOn = undefined;
    const { summary } = await updateModel(this.#world.time.temporal, this.#prepared.model, 'unpin', {
      who: 'somebody of the simulation',
      why: 'looked into it the day after',
    });
    this.#ledger.incident(this.#world.now(), 'unpinned', `Somebody lets promotions through again: ${summary}`);
  }

  async #conclude(): Promise<Simulation> {
    const { days, runs, incidents, checks } = this.#ledger;
    const { seed, rowsPerDay, labelDelayDays, maxLoss, maxRetrainings } = this.#settings;
    const { thinned } = this.#scheduler;
    const judged = days.filter(({ served }) => served !== null);
    const served = mean(judged.map((one) => one.served!));
    const oracle = mean(judged.map((one) => one.oracle));
    const loss = 100 * (oracle - served);
    const retrainings = runs.slice(1).filter(({ trainingSeconds }) => trainingSeconds > 0).length;
    const bounds: SimulatedBound[] = [
      ...(maxLoss === undefined
        ? []
        : [{ name: 'loss', asked: `at most ${maxLoss} points behind the oracle`, value: loss, kept: loss <= maxLoss }]),
      ...(maxRetrainings === undefined
        ? []
        : [
            {
              name: 'retrainings',
              asked: `at most ${maxRetrainings} retrainings`,
              value: retrainings,
              kept: retrainings <= maxRetrainings,
            },
          ]),
    ];
    return {
      formatVersion: 1,
      pipeline: this.#scheduler.pipeline,
      model: this.#prepared.model,
      file: this.#prepared.file,
      stream: this.#stream.name,
      seed,
      rowsPerDay,
      labelDelayDays,
      days,
      runs,
      changes: await this.#changes(),
      incidents,
      checks,
      served,
      oracle,
      loss,
      retrainings,
      seconds: (performance.now() - this.#begun) / 1_000,
      bounds,
      notes: [
        ...this.#prepared.notes,
        ...(thinned.length === 0
          ? []
          : [`Data come once a day, so that of the checks of ${thinned.join(', ')} the last one of each day was played.`]),
      ],
    };
  }

  async #changes(): Promise<SimulatedChange[]> {
    const { store } = this.#world;
    const history = await createRegistry(store, createArtifactStore(store)).history(this.#prepared.model);
    return history
      .filter(({ alias, action }) => alias === 'champion' || action === 'unpin')
      .map(({ at, action, from, to, who, why }) => ({ day: this.#ledger.dayOf(Date.parse(at)), at, action, from, to, who, why }));
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
