import { plural } from '../../core/plural.ts';
import { PerennialError } from '../../core/errors.ts';
import { Prng } from '../../core/prng.ts';
import type { ScenarioDefinition, WorldOfDay } from '../scenarios/scenario.ts';
import type { Stream, StreamRow } from './stream.ts';
import type { Cell, SourceTable } from './table.ts';

export interface GeneratedSettings {
  readonly scenario: ScenarioDefinition;
  readonly days: number;
  readonly rowsPerDay: number;
  readonly seed: number;
  readonly label: string;
  /** Columns that the stream decides on, and those that tell nothing. */
  readonly times: readonly string[];
  readonly excluded: readonly string[];
}

/** Numbers are spread by so many of their standard deviations: hardly two rows of a stream are alike. */
const SPREAD = 0.15;
const UNIT = 1_000;

interface NumberColumn {
  readonly name: string;
  readonly integer: boolean;
  readonly deviation: number;
  readonly decimals: number;
  /** Variance between the classes in that within: how well the column tells them. */
  readonly telling: number;
}

/**
 * A stream in the image of the document's own table: rows are drawn from it, class by class, their numbers spread a little, and then the
 * scenario has its way with them.
 *
 * @throws USAGE for a table that the scenario cannot be played with
 */
export function generatedStream(table: SourceTable, settings: GeneratedSettings): Stream {
  const { scenario, label, times, excluded, days, rowsPerDay, seed } = settings;
  const byClass = classesOf(table, label);
  const features = table.columns.filter(
    ({ name, kind }) => name !== label && !times.includes(name) && !excluded.includes(name) && kind !== 'time',
  );
  const numbers = features
    .filter(({ kind }) => kind === 'number' || kind === 'integer')
    .map(({ name, kind }) => measure(name, kind === 'integer', byClass))
    .filter(({ deviation }) => deviation > 0)
    .sort((a, b) => b.telling - a.telling || (a.name < b.name ? -1 : 1));
  if (numbers.length < scenario.numbers)
    throw new PerennialError(
      'USAGE',
      `The scenario "${scenario.name}" changes ${plural(scenario.numbers, 'column')} of numbers; the table of the document has ${numbers.length}.`,
      { hint: 'Choose another scenario (`perennial simulate --help` lists them).' },
    );
  const total = table.rows.length;
  const rows = (day: number): readonly StreamRow[] => {
    const world: WorldOfDay = day < 0 ? { words: '' } : scenario.day(day, days);
    const random = new Prng('simulated day', seed, day);
    const weights = byClass.map(([, own], index) => (own.length / total) * (world.classes?.[index] ?? 1));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return Array.from({ length: rowsPerDay }, (): StreamRow => {
      let place = random.uniform() * sum;
      let chosen = 0;
      while (chosen < weights.length - 1 && place >= weights[chosen]!) place -= weights[chosen++]!;
      const [value, own] = byClass[chosen]!;
      const { [label]: _label, ...drawn } = own[random.below(own.length)]!;
      const row: Record<string, Cell> = { ...drawn };
      numbers.forEach((column, index) => (row[column.name] = changed(row[column.name] as number | null, column, index, world, random)));
      return { row, label: value, at: random.uniform() };
    });
  };
  return {
    name: scenario.name,
    days,
    label,
    columns: table.columns.map(({ name }) => name),
    times,
    features: features.map(({ name, kind }) => ({ name, numeric: kind === 'number' || kind === 'integer' })),
    world: (day) => scenario.day(day, days),
    rows,
  };
}

function changed(value: number | null, column: NumberColumn, index: number, world: WorldOfDay, random: Prng): number | null {
  const spread = SPREAD * random.normal();
  const { broken } = world;
  if (broken?.column === index && broken.how === 'missing') return null;
  if (value === null) return null;
  const moved = value + (spread + (world.shifts?.[index] ?? 0)) * column.deviation;
  const inUnit = broken?.column === index ? moved * UNIT : moved;
  return column.integer ? Math.round(inUnit) : Number(inUnit.toFixed(column.decimals));
}

/** The rows of each class, the most frequent one first. */
export function classesOf({ rows }: SourceTable, label: string): [string | number | boolean, Readonly<Record<string, Cell>>[]][] {
  const found = new Map<string | number | boolean, Readonly<Record<string, Cell>>[]>();
  for (const row of rows) {
    const value = row[label];
    if (value === null || value === undefined) continue;
    const own = found.get(value);
    if (own === undefined) found.set(value, [row]);
    else own.push(row);
  }
  return [...found].sort(([a, own], [b, others]) => others.length - own.length || (String(a) < String(b) ? -1 : 1));
}

function measure(name: string, integer: boolean, byClass: ReturnType<typeof classesOf>): NumberColumn {
  const groups = byClass.map(([, rows]) => rows.map((row) => row[name]).filter((value) => typeof value === 'number'));
  const all = groups.flat();
  const mean = average(all);
  const within = groups.reduce((sum, values) => sum + values.reduce((own, value) => own + (value - average(values)) ** 2, 0), 0);
  const between = groups.reduce((sum, values) => sum + values.length * (values.length === 0 ? 0 : average(values) - mean) ** 2, 0);
  const deviation = all.length === 0 ? 0 : Math.sqrt((within + between) / all.length);
  return {
    name,
    integer,
    deviation,
    // Three digits of the deviation are told.
    decimals: deviation === 0 ? 0 : Math.min(12, Math.max(0, 3 - Math.floor(Math.log10(deviation)))),
    telling: within === 0 ? 0 : between / within,
  };
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
