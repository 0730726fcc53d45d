// Rewrites `oneOf` and `anyOf` into if/then wherever the branch meant can be told from the value, so that a mistake is reported
// against that branch alone, and so that defaults are found without trial.

const ANNOTATIONS = new Set(['description', 'title', 'examples', 'default', 'x-named', 'enumDescriptions']);

export function determinize(schema) {
  const context = { definitions: schema.definitions };
  const out = { ...visitMembers(schema, context) };
  out.definitions = Object.fromEntries(Object.entries(schema.definitions).map(([name, definition]) => [name, visit(definition, context)]));
  return out;
}

function visit(node, context) {
  if (Array.isArray(node)) return node.map((item) => visit(item, context));
  if (node === null || typeof node !== 'object') return node;
  const keyword = node.oneOf !== undefined ? 'oneOf' : node.anyOf !== undefined ? 'anyOf' : undefined;
  if (keyword === undefined) return visitMembers(node, context);
  const { [keyword]: branches, ...siblings } = node;
  const decided = decide(
    branches.map((branch) => entryOf(branch, context)),
    keyword,
    context,
  );
  const rest = visitMembers(siblings, context);
  // What the node says besides stays in force: keywords of both sides are not mixed.
  if (Object.keys(decided).some((key) => rest[key] !== undefined)) return { ...rest, allOf: [...(rest.allOf ?? []), decided] };
  return { ...rest, ...decided };
}

function visitMembers(node, context) {
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'definitions') continue;
    if (['properties', 'patternProperties'].includes(key))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, visit(child, context)]));
    else out[key] = ['const', 'enum', 'default', 'examples', 'required', 'type'].includes(key) ? value : visit(value, context);
  }
  return out;
}

/**
 * A branch with what it resolves to. Of a union (an architecture), what all its own branches require is required, and what any of
 * them knows is known.
 */
function entryOf(branch, context) {
  const resolved = resolve(branch, context);
  const inner = resolved.oneOf ?? resolved.anyOf;
  const entry = {
    branch,
    resolved,
    types: typesOf(resolved, context),
    required: resolved.required ?? [],
    properties: resolved.properties ?? {},
  };
  if (inner === undefined || !entry.types.every((type) => type === 'object')) return entry;
  const inside = inner.map((part) => entryOf(part, context));
  const shared = inside[0].required.filter((key) => inside.every((part) => part.required.includes(key)));
  return {
    ...entry,
    required: [...entry.required, ...shared],
    properties: Object.assign({}, entry.properties, ...inside.map((part) => part.properties)),
  };
}

/** Branches of branches, where a branch is nothing but a union. */
function flatten(group, context) {
  return group.flatMap((entry) => {
    const inner = entry.resolved.oneOf ?? entry.resolved.anyOf;
    const pure =
      inner !== undefined &&
      Object.keys(entry.resolved).every((key) => key === 'oneOf' || key === 'anyOf' || (ANNOTATIONS.has(key) && key !== 'x-named'));
    return pure
      ? flatten(
          inner.map((part) => entryOf(part, context)),
          context,
        )
      : [entry];
  });
}

function resolve(schema, context) {
  let at = schema;
  while (typeof at.$ref === 'string')
    at = {
      ...context.definitions[at.$ref.slice('#/definitions/'.length)],
      ...Object.fromEntries(Object.entries(at).filter(([key]) => key !== '$ref')),
    };
  return at;
}

function typesOf(schema, context) {
  if (schema.type !== undefined) return [schema.type].flat().map((type) => (type === 'integer' ? 'number' : type));
  const values = schema.enum ?? (schema.const !== undefined ? [schema.const] : undefined);
  if (values !== undefined) return [...new Set(values.map(typeOfValue))];
  const inner = schema.oneOf ?? schema.anyOf;
  if (inner !== undefined) return [...new Set(inner.flatMap((branch) => typesOf(resolve(branch, context), context)))];
  if (schema.properties !== undefined || schema.required !== undefined) return ['object'];
  if (schema.items !== undefined) return ['array'];
  return ['string', 'number', 'boolean', 'null', 'array', 'object'];
}

function typeOfValue(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function decide(branches, keyword, context) {
  const byType = new Map();
  for (const entry of branches) for (const type of entry.types) byType.set(type, [...(byType.get(type) ?? []), entry]);
  const types = [...byType.keys()];
  if (types.length === 1) return { type: types[0], ...decideWithin(types[0], branches, keyword, context) };
  const done = new Set();
  const allOf = [];
  for (const [type, group] of byType) {
    if (done.has(type)) continue;
    // A single branch of several types is decided on once.
    const same = types.filter((other) => sameGroup(byType.get(other), group));
    same.forEach((other) => done.add(other));
    const then = group.length === 1 ? visit(group[0].branch, context) : decideWithin(type, group, keyword, context);
    allOf.push({ if: { type: same.length === 1 ? same[0] : same }, then });
  }
  return { type: types, allOf };
}

const sameGroup = (one, other) => one === other || (one.length === 1 && other.length === 1 && one[0] === other[0]);

function decideWithin(type, group, keyword, context) {
  if (group.length === 1) return visit(group[0].branch, context);
  const listed = group.map(({ resolved }) => resolved.enum ?? (resolved.const === undefined ? undefined : [resolved.const]));
  if (listed.every((values) => values !== undefined)) return { enum: [...new Set(listed.flat())] };
  const flat = flatten(group, context);
  if (type === 'object')
    return (
      byTag(group, context) ?? byKey(group, context) ?? byTag(flat, context) ?? byKey(flat, context) ?? leftover(group, keyword, context)
    );
  return leftover(group, keyword, context);
}

const leftover = (group, keyword, context) => ({ [keyword]: group.map(({ branch }) => visit(branch, context)) });

/** One property has its own constant in every branch. */
function byTag(group, context) {
  const valuesOf = (entry, tag) => {
    const property = entry.properties[tag];
    return property?.const !== undefined ? [property.const] : property?.enum;
  };
  const tag = Object.keys(group[0].properties).find((name) => {
    const all = group.map((entry) => valuesOf(entry, name));
    return (
      all.every((values) => values !== undefined) &&
      new Set(all.flat()).size === all.flat().length &&
      group.every(({ required }) => required.includes(name))
    );
  });
  if (tag === undefined) return undefined;
  return {
    required: [tag],
    properties: { [tag]: { enum: group.flatMap((entry) => valuesOf(entry, tag)) } },
    allOf: group.map((entry) => ({
      if: { required: [tag], properties: { [tag]: { enum: valuesOf(entry, tag) } } },
      then: visit(entry.branch, context),
    })),
  };
}

/** Every branch (but perhaps the last) requires a key that no other branch knows. */
function byKey(group, context) {
  const keys = group.map(({ required }, index) =>
    required.find((key) => group.every((other, position) => position === index || other.properties[key] === undefined)),
  );
  const open = keys.filter((key) => key === undefined).length;
  if (open > 1) return undefined;
  const keyed = group.map((entry, index) => ({ entry, key: keys[index] })).filter(({ key }) => key !== undefined);
  const rest = group[keys.indexOf(undefined)];
  const last = rest === undefined ? {} : visit(rest.branch, context);
  const chain = keyed.reduceRight(
    (otherwise, { entry, key }) => ({
      if: { required: [key] },
      then: visit(entry.branch, context),
      ...(Object.keys(otherwise).length > 0 ? { else: otherwise } : {}),
    }),
    last,
  );
  return rest === undefined ? { anyOf: keyed.map(({ key }) => ({ required: [key] })), allOf: [chain] } : { allOf: [chain] };
}
