import type { Json } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import { loadDocument } from './load-document.ts';
import { join, valueAt } from './pointer.ts';

/** Where in a document something stands that a step found wrong. */
export interface ProblemPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** JSON pointer of the place. */
  readonly pointer: string;
}

/**
 * The place that a step's error is about: the nearest value or key that its message names, else the step. undefined where the
 * document is no longer there.
 */
export async function placeOfProblem(
  file: string,
  plan: Pick<Plan, 'steps'>,
  step: string,
  message: string,
): Promise<ProblemPlace | undefined> {
  const { document } = await loadDocument(file);
  const index = plan.steps.findIndex(({ id }) => id === step);
  if (document === undefined || index < 0) return undefined;
  const { line, column, pointer } = document.place(findMention(document.value, index, message));
  return { file, line, column, pointer };
}

/** The same as "FILE:LINE:COLUMN (/pointer)". */
export async function placeText(...problem: Parameters<typeof placeOfProblem>): Promise<string | undefined> {
  const place = await placeOfProblem(...problem);
  return place === undefined ? undefined : `${place.file}:${place.line}:${place.column} (${place.pointer})`;
}

/** A step and, where it names nothing itself, those before it: a train step also learns of the label that ingest names. */
export function findMention(
  document: Json,
  step: number,
  message: string,
): { readonly pointer: string; readonly message: string; readonly at?: 'key' } {
  for (let at = step; at >= 0; at -= 1) {
    const scope = join('', 'steps', at, 'with');
    const found = valueAt(document, scope) === undefined ? undefined : narrow(document, scope, mentions(message));
    if (found !== undefined) return { message, ...found };
  }
  const model = join('', 'steps', step, 'with', 'model');
  return { message, pointer: valueAt(document, model) === undefined ? join('', 'steps', step) : model };
}

type Mention = { readonly layer: string; readonly number?: number } | { readonly last: true } | { readonly text: string };

const MENTIONS =
  /[Ll]ayer (?:(\d+) )?"([^"]+)"|[Tt]he (last) layer|(?:[Tt]he )?(?:architecture|loss|callback|optimizer|metric) "?(\w+)"?|"([^"]+)"|(\/\S+)|^(\w+)(?:\.([^:(]+?))?(?: \([^)]*\))?:/g;

/** What a message names, in its order. */
function mentions(message: string): Mention[] {
  return [...message.matchAll(MENTIONS)].flatMap(([, number, layer, last, named, quoted, path, key, column]): Mention[] => {
    if (layer !== undefined) return [{ layer, ...(number === undefined ? {} : { number: Number(number) }) }];
    if (last !== undefined) return [{ last: true }];
    return [named, quoted, path, key, column].filter((text) => text !== undefined).map((text) => ({ text: text.trim() }));
  });
}

interface Found {
  readonly pointer: string;
  readonly at?: 'key';
}

/** Each mention that is found inside of what the ones before it led to leads further in. */
function narrow(document: Json, scope: string, all: readonly Mention[]): Found | undefined {
  let found: Found | undefined;
  for (const mention of all) {
    const inside = find(document, found?.pointer ?? scope, mention);
    if (inside !== undefined) found = inside;
  }
  return found;
}

function find(document: Json, scope: string, mention: Mention): Found | undefined {
  if ('text' in mention) return findText(valueAt(document, scope), scope, mention.text);
  const list = join(scope, 'model', 'layers');
  const layers = valueAt(document, list);
  if (!Array.isArray(layers)) return undefined;
  const named =
    'last' in mention
      ? -1
      : layers.findIndex(
          (layer) => typeof layer === 'object' && layer !== null && !Array.isArray(layer) && layer['name'] === mention.layer,
        );
  const index = 'last' in mention ? layers.length - 1 : named >= 0 ? named : (mention.number ?? 0) - 1;
  return index >= 0 && index < layers.length ? { pointer: join(list, index) } : undefined;
}

/** The first key or text that is this, breadth first: what stands higher decides more. */
function findText(root: Json | undefined, scope: string, text: string): Found | undefined {
  let level: { readonly value: Json; readonly pointer: string }[] = root === undefined ? [] : [{ value: root, pointer: scope }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { value, pointer } of level) {
      if ((value === text || isFileOf(value, text)) && pointer !== scope) return { pointer };
      if (value === null || typeof value !== 'object') continue;
      for (const [key, member] of Array.isArray(value) ? [...value.entries()] : Object.entries(value)) {
        if (key === text) return { pointer: join(pointer, key), at: 'key' };
        if (member !== undefined) next.push({ value: member, pointer: join(pointer, key) });
      }
    }
    level = next;
  }
  return undefined;
}

/** Documents name files from their folder, messages in full. */
function isFileOf(value: Json, text: string): boolean {
  return typeof value === 'string' && value.length > 2 && text.startsWith('/') && text.endsWith(`/${value.replace(/^\.\//, '')}`);
}
