import { Command } from 'commander';
import { expect } from 'vitest';
import type { CliIo, CommandModule } from '../../src/cli/commands/command.ts';
import { commands } from '../../src/cli/commands/index.generated.ts';
import { describeLaws } from './support/laws.ts';

const io: CliIo = { json: () => false, interactive: false, print() {}, result() {}, note() {}, exit() {} };

function register(module: CommandModule): Command {
  const program = new Command('perennial').option('--json').enablePositionalOptions();
  module.register(program, io);
  return program;
}

/** The command and all that are below it. */
const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
const commandsOf = (module: CommandModule): Command[] => register(module).commands.flatMap(all);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

const pathOf = (command: Command): string => (command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`);

/** Words of a command line, as a shell makes them of it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain!);

const examplesOf = (help: string): string[][] =>
  help
    .slice(Math.max(0, help.search(/Examples?:/)))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^([A-Z_]+=\S+ )*perennial /.test(line))
    .map((line) => wordsOf(line.split(/ {3,}|\s[|<>&]\s?/)[0]!.replace(/^([A-Z_]+=\S+ )*perennial /, '')));

const COMMON = ['--json', '--help', '-h'];

const laws = {
  'says what it does, each of its commands and options too': (module: CommandModule) => {
    expect(commandsOf(module).length).toBeGreaterThan(0);
    for (const command of commandsOf(module)) {
      expect(command.summary(), `the line of ${pathOf(command)} among the others`).toMatch(/^[a-z].{3,70}[^.]$/);
      expect(command.description(), pathOf(command)).toMatch(/^[A-Z"`].*[.?!]$/s);
      for (const option of command.options.filter(({ long }) => long !== '--json'))
        expect(option.description, `${pathOf(command)} ${option.flags}`).not.toBe('');
    }
  },
  'shows examples in its help, also with --json': (module: CommandModule) => {
    const top = register(module).commands;
    for (const command of top) {
      const help = helpOf(command);
      expect(help).toMatch(/Examples?:/);
      expect(examplesOf(help).length, 'an example begins with "perennial "').toBeGreaterThan(0);
    }
  },
  'has examples that can be typed: commands and options that exist': (module: CommandModule) => {
    const program = register(module);
    for (const command of program.commands.flatMap(all))
      for (const words of examplesOf(helpOf(command))) {
        let at: Command = program;
        for (const word of words) {
          const next = at.commands.find((child) => child.name() === word);
          if (next === undefined) break;
          at = next;
        }
        expect(at, `"${words.join(' ')}" is no command`).not.toBe(program);
        const known = [
          ...COMMON,
          ...at.options.flatMap(({ long, short }) => [long, short]),
          ...(at.parent ?? at).options.flatMap(({ long, short }) => [long, short]),
        ];
        for (const word of words.filter((each) => /^(--[a-z]|-[a-zA-Z]$)/.test(each)))
          expect(known, `"${words.join(' ')}": ${word}`).toContain(word.split('=')[0]);
      }
  },
};

const module: CommandModule = {
  register: (program) =>
    void program
      .command('greet')
      .summary('say hello')
      .description('Greets.')
      .option('--loud', 'louder')
      .addHelpText('after', '\nExamples:\n  perennial greet --loud'),
};
const broken = (change: (command: Command) => void, help = '\nExamples:\n  perennial greet --loud'): CommandModule => ({
  register: (program) =>
    change(program.command('greet').summary('say hello').description('Greets.').option('--loud', 'louder').addHelpText('after', help)),
});

describeLaws<CommandModule>({
  kind: 'command',
  definitions: [...commands, module],
  nameOf: (each) =>
    register(each)
      .commands.map((command) => command.name())
      .join(', '),
  laws,
  mutants: {
    'says what it does, each of its commands and options too': [
      broken((command) => void command.description('')),
      broken((command) => void command.option('--quiet')),
      broken((command) => void command.summary('')),
      broken((command) => void command.summary('Says hello.')),
      broken((command) => void command.description('greets')),
      { register: () => {} },
    ],
    'shows examples in its help, also with --json': [broken(() => {}, ''), broken(() => {}, '\nExamples:\n  greet')],
    'has examples that can be typed: commands and options that exist': [
      broken(() => {}, '\nExamples:\n  perennial greet --lout'),
      broken(() => {}, '\nExamples:\n  perennial great'),
    ],
  },
});
