import type { Look } from './look.ts';
import { dottedName } from './python-names.ts';
import { valueOf } from './python-values.ts';
import type { Evaluation } from './python-values.ts';
import { isNode, listOf, nodesOf, textOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';
import { countValue } from './count-value.ts';

/** Functions whose first argument is a file or a folder. */
const SINKS = new Set(
  `open io.open codecs.open gzip.open bz2.open lzma.open tarfile.open tarfile.is_tarfile zipfile.ZipFile zipfile.is_zipfile wave.open os.listdir os.walk os.scandir os.readlink os.path.exists os.path.isfile
  os.path.isdir os.path.getsize glob.glob glob.iglob shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace xml.etree.ElementTree.parse xml.etree.ElementTree.iterparse sqlite3.connect`.split(
    /\s+/,
  ),
);
/** Methods of paths that read what they stand behind. */
const METHODS = new Set([
  'read_text',
  'read_bytes',
  'iterdir',
  'glob',
  'rglob',
  'open',
  'exists',
  'is_file',
  'is_dir',
  'rename',
  'replace',
  'resolve',
]);
const WRITES = /^[wx][bt]*$/;

/** Files that a source opens, by the exact names that it makes; what cannot be evaluated is a doubt. */
export function lookForPaths(given: Evaluation, tree: PythonNode, name: string, look: Look): void {
  for (const node of nodesOf(tree)) {
    if (node.type !== 'Call') continue;
    const dotted = dottedName(node.func, given.names);
    const args = listOf(node.args);
    const method = isNode(node.func) && node.func.type === 'Attribute' ? node.func : undefined;
    const keywords = new Map(listOf(node.keywords).map(({ arg, value }) => [arg as string | null, value]));
    if (dotted !== undefined && SINKS.has(dotted)) {
      const mode = textOf(args[1]) ?? textOf(keywords.get('mode'));
      if (/^(?:gzip|tarfile)\.open$|^zipfile\.ZipFile$/.test(dotted) && mode !== undefined && !mode.startsWith('r'))
        look.doubt(`${name} asks the clock (${dotted} writes the time)`);
      const isOpen = /(?:^|\.)open$/.test(dotted);
      if (isOpen && keywords.has('opener')) look.doubt(`${name} runs code or reaches names that are made at run time`);
      if (isOpen && mode !== undefined && WRITES.test(mode)) continue;
      const asked =
        args[0] ??
        keywords.get('file') ??
        keywords.get('path') ??
        keywords.get('filename') ??
        keywords.get('name') ??
        keywords.get('pathname') ??
        keywords.get('top') ??
        keywords.get('src');
      if (asked === undefined) {
        if (dotted === 'os.listdir' || dotted === 'os.scandir') look.add(look.cwd, 'reads');
        else look.doubt(`${name} reads files whose names only a run makes (${dotted})`);
      } else count(asked, dotted, dotted.startsWith('glob.'));
    } else if (method !== undefined && METHODS.has(method.attr as string) && dotted === undefined) {
      const called = method.attr as string;
      const mode = textOf(args[0]) ?? textOf(keywords.get('mode'));
      if (called === 'open' && mode !== undefined && WRITES.test(mode)) continue;
      // A text is replaced by two others; a path goes to one place.
      if ((called === 'replace' || called === 'rename' || called === 'resolve') && (args.length !== 1 || called === 'resolve')) continue;
      if (called === 'glob' || called === 'rglob') count(node, called, false);
      else count(method.value, called, false);
    }
  }

  function count(asked: unknown, called: string, isPattern: boolean): void {
    const value = valueOf(
      isPattern
        ? {
            type: 'Call',
            func: { type: 'Attribute', attr: 'glob', value: { type: 'Constant', kind: 'str', value: '' } },
            args: [asked],
            keywords: [],
          }
        : asked,
      given,
    );
    countValue(value, name, called.split('.').at(-1)!, look);
  }
}
