import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { isUnseen } from '../../../src/core/step.ts';
import { coverOf } from '../../../src/steps/seen/cover.ts';
import { fingerprintOfCommand } from '../../../src/steps/seen/command.ts';
import type { SeenCommand } from '../../../src/steps/seen/command.ts';
import { shellCommands } from '../../../src/steps/seen/shell-words.ts';
import { tempDir } from '../../support/temp-dir.ts';

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = tempDir('seen');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

async function look(
  folder: string,
  command: readonly string[],
  change: Partial<SeenCommand> = {},
  environment: Record<string, string> = {},
): Promise<Json | string> {
  const found = await fingerprintOfCommand(
    { command, ...change },
    { documentDir: folder, nominalTime: '2026-01-01T00:00:00.000Z', pipeline: 'p', stepId: 's' },
    { PATH: process.env.PATH, ...environment },
  );
  return isUnseen(found) ? found.why : found;
}

const filesOf = (found: Json | string): string[] =>
  typeof found === 'string' ? [found] : Object.keys((found as { files: Record<string, string> }).files);

const PROJECT = {
  'prep.py':
    'import json, sys, helper\nfrom lib import extra\nfrom lib.deep.more import x as y\ntask = json.load(sys.stdin)\nprint(task["config"])\n',
  'helper.py': '"""Reads nothing.py."""\nTABLE = open("table.csv").read()\n',
  'table.csv': 'a\n',
  'nothing.py': '',
  'lib/__init__.py': '',
  'lib/extra.py': 'from . import near\nfrom .deep import more\n',
  'lib/near.py': '',
  'lib/deep/__init__.py': '',
  'lib/deep/more.py': 'x = 1\n',
  'pkg/__init__.py': '',
  'pkg/__main__.py': 'from .work import go\ngo()\n',
  'pkg/work.py': 'import pkg.rest\ndef go(): pass\n',
  'pkg/rest.py': '',
  'prep.sh':
    '#!/bin/sh\n# a comment: other.sh\n. ./common.sh\nfor part in parts/*.csv; do sort "$part" | uniq > out.txt; done\npython3 helper.py --config=settings.toml\n',
  'common.sh': 'greet() { echo "hi"; }\ngreet\n',
  'other.sh': '',
  'settings.toml': 'x = 1\n',
  'parts/a.csv': '1\n',
  'parts/b.csv': '2\n',
  'parts/readme.md': '',
  'main.mjs':
    "import { readFileSync } from 'node:fs';\nimport './near.mjs';\nfor (const part of ['a', 'b']) readFileSync(`parts/${part}.csv`);\n",
  'near.mjs': "export const near = JSON.parse(require('fs').readFileSync('settings.toml'));\n",
  'unrelated.txt': 'x',
};

describe('what a command is seen to read', () => {
  const folder = folderOf(PROJECT);
  const python = [
    'helper.py',
    'lib/__init__.py',
    'lib/deep/__init__.py',
    'lib/deep/more.py',
    'lib/extra.py',
    'lib/near.py',
    'prep.py',
    'table.csv',
  ];

  it.each([
    ['a script with the helpers that it imports, and files that these name', ['python3', 'prep.py'], python],
    [
      'options of the interpreter',
      ['python3', '-u', '-W', 'ignore', 'prep.py', '--in', 'settings.toml'],
      [...python, 'settings.toml'].sort(),
    ],
    ['a module', ['python3', '-m', 'pkg'], ['pkg/__init__.py', 'pkg/__main__.py', 'pkg/rest.py', 'pkg/work.py']],
    [
      'text of a command line',
      ['python3', '-c', 'import helper; print(open("settings.toml"))'],
      ['helper.py', 'settings.toml', 'table.csv'],
    ],
    ['what stands behind a flag', ['sort', '--temporary-directory=table.csv', '-osettings.toml'], ['settings.toml', 'table.csv']],
    ['a key with a file', ['cat', 'data=table.csv', '@settings.toml'], ['settings.toml', 'table.csv']],
    [
      'a script behind sh -c',
      ['sh', '-c', 'sh prep.sh | cat'],
      ['common.sh', 'helper.py', 'parts/a.csv', 'parts/b.csv', 'prep.sh', 'settings.toml', 'table.csv'],
    ],
    [
      'a script by its first line',
      ['./prep.sh'],
      ['common.sh', 'helper.py', 'parts/a.csv', 'parts/b.csv', 'prep.sh', 'settings.toml', 'table.csv'],
    ],
    ['a program behind env', ['env', '-u', 'X', 'A=1', 'nice', '-n', '5', 'python3', 'helper.py'], ['helper.py', 'table.csv']],
    [
      'redirections and substitutions',
      ['bash', '-c', 'X="$(cat < table.csv)"; cat <<END > "$(python3 helper.py)/x"\n$(cat settings.toml)\nEND'],
      ['helper.py', 'settings.toml', 'table.csv'],
    ],
    [
      'modules of JavaScript, and names that are patterns',
      [process.execPath, 'main.mjs'],
      ['main.mjs', 'near.mjs', 'parts/a.csv', 'parts/b.csv', 'settings.toml'],
    ],
    ['a folder', ['cat', 'parts'], ['parts/a.csv', 'parts/b.csv', 'parts/readme.md']],
    ['nothing', ['true'], []],
  ])('%s', async (_name, command, files) => {
    expect(filesOf(await look(folder, command))).toEqual(files);
  });

  it('counts files that its configuration and its environment name', async () => {
    const found = await look(folder, ['true'], {
      with: { tables: [{ lookup: 'table.csv', parts: 'parts/*.csv' }] },
      env: { SETTINGS: 'settings.toml', PATH: 'lib', TOKEN: { $secret: 'TOKEN' } },
    });
    expect(filesOf(found)).toEqual(['parts/a.csv', 'parts/b.csv', 'settings.toml', 'table.csv']);
    expect(await look(folder, ['true'], { with: { from: 's3://bucket/rows.csv' } })).toMatch(/reads s3:\/\/bucket/);
  });

  it('counts with its folder, program and locale', async () => {
    const [alpha, beta] = [folderOf({ 'a.txt': 'x' }), folderOf({ 'a.txt': 'x' })];
    const [first, second] = [await look(alpha, ['cat', 'a.txt']), await look(beta, ['cat', 'a.txt'])];
    expect(first).not.toEqual(second);
    expect(await look(alpha, ['cat', 'a.txt'])).toEqual(first);
    expect(await look(alpha, ['cat', 'a.txt'], {}, { LC_ALL: 'C' })).not.toEqual(
      await look(alpha, ['cat', 'a.txt'], {}, { LC_ALL: 'de_DE.UTF-8' }),
    );
    expect(coverOf(first)).toEqual(['folder', 'program', 'locale', 'file a.txt']);
  });

  it('counts with the programs that it runs, wherever they are named', async () => {
    const [tools, own] = [
      folderOf({
        jq: '#!/bin/sh\necho 1\n',
        python3: `#!/bin/sh\nexec ${execFileSync('which', ['python3'], { encoding: 'utf8' }).trim()} "$@"\n`,
      }),
      folderOf({ 'a.json': '{}', 'a.py': 'print(1)\n' }),
    ];
    const path = { PATH: `${tools}:${process.env.PATH}` };
    for (const [name, command] of [
      ['jq', ['jq', '.', 'a.json']],
      ['jq', ['sh', '-c', 'nice jq . a.json | sort']],
      ['python3', ['sh', '-c', 'python3 a.py']],
    ] as const) {
      const before = await look(own, command, {}, path);
      expect(before).toHaveProperty('files');
      expect(await look(own, command, {}, path)).toEqual(before);
      // A new version in the place of the old one.
      appendFileSync(join(tools, name), '# changed\n');
      expect(await look(own, command, {}, path)).not.toEqual(before);
    }
  });

  it.each([
    ['the network', { 'a.py': 'import requests\n' }, ['python3', 'a.py'], /uses requests/],
    [
      'the network of a helper',
      { 'a.py': 'import b\n', 'b.py': 'from urllib.request import urlopen\n' },
      ['python3', 'a.py'],
      /b\.py uses urllib/,
    ],
    ['the clock', { 'a.py': 'import datetime\nprint(datetime.date.today())\n' }, ['python3', 'a.py'], /a\.py asks the clock/],
    ['the clock of a shell', {}, ['sh', '-c', 'date > x'], /date asks the clock/],
    ['the clock of JavaScript', { 'a.mjs': 'console.log(new Date())' }, ['node', 'a.mjs'], /asks the clock/],
    ['other programs', { 'a.py': 'import subprocess\n' }, ['python3', 'a.py'], /uses subprocess/],
    ['a program that is not known', {}, ['curl', '-s', 'x'], /what the program curl reads/],
    ['a program that is not known, in a shell', {}, ['sh', '-c', 'true && psql -c "select 1"'], /what the program psql reads/],
    ['a program that a variable names', {}, ['sh', '-c', '$TOOL in.txt'], /made at run time/],
    [
      'an address',
      { 'a.py': 'import pandas\npandas.read_csv("https://example.org/rows.csv")\n' },
      ['python3', 'a.py'],
      /reads https:\/\/example\.org/,
    ],
    [
      'modules by name',
      { 'a.py': 'import importlib, sys\nimportlib.import_module(sys.argv[1])\n' },
      ['python3', 'a.py'],
      /names made at run time/,
    ],
    ['modules by name in JavaScript', { 'a.mjs': 'await import(process.argv[2])' }, ['node', 'a.mjs'], /names made at run time/],
    [
      'the id of the run',
      { 'a.py': 'import json, sys\nprint(json.load(sys.stdin)["run"]["id"])\n' },
      ['python3', 'a.py'],
      /is told of its run/,
    ],
    ['a program from standard input', {}, ['python3', '-'], /standard input/],
    ['the home folder', { 'a.py': 'open(os.path.expanduser("~/x"))' }, ['python3', 'a.py'], /home folder/],
    ['a language that is not known', { 'a.R': 'x' }, ['Rscript', 'a.R'], /the program Rscript/],
    ['a script of a language that is not known', { 'a.rb': '#!/usr/bin/env ruby\nputs 1\n' }, ['./a.rb'], /the program ruby/],
    ['eval', {}, ['sh', '-c', 'eval "$X"'], /makes commands at run time/],
  ])('is doubted for %s, and cached where "files" declares it', async (_name, files, command, doubt) => {
    const folder = folderOf({ ...files, 'declared.txt': 'x' });
    expect(await look(folder, command)).toMatch(doubt);
    expect(await look(folder, command)).toMatch(/declare "files" with all that decides the result/);
    expect(filesOf(await look(folder, command, { files: ['declared.txt'] }))).toContain('declared.txt');
  });

  it('takes "files" as files, folders and patterns from the folder of the document, and refuses what is not there', async () => {
    expect(
      filesOf(await look(folder, ['true'], { cwd: 'lib', files: ['parts/*.csv', 'pkg', '**/more.py'] })).map((name) =>
        name.replace(`${folder}/`, ''),
      ),
    ).toEqual(
      ['deep/more.py', 'parts/a.csv', 'parts/b.csv', 'pkg/__init__.py', 'pkg/__main__.py', 'pkg/rest.py', 'pkg/work.py'].sort((a, b) =>
        a < b ? -1 : 1,
      ),
    );
    await expect(look(folder, ['true'], { files: ['nowhere/*.csv'] })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('counts the nominal time for those who ask for it', async () => {
    const asks = folderOf({ 'a.py': 'import json, sys\nprint(json.load(sys.stdin)["run"]["nominalTime"])\n', 'b.py': 'print(1)\n' });
    expect(await look(asks, ['python3', 'a.py'])).toMatchObject({ nominalTime: '2026-01-01T00:00:00.000Z' });
    expect(await look(asks, ['sh', '-c', 'python3 a.py'])).toMatchObject({ nominalTime: '2026-01-01T00:00:00.000Z' });
    expect(await look(asks, ['python3', 'b.py'])).not.toHaveProperty('nominalTime');
    const step = folderOf({
      'c.py': 'import json, sys\ntask = json.load(sys.stdin)\nprint(task["run"]["step"], task.get("run").get("pipeline"))\n',
      'd.py': 'import json, sys\nprint(json.load(sys.stdin)["run"])\n',
    });
    expect(await look(step, ['python3', 'c.py'])).toMatchObject({ run: { pipeline: 'p', step: 's' } });
    expect(await look(step, ['python3', 'd.py'])).toMatch(/told of its run/);
  });
});

describe('shell words', () => {
  it('are found through quotes, substitutions, here-documents and functions', () => {
    const words = (text: string): string[] => shellCommands(text).map((command) => command.words.join(' '));
    expect(words(`a 'b c' "d $E" | f; g && h\ni # j\nk \\\n l`)).toEqual(['a b c d *', 'f', 'g', 'h', 'i', 'k l']);
    expect(words('echo "x" > "$(python3 -c \'import json; print("y")\')/summary.txt"')).toEqual([
      'python3 -c import json; print("y")',
      'echo x',
    ]);
    expect(words('cat <<END\nnot a command\n$(cat x)\nEND\nnext')).toEqual(['cat', 'cat x', 'next']);
    expect(words('go() { run it; }\ngo')).toEqual(['function go', '{ run it', '}', 'go']);
    expect(shellCommands('sort < in.txt "$A" "$(cat "$B")" ${C}')).toMatchObject([
      { words: ['cat', '*'], reads: [], variables: ['B'] },
      { words: ['sort', '*', '*', '*'], reads: ['in.txt'], variables: ['A', 'C'] },
    ]);
  });
});
