import { PerennialError } from '../../core/errors.ts';
import { ident, literal } from '../table/duckdb.ts';
import { shortestOfFloat32Sql } from './float32.ts';
import { dateTextSql, momentTextSql } from './moment-text.ts';

/** A type of the database. */
type Type =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'list'; readonly of: Type }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: Type }[] }
  | { readonly kind: 'map'; readonly key: Type; readonly value: Type };

/** Whether a type is a list, a struct, a map or a union. */
export function isNested(sqlType: string): boolean {
  return /\]$|^(STRUCT|MAP|UNION)\(/i.test(sqlType);
}

/**
 * SQL of a nested value as a text of JSON, in which each leaf stands as it would in a column of its own: numbers of 32 bits by their
 * shortest decimal, points in time as ISO 8601, bytes as base64. What JSON has no word for is null.
 */
export function nestedJsonSql(value: string, sqlType: string): string {
  const type = parseType(sqlType);
  const text = `CAST(to_json(${leaves(value, type, 0)}) AS VARCHAR)`;
  if (!keepsOrder(type)) return `json_text(${text})`;
  // The code that writes values of requests is slow in a query: it is called where the database would write something else.
  return holdsTexts(type)
    ? `CASE WHEN regexp_matches(${text}, ${literal('\\d\\.0[,\\]}]|\\de[-+\\d]|-0[.,\\]}]|\\\\')}) THEN json_text(${text}) ELSE ${text} END`
    : `CASE WHEN regexp_matches(${text}, '\\de|-0[.,\\]}]') THEN json_text(${text}) ELSE regexp_replace(${text}, '\\.0([,\\]}])', '\\1', 'g') END`;
}

/** Keys that are numbers stand first in JSON of a request, wherever they stood. */
function keepsOrder(type: Type): boolean {
  switch (type.kind) {
    case 'plain':
      return !type.name.startsWith('UNION');
    case 'list':
      return keepsOrder(type.of);
    case 'struct':
      return type.fields.every(({ name, type: of }) => !/^\d+$/.test(name) && keepsOrder(of));
    case 'map':
      return false;
  }
}

/** Whether anything but numbers, true and false may stand in it, names of fields among them. */
function holdsTexts(type: Type): boolean {
  switch (type.kind) {
    case 'plain':
      return !/^(U?TINYINT|U?SMALLINT|U?INTEGER|U?BIGINT|U?HUGEINT|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/.test(type.name);
    case 'list':
      return holdsTexts(type.of);
    default:
      return true;
  }
}

function leaves(value: string, type: Type, depth: number): string {
  switch (type.kind) {
    case 'plain':
      return leaf(value, type.name);
    case 'list': {
      const item = `e${depth}`;
      const inner = leaves(item, type.of, depth + 1);
      return inner === item ? value : `list_transform(${value}, lambda ${item}: ${inner})`;
    }
    case 'struct': {
      const fields = type.fields.map(({ name, type: of }) => {
        const field = `struct_extract(${value}, ${literal(name)})`;
        return { name, field, inner: leaves(field, of, depth) };
      });
      if (fields.every(({ field, inner }) => field === inner)) return value;
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.map(({ name, inner }) => `${ident(name)} := ${inner}`).join(', ')}) END`;
    }
    case 'map': {
      const entry = `e${depth}`;
      const [key, item] = [`${entry}.key`, `${entry}.value`];
      const inner = [leaves(key, type.key, depth + 1), leaves(item, type.value, depth + 1)];
      if (inner[0] === key && inner[1] === item) return value;
      return `map_from_entries(list_transform(map_entries(${value}), lambda ${entry}: struct_pack("key" := CAST(${inner[0]} AS VARCHAR), "value" := ${inner[1]})))`;
    }
  }
}

function leaf(value: string, name: string): string {
  if (name === 'FLOAT' || name === 'DOUBLE') {
    const double = `CAST(${value} AS DOUBLE)`;
    return `CASE WHEN isfinite(${value}) THEN ${name === 'FLOAT' ? shortestOfFloat32Sql(double) : double} END`;
  }
  if (name.startsWith('DECIMAL')) return `CAST(CAST(${value} AS VARCHAR) AS DOUBLE)`;
  if (name === 'DATE') return dateTextSql(value);
  if (name.startsWith('TIMESTAMP')) return momentTextSql(`CAST(${value} AS TIMESTAMP)`);
  return name === 'BLOB' ? `to_base64(${value})` : value;
}

/** As `DESCRIBE` writes types: `STRUCT(size DOUBLE, "a b" MAP(VARCHAR, FLOAT[]))[]`. */
function parseType(text: string): Type {
  let at = 0;
  const fail = (): never => {
    throw new PerennialError('INTERNAL', `The type ${text} is not understood at character ${at}.`);
  };
  const word = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [found = ''] = pattern.exec(text) ?? [];
    if (found === '') fail();
    at += found.length;
    return found;
  };
  const name = (): string => {
    const found = word(/"(?:[^"]|"")*"|[^\s(),"]+/y);
    return found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found;
  };
  const list = <T>(item: () => T): T[] => {
    const items: T[] = [];
    do {
      at += 1; // the bracket or comma
      while (text[at] === ' ') at += 1;
      items.push(item());
    } while (text[at] === ',');
    if (text[at] !== ')') fail();
    at += 1;
    return items;
  };
  const type = (): Type => {
    let found: Type;
    if (/^STRUCT\(/i.test(text.slice(at))) {
      at += 'STRUCT'.length;
      found = {
        kind: 'struct',
        fields: list(() => {
          const field = name();
          word(/ +/y);
          return { name: field, type: type() };
        }),
      };
    } else if (/^MAP\(/i.test(text.slice(at))) {
      at += 'MAP'.length;
      const [key, value] = list(type);
      found = { kind: 'map', key: key ?? fail(), value: value ?? fail() };
    } else if (/^(UNION|ENUM)\(/i.test(text.slice(at))) found = { kind: 'plain', name: balanced() };
    else {
      const base = word(/[A-Za-z][\w ]*/y).trimEnd();
      if (text[at] === '(') {
        const start = at;
        word(/\([^)]*\)/y);
        found = { kind: 'plain', name: (base + text.slice(start, at)).toUpperCase() };
      } else found = { kind: 'plain', name: base.toUpperCase() };
    }
    for (let size = /\[\d*\]/y; (size.lastIndex = at), size.test(text); at = size.lastIndex) found = { kind: 'list', of: found };
    return found;
  };
  /** A name and what stands in its brackets, whatever it is. */
  const balanced = (): string => {
    const start = at;
    let depth = 0;
    for (let quote = ''; at < text.length; at += 1) {
      const char = text[at]!;
      if (quote !== '') quote = char === quote ? '' : quote;
      else if (char === '"' || char === "'") quote = char;
      else if (char === '(') depth += 1;
      else if (char === ')' && (depth -= 1) === 0) break;
    }
    at += 1;
    return text.slice(start, at).toUpperCase();
  };
  const found = type();
  return at === text.length ? found : fail();
}
