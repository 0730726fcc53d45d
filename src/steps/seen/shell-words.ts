/** One command of a shell text. "*" stands for what is known only at run time. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** Files that its input is redirected from. What is only written is left out. */
  readonly reads: readonly string[];
  /** Names of the variables in it, `@` among them. */
  readonly variables: readonly string[];
  /** The words, and what is read, with {@link placeholder}s for what only a run knows. */
  readonly raw: readonly string[];
  readonly rawReads: readonly string[];
}

/** Stands in a word for `NAME`, the value of a variable; `(TEXT`, what a command gives; `!WHAT`, what is not understood. */
export const PLACEHOLDER = /\ue000([^\ue001]*)\ue001/g;
const placeholder = (what: string): string => `\ue000${what.replace(/[\ue000\ue001]/g, '')}\ue001`;
const shown = (raw: string): string => raw.replace(PLACEHOLDER, '*');

/** Commands of a shell text in the order of their writing, those inside `$(…)`, backticks, `(…)` and `{…}` included. */
export function shellCommands(text: string): ShellCommand[] {
  const reader = new Reader(text);
  reader.commands(undefined);
  return reader.found;
}

class Reader {
  readonly found: ShellCommand[] = [];
  readonly #text: string;
  #at = 0;
  #variables: string[] = [];
  /** Here-documents that begin with the next line. */
  #pending: { readonly end: string; readonly tabs: boolean; readonly literal: boolean }[] = [];

  constructor(text: string) {
    this.#text = text.replace(/\\\r?\n/g, '');
  }

  /** Reads to the closing character, or the end. */
  commands(close: string | undefined): void {
    let words: string[] = [];
    let reads: string[] = [];
    const flush = (): void => {
      if (words.length > 0 || reads.length > 0)
        this.found.push({ words: words.map(shown), reads: reads.map(shown), variables: this.#variables, raw: words, rawReads: reads });
      words = [];
      reads = [];
      this.#variables = [];
    };
    // What is read inside a substitution belongs to it alone.
    const outside = this.#variables;
    this.#variables = [];
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at]!;
      if (character === close) {
        this.#at += 1;
        break;
      }
      if (character === '\n') {
        this.#at += 1;
        flush();
        this.#hereDocuments();
      } else if (/\s/.test(character)) this.#at += 1;
      else if (character === '#') this.#skipLine();
      else if (character === '(' && words.length === 1 && this.#text[this.#at + 1] === ')') {
        // name() { … }: known as a function from here on.
        this.#at += 2;
        words = ['function', words[0]!];
        flush();
      } else if (character === '(') {
        this.#at += 1;
        flush();
        this.commands(')');
      } else if (';&|)'.includes(character)) {
        this.#at += 1;
        flush();
      } else if (character === '<' || character === '>') this.#redirect(reads);
      else words.push(this.#word());
    }
    flush();
    this.#variables = outside;
  }

  #skipLine(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at += 1;
  }

  #redirect(reads: string[]): void {
    const operator = /^(?:<<<|<<-?|<>|<&|>&|>>|>\||<\(|>\(|<|>)/.exec(this.#text.slice(this.#at, this.#at + 3))![0];
    this.#at += operator.length;
    if (operator === '<(' || operator === '>(') return this.commands(')');
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at += 1;
    const start = this.#at;
    const target = this.#word();
    if (operator.startsWith('<<') && operator !== '<<<')
      this.#pending.push({ end: target, tabs: operator === '<<-', literal: /["'\\]/.test(this.#text.slice(start, this.#at)) });
    else if (operator === '<' || operator === '<>') reads.push(target);
  }

  #hereDocuments(): void {
    for (const { end, tabs, literal } of this.#pending) {
      let body = '';
      while (this.#at < this.#text.length) {
        const stop = this.#text.indexOf('\n', this.#at);
        const line = this.#text.slice(this.#at, stop === -1 ? undefined : stop);
        this.#at = stop === -1 ? this.#text.length : stop + 1;
        if ((tabs ? line.replace(/^\t+/, '') : line) === end) break;
        body += `${line}\n`;
      }
      if (!literal) for (const command of substitutions(body)) this.found.push(command);
    }
    this.#pending = [];
  }

  #word(): string {
    let word = '';
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at]!;
      if (/[\s;&|()<>]/.test(character)) break;
      if (character === "'") {
        const end = this.#text.indexOf("'", this.#at + 1);
        word += this.#text.slice(this.#at + 1, end === -1 ? undefined : end);
        this.#at = end === -1 ? this.#text.length : end + 1;
      } else if (character === '"') word += this.#quoted();
      else if (character === '\\') {
        word += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
      } else if (character === '$' || character === '`') word += this.#expansion();
      else {
        const rest = this.#text.slice(this.#at, this.#at + 400);
        // One of several characters is any character.
        const several = character === '[' ? /^\[[!^]?\]?(?:\[[:.=]\w+[:.=]\]|[^\]\s;&|()<>'"$`])+\]/.exec(rest) : null;
        if (several !== null) word += '?';
        else if (character === '{' && /^\{[^\s{}]*(?:,|\.\.)[^\s]*/.test(rest)) word += placeholder('!{…}') + character;
        else if (character === '~' && /^$|[=:]$/.test(word) && /^~[^/\s;&|()<>]/.test(rest)) word += placeholder('!~') + character;
        else word += character;
        this.#at += several?.[0].length ?? 1;
      }
    }
    return word;
  }

  #quoted(): string {
    let word = '';
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const character = this.#text[this.#at]!;
      if (character === '\\') {
        word += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
      } else if (character === '$' || character === '`') word += this.#expansion();
      else {
        word += character;
        this.#at += 1;
      }
    }
    this.#at += 1;
    return word;
  }

  #expansion(): string {
    const rest = this.#text.slice(this.#at);
    const start = this.#at;
    if (rest.startsWith('`')) {
      this.#at += 1;
      this.commands('`');
      return placeholder(`(${this.#text.slice(start + 1, this.#at - 1)}`);
    }
    if (rest.startsWith('$((')) {
      const end = rest.indexOf('))');
      this.#at += end === -1 ? rest.length : end + 2;
      return placeholder('!$((…))');
    }
    if (rest.startsWith('$(')) {
      this.#at += 2;
      this.commands(')');
      return placeholder(`(${this.#text.slice(start + 2, this.#at - 1)}`);
    }
    if (rest.startsWith("$'")) {
      this.#at += 1;
      return /^\$'[^']*\\/.test(rest) ? placeholder("!$'…'") : '';
    }
    const variable = /^\$(?:\{[^}]*\}|[A-Za-z_]\w*|[0-9@*#?$!-])/.exec(rest);
    this.#at += variable?.[0].length ?? 1;
    // The folder of the script itself.
    if (variable === null) return '$';
    const name = /[A-Za-z_]\w*|[0-9@*]/.exec(variable[0].slice(1))?.[0];
    if (name !== undefined) this.#variables.push(name);
    if (/^\$\{?0\b/.test(variable[0])) return '$0';
    // Whatever takes a value apart, or another in its place, is evaluated by nobody here.
    const plain = /^\$(?:\{([A-Za-z_]\w*|[0-9]+|[@*])(?::?\?[^}]*)?\}|([A-Za-z_]\w*|[0-9@*]))$/.exec(variable[0]);
    if (plain !== null) return placeholder((plain[1] ?? plain[2])!);
    return placeholder(`!${name ?? variable[0]}`);
  }
}

function substitutions(text: string): ShellCommand[] {
  return [...text.matchAll(/\$\(([^()]*)\)|`([^`]*)`/g)].flatMap(([, first, second]) => shellCommands(first ?? second ?? ''));
}
