import { argumentsAt, originOf } from './flow.ts';
import type { Language } from './flow.ts';
import type { Look } from './look.ts';

/** What of a source cannot be proven to be the same in the next run, but for the files that it reads. */
export function proveMoment(code: string, name: string, look: Look): void {
  // As a type, or made of what is given to it, a date says nothing of now.
  const dates = code
    .replace(/\bnew\s+Date\s*\(\s*[^)\s]/g, ' ')
    .replace(/\bDate\s*\.\s*(?:parse|UTC|prototype)\b/g, ' ')
    .replace(/\binstanceof\s+Date\b/g, ' ')
    .replace(/[:|<,]\s*Date\b(?!\s*[.(])/g, ' ');
  if (
    /(?<![.\w$])Date\b/.test(dates) ||
    /\b(?:performance|hrtime|uptime|timeOrigin)\b|\bTemporal\s*\.\s*Now\b|\b[amc]time(?:Ms)?\b|\bbirthtime/.test(code)
  )
    look.doubt(`${name} asks the clock`);
  if (/\.\s*format(?:ToParts)?\s*\(\s*\)/.test(code) && /\bDateTimeFormat\b/.test(code)) look.doubt(`${name} asks the clock`);
  if (
    /\bMath\b\s*(?!\s*\.)/.test(code) ||
    /\bMath\s*\.\s*random\b|\brandomUUID\b|\bgetRandomValues\b|\brandomBytes\b|\brandomInt\b|\brandomFill/.test(code)
  )
    look.doubt(`${name} draws by chance`);
  if (/\bglobalThis\b|(?<![.\w$])global\s*[.[]|(?<![.\w$])eval\s*\(|\bnew\s+Function\b|\bReflect\s*\.\s*get\b/.test(code))
    look.doubt(`${name} runs code or reaches names that are made at run time`);
  for (const [, variable] of code.matchAll(/\bprocess\s*\.\s*env\b\s*(?:\.\s*(\w+)|\[[^\]]*\])?/g))
    if (variable === undefined || !look.variables.has(variable))
      look.doubt(`${name} reads its environment, of which ${variable ?? 'anything'} may decide the result`);
  if (
    /\bprocess\b(?!\s*\.\s*(?:env|argv|stdin|stdout|stderr|exit|exitCode|cwd|on|once|nextTick|emitWarning|hrtime|uptime|platform|version|versions|arch|abort)\b)/.test(
      code,
    )
  )
    look.doubt(`${name} asks what machine or process it runs in`);
}

const PURE = new Set(
  `fs fsp fsPromises promises .promises .readdirSync .readdir join resolve path URL fileURLToPath pathToFileURL dirname basename normalize new null undefined true false await async of in typeof Array Object import meta __dirname __filename process readdirSync readdir tmpdir mkdtempSync
  .join .resolve .normalize .dirname .basename .extname .parse .meta .url .dirname .filename .pathname .href .cwd .argv .name .sort .filter .map .flatMap .sep .posix
  .values .entries .keys .endsWith .startsWith .env return const let`.split(/\s+/),
);

/** Calls whose first argument is a file or a folder. */
const SINKS =
  /(?<![\w$])(?:readFile|createReadStream|readdir|opendir|open|stat|lstat|exists|access|copyFile|cp|readlink|realpath|openAsBlob|glob|loadEnvFile|DatabaseSync|watch|readv?)(?:Sync)?\s*\(/g;

/** Files whose names no text of the source, and nothing that it is told of its inputs and outputs, says. */
export function provePaths(code: string, literals: readonly string[], name: string, look: Look): void {
  const language = languageOf(code, look);
  const leadsUp = literals.some((literal) => literal.includes('..'));
  for (const match of code.matchAll(SINKS)) {
    const called = /\w+/.exec(match[0])![0];
    const before = code.slice(0, match.index);
    // A function of its own that has the name, or a method of something that is no file system.
    if (/\bfunction\s+$/.test(before)) continue;
    const owner = /([\w$]+)\s*\.\s*$/.exec(before)?.[1];
    if (
      ['open', 'stat', 'read', 'readv', 'glob', 'watch', 'access', 'exists', 'cp'].includes(called) &&
      owner !== undefined &&
      !/^(?:fs|promises|fsp|fsPromises|fse)$/.test(owner)
    )
      continue;
    const args = argumentsAt(code, match.index + match[0].length);
    if (called.startsWith('open') && /^"[wa][x+]*"$/.test(args[1] ?? '')) continue;
    if (args.length > 0 && (originOf(args[0]!, language) === 'unknown' || adds(args[0]!, language, leadsUp)))
      look.doubt(`${name} reads files whose names only a run makes (${called}(${args[0]!.slice(0, 40)}))`);
  }
}

/** Whether texts are put together where nobody evaluates them: only whole names, folders and templates are held against files. */
function adds(expression: string, language: Language, leadsUp: boolean, seen: ReadonlySet<string> = new Set()): boolean {
  const told = language.told(expression);
  if (/(?<!\+)\+(?![+=])/.test(leadsUp ? told : withoutInside(told))) return true;
  return [...expression.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*/g)].some(
    ([name]) =>
      !seen.has(name) &&
      (language.bindings.get(name) ?? []).some((one) => one !== null && adds(one, language, leadsUp, new Set([...seen, name]))),
  );
}

/**
 * What lies inside of an input or output is known with it: `task.inputs.rows.path + "/rows.csv"`. The texts themselves are blanked here;
 * where one of the source leads upwards, none is taken for a place inside.
 */
function withoutInside(told: string): string {
  return told.replace(/\b0(?:\s*\+\s*"[^"]*")+/g, '0');
}

function languageOf(code: string, look: Look): Language {
  const bindings = bindingsOf(code);
  const TASK = /\bJSON\s*\.\s*parse\s*\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g;
  const fromInput = (inside: string, depth = 0): boolean =>
    /\bstdin\b|\breadFileSync\s*\(\s*0\b|\breadFile\s*\(\s*0\b/.test(inside) ||
    (depth < 3 &&
      [...inside.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*/g)].some(([word]) =>
        (bindings.get(word) ?? []).some((one) => one !== null && fromInput(one, depth + 1)),
      ));
  const asTask = (text: string): string => text.replace(TASK, (whole, inside: string) => (fromInput(inside) ? 'TASK' : whole));
  const told = (expression: string): string => {
    let text = asTask(expression);
    for (let depth = 0; depth < 4; depth += 1)
      text = text.replace(/(?<![\w$.])[A-Za-z_$][\w$]*(?!\s*\()/g, (word) => {
        const bound = bindings.get(word);
        const only = bound?.length === 1 && bound[0] !== null ? asTask(bound[0]!) : undefined;
        return only !== undefined &&
          /^[A-Za-z_$][\w$]*(?:\s*\??\.\s*\w+|\s*\[[^[\]]*\])*$/.test(only.trim()) &&
          (only.trim().startsWith('TASK') || bindings.has(/^[\w$]+/.exec(only.trim())![0]))
          ? only.trim()
          : word;
      });
    const member = String.raw`(?:\s*\??\.\s*\w+|\s*\[[^\[\]]*\])`;
    return text
      .replace(new RegExp(`\\bTASK\\s*\\.\\s*inputs${member}\\s*\\.\\s*path\\b`, 'g'), '0')
      .replace(new RegExp(`\\bTASK\\s*\\.\\s*outputs${member}?`, 'g'), '0')
      .replace(/\bTASK\s*\.\s*(?:values|scratch)\b/g, '0')
      .replace(new RegExp(`\\bTASK\\s*\\.\\s*config${member}+`, 'g'), 'W')
      .replace(/\bprocess\s*\.\s*argv\b\s*(?:\[[^[\]]*\])?/g, 'W')
      .replace(/\bprocess\s*\.\s*env\s*\.\s*(\w+)/g, (whole, name: string) => (look.variables.has(name) ? 'W' : whole))
      .replace(/\bprocess\s*\.\s*stdin\b(?:\s*\.\s*fd)?/g, '0');
  };
  return { bindings, told, pure: PURE, wrappers: /^(?:String|path\.resolve|resolve|path\.normalize)\s*\(([^,]*)\)$/ };
}

function bindingsOf(code: string): Map<string, (string | null)[]> {
  const found = new Map<string, (string | null)[]>();
  const bind = (name: string, value: string | null): void => void found.set(name, [...(found.get(name) ?? []), value]);
  const value = String.raw`((?:[^;\n()[\]{}]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[(?:[^[\]]|\[[^[\]]*\])*\]|\{(?:[^{}]|\{[^{}]*\})*\})*)`;
  for (const [, name, given] of code.matchAll(
    new RegExp(`\\b(?:const|let|var)\\s+([A-Za-z_$][\\w$]*)\\s*(?::[^=;\\n]+)?=\\s*${value}`, 'g'),
  ))
    bind(name!, given!);
  for (const [, name, given] of code.matchAll(
    new RegExp(`(?<![\\w$.]|(?:const|let|var)\\s)([A-Za-z_$][\\w$]*)\\s*[+]?=(?![=>])\\s*${value}`, 'g'),
  ))
    bind(name!, given!);
  for (const [, name] of code.matchAll(/(?<![\w$.])([A-Za-z_$][\w$]*)\s*[+]=/g)) bind(name!, null);
  for (const [, names, given] of code.matchAll(new RegExp(`\\b(?:const|let|var)\\s+\\{([^{}]*)\\}\\s*=\\s*${value}`, 'g')))
    for (const part of names!.split(',')) {
      const [from, as] = part.split(':').map((one) => one.trim().replace(/\s*=[\s\S]*$/, ''));
      if (from !== undefined && from !== '') bind(as ?? from, /^\.\.\./.test(from) ? null : `${given!.trim()}.${from}`);
    }
  for (const [, names, given] of code.matchAll(new RegExp(`\\b(?:const|let|var)\\s+\\[([^[\\]]*)\\]\\s*=\\s*${value}`, 'g')))
    for (const name of names!.split(',').map((one) => one.trim().replace(/^\.\.\./, '')))
      if (/^[A-Za-z_$][\w$]*$/.test(name))
        bind(name, given!.replace(/^process\s*\.\s*argv(?:\s*\.\s*slice\s*\([^()]*\))?$/, 'process.argv'));
  for (const [, name, given] of code.matchAll(
    /\bfor\s+(?:await\s+)?\(\s*(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s+(?:of|in)\s+((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g,
  ))
    bind(name!, given!);
  for (const [, names] of code.matchAll(/\bimport\s+(?!type\b)([^;"']*?)\s+from\b/g))
    for (const name of names!.replace(/[{}*]/g, ' ').split(/[\s,]+/))
      if (/^[A-Za-z_$][\w$]*$/.test(name) && !['as', 'type'].includes(name) && !PURE.has(name) && !FILE_SYSTEM.test(name)) bind(name, null);
  for (const [, parameters] of code.matchAll(/\bfunction\s*[\w$]*\s*\(([^()]*)\)/g)) bindParameters(parameters!, bind);
  for (const [, parameters] of code.matchAll(/\(([^()]*)\)\s*(?::\s*[\w<>[\]| ]+)?\s*=>/g)) bindParameters(parameters!, bind);
  for (const [, name] of code.matchAll(/(?<![\w$.])([A-Za-z_$][\w$]*)\s*=>/g)) bind(name!, null);
  return found;
}

const FILE_SYSTEM = /^(?:fs|promises|fsp|fsPromises|os|url|util|crypto|zlib|stream|readFileSync|readFile|writeFileSync|writeFile)$/;

function bindParameters(parameters: string, bind: (name: string, value: null) => void): void {
  for (const [name] of parameters.matchAll(/(?<![\w$.:])[A-Za-z_$][\w$]*/g)) bind(name, null);
}
