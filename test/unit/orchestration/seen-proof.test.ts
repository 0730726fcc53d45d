import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { isUnseen } from '../../../src/core/step.ts';
import { fingerprintOfCommand } from '../../../src/steps/seen/command.ts';
import type { SeenCommand } from '../../../src/steps/seen/command.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FILES: Readonly<Record<string, string>> = {
  'settings.json': '{"rows":"lists/c.txt"}',
  'lists/c.txt': 'one',
  'lists/k.txt': 'one',
  'list.txt': 'lists/c.txt\n',
  'inner.inc': 'open("lists/k.txt")',
};

async function look(
  command: readonly string[],
  files: Readonly<Record<string, string>>,
  change: Partial<SeenCommand> = {},
): Promise<Json | string> {
  const folder = tempDir('proof');
  for (const [name, text] of Object.entries({ ...FILES, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const found = await fingerprintOfCommand(
    { command, ...change },
    { documentDir: folder, nominalTime: '2026-01-01T00:00:00.000Z', pipeline: 'p', stepId: 's' },
    { PATH: process.env.PATH, HOME: '/home/somebody', LANG: 'C' },
  );
  return isUnseen(found) ? found.why : found;
}

const HEAD = `import json, sys, pathlib
t = json.load(sys.stdin)
def out(x): (pathlib.Path(t["outputs"]["o"]) / "summary.txt").write_text("read " + str(x).strip())
`;
const python = (text: string, change?: Partial<SeenCommand>, args: readonly string[] = []): Promise<Json | string> =>
  look(['python3', 'a.py', ...args], { 'a.py': HEAD + text }, change);

describe('Python', () => {
  it.each([
    ['a file that a file names', 'cfg = json.load(open("settings.json"))\nout(open(cfg["rows"]).read())', /names only a run makes/],
    ['a name out of a text', 'name = open("local.cfg").read().split("=")[1].strip()\nout(open(name).read())', /names only a run makes/],
    [
      'a path object made of it',
      'cfg = json.load(open("settings.json"))\np = pathlib.Path("lists") / cfg["rows"]\nout(p.read_text())',
      /names only a run makes/,
    ],
    ['a parameter of a function', 'def load(path):\n    return open(path).read()\nout(load("lists/c.txt"))', /names only a run makes/],
    ['lines of a list', 'for line in open("list.txt"):\n    out(open(line.strip()).read())', /names only a run makes/],
    [
      'the parents of its folder',
      'from pathlib import Path as P\nout((P(__file__).resolve().parents[2] / "conf").read_text())',
      /above its folder/,
    ],
    [
      'the parent of the parent',
      'HERE = pathlib.Path(__file__).parent\nROOT = HERE.parent\nout((ROOT / "x.txt").read_text())',
      /above its folder/,
    ],
    ['pardir', 'import os\nb = os.pardir\nout(open(f"{b}/conf/l.txt").read())', /above its folder/],
    ['HOME', 'import os\nout(open(os.environ["HOME"] + "/.conf").read())', /reads its environment, of which HOME/],
    ['all of the environment', 'from os import environ as e\nout(dict(e))', /reads its environment/],
    ['code out of a file', 'exec(open("inner.inc").read())', /runs code/],
    ['a package', 'import mylib\nout(mylib.VALUE)', /uses the package mylib/],
    ['part of a package', 'from sklearn.linear_model import Ridge\nout(Ridge)', /uses the package sklearn/],
    ['the clock under another name', 'from datetime import datetime as D\nout(D.now().isoformat())', /asks the clock/],
    ['the module of the clock under another name', 'import time as c\nout(c.time())', /asks the clock/],
    ['a function of the clock', 'from time import time_ns as n\nout(n())', /asks the clock/],
    ['the clock handed on', 'import time\nf = getattr(time, "ti" + "me")\nout(f())', /asks the clock|made at run time/],
    ['the time of a file', 'import os\nout(os.path.getmtime("list.txt"))', /asks the clock/],
    ['an identity', 'import uuid\nout(uuid.uuid4())', /draws by chance/],
    ['an identity under another name', 'from uuid import uuid4 as u\nout(u())', /draws by chance/],
    ['chance without a seed', 'import random as r\nout(r.random())', /draws by chance/],
    ['the id of its process', 'import os\nout(os.getpid())', /machine or process/],
    [
      'the names of a folder that a file names',
      'import glob\ncfg = json.load(open("settings.json"))\nout(glob.glob(cfg["rows"]))',
      /names only a run makes/,
    ],
    [
      'a database that a file names',
      'import sqlite3\ncfg = json.load(open("settings.json"))\nout(sqlite3.connect(cfg["rows"]))',
      /names only a run makes/,
    ],
    [
      'names put together of words that it is given',
      'import os\nout(open(os.path.join(t["config"]["dir"], t["config"]["name"] + ".txt")).read())',
      /names only a run makes/,
    ],
    [
      'a path bound beside another name',
      'cfg = json.load(open("settings.json"))\nsource, other = cfg["rows"], t["inputs"]["table"]["path"]\nout(open(source).read())',
      /names only a run makes/,
    ],
    [
      'what is taken apart',
      'cfg = json.load(open("settings.json"))\n(source, *rest) = cfg["rows"], "list.txt", "c.txt"\nout(open(source).read())',
      /names only a run makes/,
    ],
    ['arguments put together', 'import os\nout(open(os.path.join(sys.argv[1], sys.argv[2] + ".txt")).read())', /names only a run makes/],
  ])('is doubted for %s', async (_name, text, doubt) => {
    expect(await python(text)).toMatch(doubt);
    expect(await python(text, { files: ['settings.json'] })).toHaveProperty('files');
  });

  it.each([
    ['names of its own', 'out(open("lists/" + "c" + ".txt").read())'],
    ['constants', 'FOLDER = pathlib.Path("lists")\nNAME = "c.txt"\nwith open(FOLDER / NAME) as f:\n    out(f.read())'],
    ['a loop over names of its own', 'for name in ["lists/c.txt", "lists/k.txt"]:\n    out(open(name).read())'],
    ['beside its source', 'out((pathlib.Path(__file__).parent / "list.txt").read_text())'],
    [
      'its inputs',
      'import csv, os\nsrc = t["inputs"]["table"]["path"]\nwith open(os.path.join(src, "train.csv"), newline="") as f:\n    out(len(list(csv.reader(f))))',
    ],
    [
      'all of its inputs',
      'folder = pathlib.Path(t["inputs"]["table"]["path"])\nfor p in sorted(folder.iterdir()):\n    out(p.read_bytes())',
    ],
    [
      'two of its paths, bound side by side',
      'source, out_dir = t["inputs"]["table"]["path"], t["outputs"]["o"]\nfor p in sorted(pathlib.Path(source).iterdir()):\n    out(p.read_bytes())',
    ],
    [
      'its outputs',
      'import os\nos.makedirs(t["outputs"]["o"], exist_ok=True)\nwith open(os.path.join(t["outputs"]["o"], "x.csv"), "w") as f:\n    f.write("x")',
    ],
    ['its values', 'pathlib.Path(t["values"]).write_text(json.dumps({"ok": True}))'],
    ['a name that it is given', 'out(open(t["config"]["table"]).read())'],
    ['an argument', 'out(open(sys.argv[1]).read())'],
    ['chance with a seed', 'import random\nrandom.seed(7)\nout(random.random())'],
    ['times that it is told', 'import datetime, time\ntime.sleep(0)\nout(datetime.datetime.fromisoformat("2026-01-01").isoformat())'],
    ['a variable that is declared', 'import os\nout(os.environ["TEAM"] + os.environ.get("LANG", ""))'],
  ])('is cached with %s', async (_name, text) => {
    const found = await python(text, { with: { table: 'lists/c.txt' }, env: { TEAM: 'x' } }, ['lists/k.txt']);
    expect(found).toHaveProperty('files');
  });

  it('counts what is named, and doubts what is above', async () => {
    expect(await python('out(1)', { with: { dir: '..', name: 'h' } })).toMatch(/above its folder/);
    expect(await python('out(1)', {}, ['..', 'i'])).toMatch(/above its folder/);
  });
});

describe('Python, where only what is understood is cached', () => {
  const TRANSFORMED: Readonly<Record<string, string>> = {
    lower: "name='DATA.TXT'.lower()\nout(open(name).read())",
    replace: "out(open('d_X.txt'.replace('X','a')).read())",
    reversed: "out(open('txt.b_d'[::-1]).read())",
    strip: "out(open('!data.txt!'.strip('!')).read())",
    times: "out(open('d_f.tx'+'t'*1).read())",
    format: "out(open('d_{}.txt'.format('a')).read())",
    percent: "out(open('d_%s.txt' % 'a').read())",
    slice: "n='xdata.txt'\nout(open(n[1:]).read())",
    join: "out(open('_'.join(['d', 'a.txt'])).read())",
    chr: "out(open(chr(100) + '_a.txt').read())",
    appended: "names = []\nnames.append('data.txt'.lower())\nfor n in names: out(open(n).read())",
    augmented: "n = 'd_'\nn += 'a.txt'\nout(open(n).read())",
    'a dictionary of names': "d = {'data.txt': 1}\nfor n in d: out(open(n).read())",
    'open under another name': "f = open\nout(f('da' + 'ta.txt').read())",
    'a folder of another': 'import os\nfor n in os.listdir("lists"): out(open("d" + n.replace("c", "b")).read())',
    expandvars: "import os\nout(open(os.path.expandvars('$TMPDIR/x')).read())",
    sqlite3: "import sqlite3\nout(sqlite3.connect('file:list.txt?mode=ro', uri=True).execute('select 1'))",
    shelve: "import shelve\nout(shelve.open('data')['a'])",
    dbm: "import dbm\nout(dbm.open('data')['a'])",
    XInclude: "import xml.etree.ElementInclude as I, xml.etree.ElementTree as E\nout(I.include(E.parse('list.txt').getroot()))",
    samples: 'import statistics\nout(statistics.NormalDist().samples(3))',
    'compressed with the time': "import gzip\nout(gzip.compress(b'x'))",
    'an archive with the time': "import zipfile\nzipfile.ZipFile('x.zip', 'w').writestr('a', 'b')",
    mkdtemp: 'import tempfile\nout(tempfile.mkdtemp())',
    NamedTemporaryFile: 'from tempfile import NamedTemporaryFile as N\nout(N().name)',
    hash: "out(sorted(['a', 'b'], key=hash))",
    object: 'out(repr(object()))',
    id: 'out(id(t))',
    get_ident: 'import threading\nout(threading.get_ident())',
    times_of_the_process: 'import os\nout(os.times())',
    'an object of a class': 'class A: pass\nout(str(A()))',
    'chance before its seed': 'import random\nout(random.random())\nrandom.seed(1)',
    'chance with a seed that may be none': 'import random\nrandom.seed(t["config"].get("seed"))\nout(random.random())',
    'chance with a seed in another branch': 'import random\nif len(sys.argv) > 9: random.seed(1)\nout(random.random())',
    'a module by its name': "m = __import__('o' + 's')\nout(m.listdir())",
    'the class of classes': 'out(().__class__.__subclasses__())',
    'what is no Python': 'print "x"',
  };
  it.each(Object.entries(TRANSFORMED))('is doubted for %s', async (_name, text) => {
    expect(await python(text)).toEqual(expect.stringContaining('declare "files"'));
  });

  const NAMED: Readonly<Record<string, string>> = {
    hexadecimal: "out(open('d\\x61ta.txt').read())",
    octal: "out(open('\\144ata.txt').read())",
    'its name': "out(open('\\N{LATIN SMALL LETTER D}ata.txt').read())",
    'a line that goes on': "out(open('da\\\nta.txt').read())",
    neighbours: "out(open('da' 'ta.txt').read())",
    parts: "a, b = 'da', 'ta'\nout(open(f'{a}{b}' + '.txt').read())",
    'a loop': "for part in ('x', 'data'): out(open(part + '.txt').read())",
    'a path': "out((pathlib.Path('.') / 'data').with_suffix('.txt') if False else open('data.txt').read())",
    'a pattern': "import glob\nfor n in glob.glob('dat[a].txt'): out(open(n).read())",
    'a set': "out(list({'a', 'b'}) + [open('data.txt').read()])",
  };
  it.each(Object.entries(NAMED))('counts the file that is named by %s', async (_name, text) => {
    const files = { 'a.py': HEAD + text, 'data.txt': 'one' };
    const found = await look(['python3', 'a.py'], files);
    expect((found as { files: object }).files, JSON.stringify(found)).toHaveProperty(['data.txt']);
  });

  it('counts what stands in for modules of Python', async () => {
    const files = {
      'a.py': 'import json\n',
      'lib/sitecustomize.py': 'X = open("list.txt").read()\n',
      'lib/re.py': '',
      'decimal.py': 'import time\ntime.time()\n',
    };
    expect(await look(['python3', 'a.py'], files)).toMatch(/decimal\.py asks the clock/);
    const { 'decimal.py': _, ...rest } = files;
    expect(Object.keys((await run(rest)).files)).toEqual(['a.py', 'lib/re.py', 'lib/sitecustomize.py', 'list.txt']);
    async function run(given: Readonly<Record<string, string>>): Promise<{ files: object }> {
      const folder = tempDir('shadows');
      for (const [name, text] of Object.entries({ ...FILES, ...given })) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      return (await fingerprintOfCommand(
        { command: ['python3', 'a.py'], env: { PYTHONPATH: 'lib' } },
        { documentDir: folder, nominalTime: '2026-01-01T00:00:00.000Z', pipeline: 'p', stepId: 's' },
        { PATH: process.env.PATH, PYTHONPATH: 'lib' },
      )) as unknown as { files: object };
    }
  });
});

const OUT = `O=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["outputs"]["o"])')\n`;
const shell = (text: string, change?: Partial<SeenCommand>, args: readonly string[] = []): Promise<Json | string> =>
  look(['sh', 'a.sh', ...args], { 'a.sh': OUT + text }, change);

describe('the shell', () => {
  it.each([
    ['a list of names', 'while read f; do cat "$f"; done < list.txt > $O/summary.txt', /names only a run makes \(\$f\)/],
    ['a list of names by line', 'while IFS= read -r f; do sort < "$f"; done < list.txt', /names only a run makes \(\$f\)/],
    ['xargs', 'xargs cat < list.txt > $O/summary.txt', /xargs takes the names/],
    ['the folder above', 'D=..\ncat "$D/conf/f.txt" > $O/summary.txt', /above its folder/],
    ['a name out of a file', 'F=$(cat list.txt)\ncat "$F"', /names only a run makes \(\$F\)/],
    ['names that a command lists', 'for f in $(cat list.txt); do cat $f; done', /names only a run makes \(\$f\)/],
    ['HOME', 'cat "$HOME/.conf"', /names only a run makes \(\$HOME\)/],
    ['arguments put together', 'cat "$1/$2.txt"', /names only a run makes/],
    ['a list of tar', 'tar -cf x.tar -T list.txt', /named in a file/],
    ['a program of awk', 'awk -f list.txt settings.json', /named in a file/],
    ['chance', 'echo $RANDOM', /another one in every run/],
    ['a device', 'head -c 8 /dev/urandom', /no file/],
    ['the folder above as an argument', 'cat "$1"', /above its folder/, ['..']],
  ])('is doubted for %s', async (_name, text, doubt, args: readonly string[] = ['lists', 'c']) => {
    expect(await shell(text, {}, args)).toMatch(doubt);
  });

  it.each([
    ['a loop over its own names', 'for f in lists/*.txt list.txt; do cat "$f"; done > $O/summary.txt'],
    ['names of its own', 'D=lists\nF="$D/c.txt"\ncat "$F" > "$O/summary.txt"'],
    [
      'its inputs',
      'I=$(python3 -c \'import json,sys; print(json.load(sys.stdin)["inputs"]["t"]["path"])\')\nsort "$I/train.csv" > "$O/x"; cp "$I/a" "$O/"',
    ],
    ['an argument', 'cat "$1" > "$O/summary.txt"'],
    ['a variable that is declared', 'cat "$TABLE" > "$O/summary.txt"; echo "$HOME" > /dev/null'],
    ['beside the script', 'here="$(dirname "$0")"\ncat "$here/list.txt"'],
  ])('is cached with %s', async (_name, text) => {
    expect(await shell(text, { env: { TABLE: 'lists/c.txt' } }, ['lists/k.txt'])).toHaveProperty('files');
  });
});

describe('the shell, where only what is understood is cached', () => {
  const bash = (text: string): Promise<Json | string> => look(['bash', '-c', text], { 'data.txt': '1', 'd_h.txt': '1' });
  it.each([
    ['f=data.txt.gz; grep -q 1 ${f%.gz}'],
    ['f=xata.txt; grep -q 1 ${f/x/d}'],
    ['f=DATA.TXT; grep -q 1 ${f,,}'],
    ['f=xdata.txt; grep -q 1 ${f:1}'],
    ["grep -q 1 $'d\\x61ta.txt'"],
    ['bash -c "grep -q 1 {data,data}.txt"'],
    ['cat {a..d}ata.txt'],
    ['cat ~+/data.txt'],
    ['f=d; f+=ata.txt; cat $f'],
    ['cat "$(echo data.txt)"'],
    ['cat part$((1+1)).txt'],
    ['n=f; f=data.txt; cat ${!n}'],
    ['printf -v f %s data.txt; cat "$f"'],
    ['F=$(cat inputs/list.txt); cat "$F"'],
    ['set -- $(echo data.txt); cat "$1"'],
    ['bash -c "cat $x"'],
    ['IFS=:; f=data.txt:x; cat $f'],
    ['PATH=lib:$PATH sort data.txt'],
    ['PYTHONHASHSEED=random python3 -c "print(1)"'],
    ['alias c=cat; c data.txt'],
    ['[ -f "$(echo data.txt)" ] && echo yes'],
    ['env'],
    ['mktemp'],
    ['tar -cf x.tar data.txt'],
    ['gzip data.txt'],
    ['trap "cat $x" EXIT'],
  ])('is doubted for %s', async (text) => {
    expect(await bash(text)).toEqual(expect.stringContaining('declare "files"'));
  });

  it.each([
    ['grep -q 1 dat[a].txt', 'data.txt'],
    ['grep -q 1 d_[f-i].txt', 'd_h.txt'],
    ['grep -q 1 d_[[:alpha:]].txt', 'd_h.txt'],
    ['a=da; b=ta.txt; grep -q 1 $a$b', 'data.txt'],
    ['trap "grep 1 d_h.txt" EXIT', 'd_h.txt'],
    ['D=.; F="$D/data.txt"; cat "$F"', 'data.txt'],
    ['for f in d_{h}.txt data; do cat "$f.txt"; done', 'data.txt'],
    ['f="data.txt d_h.txt"; cat $f', 'd_h.txt'],
    ['f="dat[a].txt"; cat $f', 'data.txt'],
  ])('counts what is named by %s', async (text, file) => {
    const found = await bash(text);
    expect((found as { files: object }).files, JSON.stringify(found)).toHaveProperty([file]);
  });
});

const NODE_HEAD =
  "import fs from 'node:fs'; import { join } from 'node:path';\nconst t = JSON.parse(fs.readFileSync(0, 'utf8'));\nconst out = (x) => fs.writeFileSync(join(t.outputs.o, 'summary.txt'), 'read ' + x);\n";
const node = (text: string, change?: Partial<SeenCommand>, args: readonly string[] = []): Promise<Json | string> =>
  look([process.execPath, 'a.mjs', ...args], { 'a.mjs': NODE_HEAD + text }, change);

describe('JavaScript', () => {
  it.each([
    [
      'a file that a file names',
      "const cfg = JSON.parse(fs.readFileSync('settings.json', 'utf8'));\nout(fs.readFileSync(cfg.rows, 'utf8'));",
      /names only a run makes/,
    ],
    [
      'a template of it',
      "const { rows } = JSON.parse(fs.readFileSync('settings.json', 'utf8'));\nout(fs.readFileSync(`lists/${rows}`, 'utf8'));",
      /names only a run makes/,
    ],
    ['a parameter', "const load = (p) => fs.readFileSync(p, 'utf8');\nout(load('lists/c.txt'));", /names only a run makes/],
    ['the clock under another name', 'const D = Date; out(new D().toISOString());', /asks the clock/],
    ['the clock of the platform', 'const { performance: p } = globalThis; out(p.now());', /asks the clock|made at run time/],
    ['an identity', "import { randomUUID as u } from 'node:crypto'; out(u());", /draws by chance/],
    ['chance', 'const { random } = Math; out(random());', /draws by chance/],
    ['its environment', 'out(process.env.HOME);', /reads its environment, of which HOME/],
    ['the id of its process', 'out(process.pid);', /machine or process/],
    [
      'the folder above',
      "const up = new URL('..', import.meta.url).pathname; out(fs.readFileSync(join(up, 'j.txt'), 'utf8'));",
      /above its folder/,
    ],
    ['words put together', "out(fs.readFileSync(join(t.config.dir, t.config.name + '.txt'), 'utf8'));", /names only a run makes/],
  ])('is doubted for %s', async (_name, text, doubt) => {
    expect(await node(text)).toMatch(doubt);
  });

  it.each([
    ['names of its own', "const folder = 'lists';\nout(fs.readFileSync(join(folder, 'c.txt'), 'utf8'));"],
    [
      'its inputs',
      "const { inputs } = t;\nfor (const name of fs.readdirSync(inputs.table.path)) out(fs.readFileSync(join(inputs.table.path, name), 'utf8'));",
    ],
    ['a place inside of its inputs', "out(fs.readFileSync(t.inputs.table.path + '/a/' + 'rows.csv', 'utf8'));"],
    ['a name that it is given', "out(fs.readFileSync(t.config.table, 'utf8') + fs.readFileSync(process.argv[2], 'utf8'));"],
    ['beside its source', "out(fs.readFileSync(new URL('./list.txt', import.meta.url), 'utf8'));"],
    ['a date that it is told, and numbers', "out(new Date('2026-01-01').toISOString() + Math.floor(1.5) + process.env.TEAM);"],
  ])('is cached with %s', async (_name, text) => {
    expect(await node(text, { with: { table: 'lists/c.txt' }, env: { TEAM: 'x' } }, ['lists/k.txt'])).toHaveProperty('files');
  });

  it.each([
    ['case', "out(fs.readFileSync('LIST.TXT'.toLowerCase(), 'utf8'));"],
    ['a place that leads out of its inputs', "out(fs.readFileSync(t.inputs.table.path + '/../list.txt', 'utf8'));"],
    ['what is replaced', "out(fs.readFileSync('lisX.txt'.replace('X', 't'), 'utf8'));"],
    ['a slice', "out(fs.readFileSync('xlist.txt'.slice(1), 'utf8'));"],
    ['the memory of the machine', "out(require('os').freemem());"],
    ['workers', "import { threadId } from 'node:worker_threads'; out(threadId);"],
  ])('is doubted for %s', async (_name, text) => {
    expect(await node(text)).toEqual(expect.stringContaining('declare "files"'));
  });

  it('counts a name with escapes', async () => {
    const found = await node("out(fs.readFileSync('l\\x69st.\\u0074xt', 'utf8'));");
    expect((found as { files: object }).files).toHaveProperty(['list.txt']);
  });
});

describe('JavaScript, where only what is understood is cached', () => {
  const CFG = "const cfg = JSON.parse(fs.readFileSync('settings.json', 'utf8'));\n";
  it.each([
    ['a function under another name', `${CFG}const read = fs.readFileSync;\nout(read(cfg.rows, 'utf8'));`],
    ['a function that is taken out of its module', `${CFG}const { readFileSync: read } = fs;\nout(read(cfg.rows, 'utf8'));`],
    ['an import under another name', `import { readFileSync as read } from 'node:fs';\n${CFG}out(read(cfg.rows, 'utf8'));`],
    ['a namespace', `import * as files from 'fs';\n${CFG}out(files.promises.readFile(cfg.rows));`],
    ['a member in brackets', `${CFG}out(fs['read' + 'FileSync'](cfg.rows));`],
    ['a member in brackets that is a text', `${CFG}out(fs['readFileSync'](cfg.rows));`],
    ['a function that is handed on', `${CFG}out([cfg.rows].map(fs.readFileSync));`],
    ['a module that is handed on', `${CFG}const go = (m) => m.readFileSync(cfg.rows);\nout(go(fs));`],
    ['a name inside of a template in a template', `${CFG}out(\`\${[1].map(() => \`\${fs.readFileSync(cfg.rows)}\`)}\`);`],
    ['a quote in a regular expression', `${CFG}const q = /"/;\nout(fs.readFileSync(cfg.rows));\nconst r = /"/;`],
    ['a comment in a regular expression', `${CFG}const q = /[/*]/; out(fs.readFileSync(cfg.rows)); const r = /[*/]/;`],
    ['a method of a module under a shadowed name', `${CFG}out(fs.readFileSync(cfg.rows));\nfunction other(fs) { return fs; }`],
    ['a default', `const { rows = JSON.parse(fs.readFileSync('settings.json')).rows } = {};\nout(fs.readFileSync(rows));`],
    ['the rest of what is taken apart', `${CFG}const { ...all } = cfg;\nout(fs.readFileSync(all.rows));`],
    ['an assignment', `${CFG}let n = 'list.txt';\n({ rows: n } = cfg);\nout(fs.readFileSync(n));`],
    ['an assignment where it is missing', `${CFG}let n;\nn ??= cfg.rows;\nout(fs.readFileSync(n));`],
    [
      'what is put into a list',
      `${CFG}const names = ['list.txt'];\nnames.push(cfg.rows);\nfor (const n of names) out(fs.readFileSync(n));`,
    ],
    ['what is put into an object', `${CFG}const names = { a: 'list.txt' };\nnames.a = cfg.rows;\nout(fs.readFileSync(names.a));`],
    ['the argument of a callback', `${CFG}[cfg.rows].forEach((n) => out(fs.readFileSync(n)));`],
    ['an address that is made', `${CFG}out(fs.readFileSync(new URL(cfg.rows, import.meta.url)));`],
    ['times of a file', "out(JSON.stringify(fs.statSync('list.txt')));"],
    ['times of a file, taken apart', "const { size, ...others } = fs.statSync('list.txt'); out(others);"],
    ['keys', "import { generateKeyPairSync } from 'node:crypto'; out(generateKeyPairSync('ed25519').publicKey);"],
    ['chance of the platform', 'out(crypto.getRandomValues(new Uint8Array(4)));'],
    ['bytes that nobody wrote', 'out(Buffer.allocUnsafe(8));'],
    ['a date of nothing', 'out(new Date(...[]));'],
    ['the clock in brackets', "out(Date['now']());"],
    ['the clock by its format', "out(new Intl.DateTimeFormat('en').format());"],
    ['who comes first', 'out(await Promise.race([1, 2].map((n) => new Promise((done) => setTimeout(done, n, n)))));'],
    ['Function', "out(Function('return 1')());"],
    ['the maker of functions', "out((() => 1).constructor('return Date.now()')());"],
    ['what a computed member gives', "const k = 'constr' + 'uctor';\nout((() => 1)[k]('return 1')());"],
    ['what the language does', "JSON.parse = () => ({ rows: 'lists/k.txt' });\nout(1);"],
    ['an alias of process', 'const p = process; out(p.pid);'],
    ['process taken apart', 'const { env } = process; out(env.HOME);'],
    ['process in brackets', "out(process['e' + 'nv'].HOME);"],
    ['process as a module', "import { env as e } from 'node:process'; out(e.HOME);"],
    ['its environment as a whole', 'out({ ...process.env });'],
    ['a variable in the environment by a name that is made', "const k = 'HO' + 'ME'; out(process.env[k]);"],
    ['a package', "import _ from 'lodash'; out(_);"],
    ['a global that is not known', 'out(navigator.hardwareConcurrency);'],
    ['other files by a link', "out(fs.readFileSync(fs.readlinkSync('list.txt')));"],
    ['a link that is made', `${CFG}fs.symlinkSync(cfg.rows, 'x');\nout(fs.readFileSync('x'));`],
    ['where it is told to write', "out(fs.mkdtempSync('/tmp/x'));"],
    ['what is no JavaScript', 'out(1;'],
    ['a function that is called by another', `${CFG}const read = fs.readFileSync;\nout(read.call(null, cfg.rows));`],
    ['a module that loads itself later', `${CFG}import('node:fs').then((files) => out(files.readFileSync(cfg.rows)));`],
    ['another default', `${CFG}const { readFileSync: read = null } = fs;\nout(read(cfg.rows));`],
    [
      'a row of a table that is changed',
      `${CFG}const table = [['a', 'list.txt']];\nfor (const row of table) row[1] = cfg.rows;\nfor (const [, n] of table) out(fs.readFileSync(n));`,
    ],
    ['a list in a list', `${CFG}const all = [['list.txt']];\nall[0].push(cfg.rows);\nfor (const n of all[0]) out(fs.readFileSync(n));`],
    [
      'a list in an object',
      `${CFG}const all = { names: ['list.txt'] };\nall.names.push(cfg.rows);\nfor (const n of all.names) out(fs.readFileSync(n));`,
    ],
    [
      'a task that a file holds',
      "const task = JSON.parse(fs.readFileSync(0, 'utf8') && fs.readFileSync('settings.json', 'utf8'));\nout(fs.readFileSync(task.inputs.table.path));",
    ],
    [
      'a task that is changed',
      "t.inputs.table = JSON.parse(fs.readFileSync('settings.json'));\nout(fs.readFileSync(t.inputs.table.path));",
    ],
    ['a clock of its own', 'let n = 0;\nconst timer = setInterval(() => (n += 1), 1);\nsetTimeout(() => out(n, clearTimeout(timer)), 50);'],
    ['when something happened', "out(new Event('x').timeStamp);"],
  ])('is doubted for %s', async (_name, text) => {
    expect(await node(text)).toEqual(expect.stringContaining('declare "files"'));
  });

  it.each([
    ['a template of its own', "const part = 'list'; out(fs.readFileSync(`${part}.txt`, 'utf8'));", 'list.txt'],
    ['parts', "out(fs.readFileSync('list.tx' + 't', 'utf8'));", 'list.txt'],
    ['a loop', "for (const n of ['list', 'k']) out(fs.existsSync(`${n}.txt`));", 'list.txt'],
    ['a callback', "['c', 'k'].forEach((n) => out(fs.readFileSync(join('lists', n + '.txt'))));", 'lists/k.txt'],
    ['what is taken apart', "const [a, b] = ['lists', 'c.txt']; out(fs.readFileSync(join(a, b)));", 'lists/c.txt'],
    ['a choice', "out(fs.readFileSync(t.config.big ? 'lists/c.txt' : 'lists/k.txt'));", 'lists/k.txt'],
    ['an object', "const files = { one: 'lists/c.txt' }; out(fs.readFileSync(files.one));", 'lists/c.txt'],
    ['require', "const { readFileSync: r } = await import('node:fs'); out(r('list.txt'));", 'list.txt'],
    ['an address', "out(fs.readFileSync(new URL('list.' + 'txt', import.meta.url)));", 'list.txt'],
    ['a folder', "for (const n of fs.readdirSync('lists').sort()) out(fs.readFileSync(join('lists', n)));", 'lists/k.txt'],
    ['promises', "out(await fs.promises.readFile('list.' + 'txt'));", 'list.txt'],
    ['a table', "const table = [['a', 'lists/c.txt']];\nfor (const [, n] of table) out(fs.readFileSync(n));", 'lists/c.txt'],
    [
      'rows of a table',
      "const table = [{ file: 'lists/c.txt' }];\ntable.forEach(({ file }) => out(fs.readFileSync(file)));",
      'lists/c.txt',
    ],
    ['an alias', "const read = fs.readFileSync; out(read('list.' + 'txt'));", 'list.txt'],
  ])('counts the file that is named by %s', async (_name, text, file) => {
    const found = await node(text);
    expect((found as { files: object }).files, JSON.stringify(found)).toHaveProperty([file]);
  });

  it('is cached with what an everyday program does', async () => {
    const found = await look([process.execPath, 'a.mts'], {
      'a.mts': `#!/usr/bin/env node
        import { createHash } from 'node:crypto';
        import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
        import path from 'node:path';
        import type { Something } from 'no-such-package';
        import { total, type Row } from './lib.ts';
        interface Task { inputs: Record<string, { path: string }>; outputs: Record<string, string>; config: { limit?: number } }
        let text = '';
        for await (const chunk of process.stdin) text += chunk;
        const task = JSON.parse(text) as Task;
        const folder = task.inputs['table']!.path;
        const rows: Row[] = readdirSync(folder).filter((name) => name.endsWith('.ndjson')).sort()
          .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\\n').filter(Boolean).map((line) => JSON.parse(line)));
        const counts = new Map<string, number>();
        for (const row of rows) counts.set(row.kind, (counts.get(row.kind) ?? 0) + 1);
        class Summary { #n = 0; add(n: number) { this.#n += n; return this; } get n() { return this.#n; } }
        const summary = rows.reduce((sum, row) => sum.add(total([row])), new Summary());
        mkdirSync(task.outputs.o, { recursive: true });
        const size = statSync(path.join(folder, 'train.ndjson')).size;
        writeFileSync(path.join(task.outputs.o, 'counts.json'), JSON.stringify({ ...Object.fromEntries(counts), n: summary.n, size, at: new Date(rows[0].at).toISOString(), hash: createHash('sha256').update(text).digest('hex') }));
        console.log(\`counted \${rows.length} rows, \${Math.max(...counts.values())} at most\`);
        if (rows.length === 0) { console.error('no rows'); process.exitCode = 1; }`,
      'lib.ts':
        'export interface Row { kind: string; at: string; n: number }\nexport const total = (rows: readonly Row[]): number => rows.reduce((sum, { n }) => sum + n, 0);\n',
    });
    expect(found, JSON.stringify(found)).toHaveProperty('files');
    expect(Object.keys((found as { files: object }).files)).toEqual(expect.arrayContaining(['a.mts', 'lib.ts']));
  });

  it.each([
    ['at once', "JSON.parse(fs.readFileSync('/dev/stdin', 'utf8'))", ''],
    [
      'in pieces',
      "JSON.parse(Buffer.concat(pieces).toString('utf8'))",
      'const pieces = [];\nfor await (const piece of process.stdin) pieces.push(piece);',
    ],
    ['as a text that grows', 'JSON.parse(text)', "let text = '';\nfor await (const piece of process.stdin) text += piece;"],
  ])('knows what it is told %s', async (_name, read, before) => {
    const text = `import fs from 'node:fs';\n${before}\nconst task = ${read};\nfor (const n of fs.readdirSync(task.inputs.t.path)) fs.readFileSync(task.inputs.t.path + '/' + n);\n`;
    expect(await look([process.execPath, 'a.mjs'], { 'a.mjs': text })).toHaveProperty('files');
  });

  it('is cached as CommonJS', async () => {
    const found = await look([process.execPath, 'a.cjs'], {
      'a.cjs':
        "'use strict';\nconst fs = require('fs'), { join } = require('path');\nconst lib = require('./lib.cjs');\nconst task = JSON.parse(fs.readFileSync(0, 'utf8'));\nfs.writeFileSync(join(task.outputs.o, 'x'), lib.twice(fs.readFileSync(join(__dirname, 'list.txt'), 'utf8')));\nmodule.exports = { task };\nif (require.main === module) process.exit(0);\n",
      'lib.cjs': 'exports.twice = (x) => x + x;\n',
    });
    expect(Object.keys((found as { files: object }).files ?? {}), JSON.stringify(found)).toEqual(
      expect.arrayContaining(['a.cjs', 'lib.cjs', 'list.txt']),
    );
  });
});
