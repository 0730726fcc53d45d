/** Metrics in the Prometheus text format 0.0.4. @see https://github.com/prometheus/docs (exposition formats) */
export type Labels = Readonly<Record<string, string>>;

interface Family {
  render(): string;
}

export class PrometheusRegistry {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    return this.#add(name, new Counter(name, help));
  }

  gauge(name: string, help: string): Gauge {
    return this.#add(name, new Gauge(name, help));
  }

  /** @param buckets ascending upper bounds; +Inf is added. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return this.#add(name, new Histogram(name, help, buckets));
  }

  render(): string {
    return [...this.#families.values()].map((family) => family.render()).join('');
  }

  #add<F extends Family>(name: string, family: F): F {
    if (this.#families.has(name)) throw new Error(`two metrics named ${name}`);
    this.#families.set(name, family);
    return family;
  }
}

class Values {
  readonly #name: string;
  readonly #head: string;
  protected readonly samples = new Map<string, number>();

  constructor(name: string, help: string, type: string) {
    this.#name = name;
    this.#head = head(name, help, type);
  }

  render(): string {
    return this.#head + [...this.samples].map(([labels, value]) => `${this.#name}${labels} ${numberText(value)}\n`).join('');
  }
}

export class Counter extends Values {
  constructor(name: string, help: string) {
    super(name, help, 'counter');
  }

  add(labels: Labels, amount = 1): void {
    this.#add(labelText(labels), amount);
  }

  /** Adds under labels that are written once. */
  under(labels: Labels): (amount?: number) => void {
    const key = labelText(labels);
    return (amount = 1) => this.#add(key, amount);
  }

  #add(key: string, amount: number): void {
    this.samples.set(key, (this.samples.get(key) ?? 0) + amount);
  }
}

export class Gauge extends Values {
  constructor(name: string, help: string) {
    super(name, help, 'gauge');
  }

  set(labels: Labels, value: number): void {
    this.samples.set(labelText(labels), value);
  }

  /** Sets under labels that are written once. */
  under(labels: Labels): (value: number) => void {
    const key = labelText(labels);
    return (value) => void this.samples.set(key, value);
  }

  /** Forgets all labels: those that are set again are those that are. */
  clear(): void {
    this.samples.clear();
  }
}

export class Histogram {
  readonly #name: string;
  readonly #head: string;
  readonly #buckets: readonly number[];
  readonly #samples = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number; count: number }>();

  constructor(name: string, help: string, buckets: readonly number[]) {
    this.#name = name;
    this.#head = head(name, help, 'histogram');
    this.#buckets = buckets;
  }

  observe(labels: Labels, value: number): void {
    this.#observe(labelText(labels), labels, value);
  }

  /** Observes under labels that are written once. */
  under(labels: Labels): (value: number) => void {
    const key = labelText(labels);
    return (value) => this.#observe(key, labels, value);
  }

  #observe(key: string, labels: Labels, value: number): void {
    let sample = this.#samples.get(key);
    if (sample === undefined) this.#samples.set(key, (sample = { labels, counts: this.#buckets.map(() => 0), sum: 0, count: 0 }));
    let bucket = 0;
    while (bucket < this.#buckets.length && !(value <= this.#buckets[bucket]!)) bucket += 1;
    if (bucket < this.#buckets.length) sample.counts[bucket]! += 1;
    sample.sum += value;
    sample.count += 1;
  }

  render(): string {
    const lines = [...this.#samples].flatMap(([key, { labels, counts, sum, count }]) => {
      let below = 0;
      const buckets = this.#buckets.map((bound, index) => {
        below += counts[index]!;
        return `${this.#name}_bucket${labelText({ ...labels, le: numberText(bound) })} ${below}`;
      });
      return [
        ...buckets,
        `${this.#name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`,
        `${this.#name}_sum${key} ${numberText(sum)}`,
        `${this.#name}_count${key} ${count}`,
      ];
    });
    return this.#head + lines.map((line) => `${line}\n`).join('');
  }
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function labelText(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escaped(labels[name]!)}"`;
  return text === '' ? '' : `{${text}}`;
}

function escaped(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
