// Composes the schema of the document from the hand-written envelope and every definition that exists.

/**
 * kind → how a definition appears in a document:
 * `named`: "name" or { "name": configuration }; `tagged`: an object whose `tag` is the name; `whole`: an object of its own.
 */
export const FORMS = {
  transform: { form: 'named', meaning: 'A transform of a column.' },
  optimizer: { form: 'named', meaning: 'How gradients become updates.' },
  loss: { form: 'named', meaning: 'What training minimizes.' },
  callback: { form: 'named', meaning: 'What watches and steers the training.' },
  export: { form: 'named', meaning: 'A format that a model is written in for other programs.' },
  metric: { form: 'named', meaning: 'What is measured.' },
  drift: { form: 'named', meaning: 'A test for a shift of the data.' },
  joint: { form: 'named', meaning: 'A test for a shift of whole rows, all columns at once.' },
  measure: { form: 'named', meaning: 'What is measured of the values of a column.' },
  sampler: { form: 'named', meaning: 'How the next point of a search is chosen.' },
  stopper: { form: 'named', meaning: 'How a trial of a search is ended that will not be the best.' },
  reader: { form: 'tagged', tag: 'format', meaning: 'Where the data come from, and in which format.' },
  architecture: { form: 'tagged', tag: 'architecture', meaning: 'A network made from a few settings.' },
  layer: { form: 'tagged', tag: 'type', meaning: 'A layer of a network.' },
  activation: { form: 'named', meaning: 'A function of the values of a layer.' },
  initializer: { form: 'named', meaning: 'A distribution of initial weights.' },
  constraint: { form: 'named', meaning: 'What weights are brought back to after every update.' },
  augmentation: { form: 'named', of: 'layer', meaning: 'A layer that changes images while training.' },
  encoder: {
    form: 'named',
    of: 'architecture',
    meaning: 'What one of several inputs goes through: an architecture without its output layer.',
  },
  trigger: { form: 'named', meaning: 'What starts runs by itself.' },
  channel: { form: 'named', meaning: 'A way to tell people or programs what happened.' },
  sink: { form: 'named', meaning: 'Where events go.' },
  envelope: { form: 'named', meaning: 'The form in which events tell changes.' },
  target: { form: 'named', meaning: 'Where a champion is kept, and who serves it from there.' },
  expectation: { form: 'whole', meaning: 'What has to hold for the data.' },
};

/** Steps with this type are used by the path of a file instead of the type's name. */
const LOCAL_STEP = 'script';
const LOCAL_PATH = '^\\.\\.?/';
const REFERENCE = {
  type: 'string',
  pattern: '\\$\\{(parameters|search)\\.[A-Za-z][A-Za-z0-9_]*\\}',
  description: 'The value of a parameter: "${parameters.NAME}"; behind a tune step also what it searches: "${search.NAME}".',
};

/** Lists come out of a search alone: parameters are single values. */
const SEARCHED = {
  type: 'string',
  pattern: '^\\$\\{search\\.[A-Za-z][A-Za-z0-9_]*\\}$',
  description: 'Behind a tune step: what it searches, "${search.NAME}".',
};

export const nameOf = (definition) => definition.name ?? definition.type ?? definition.format ?? definition.architecture;

/** The resolved form: after parameters are substituted. `definitions` per kind, steps discriminated by `uses`. */
export function compose(base, registries) {
  const definitions = structuredClone(base.definitions);
  for (const [kind, { form, tag, meaning }] of Object.entries(FORMS)) {
    const all =
      kind === 'augmentation'
        ? augmentations(registries.layer ?? [])
        : kind === 'encoder'
          ? (registries.architecture ?? []).filter(({ encode }) => encode !== undefined)
          : (registries[kind] ?? []);
    for (const definition of all)
      hoist(definitions, `${kind}.${nameOf(definition)}`, kind === 'trigger' ? triggerSchema(definition) : tagSchema(definition, tag));
    definitions[kind] = { description: meaning, ...union(kind, form, all) };
  }
  addTriggers(definitions, registries.trigger ?? []);
  addChanges(definitions, registries);
  for (const step of registries.step ?? []) hoist(definitions, `step.${step.type}`, described(step));
  const local = definitions[`step.${LOCAL_STEP}`];
  if (local !== undefined) definitions[`step.${LOCAL_STEP}`] = without(local, 'path');
  const schema = { ...structuredClone(base), definitions };
  discriminateSteps(schema, registries.step ?? []);
  checkReferences(schema);
  return schema;
}

/** Names of what is told to other programs, with what each means. */
function addChanges(definitions, { CHANGES = {} }) {
  const groups = [...new Set(Object.keys(CHANGES).map((name) => name.slice(0, name.indexOf('.'))))];
  definitions.change = {
    description: `What is told: ${groups.join(', ')}, or one of them. ${Object.entries(CHANGES)
      .map(([name, meaning]) => `${name}: ${meaning}.`)
      .join(' ')}`,
    enum: [...groups, ...Object.keys(CHANGES)],
  };
}

/** The form for editors: values may also be parameter references, and completions carry what each name means. */
export function editorForm(resolved, registries) {
  const schema = structuredClone(resolved);
  const fixed = new Set(['name', 'parameterName', 'stepId', 'parameter', 'secret', 'step', 'artifactKind', 'change']);
  for (const [name, definition] of Object.entries(schema.definitions)) if (!fixed.has(name)) schema.definitions[name] = relax(definition);
  for (const key of ['queue', 'cache']) schema.definitions.step.properties[key] = relax(schema.definitions.step.properties[key]);
  const shown = (registries.step ?? []).filter((step) => step.type !== LOCAL_STEP);
  const uses = schema.definitions.step.properties.uses;
  uses.anyOf = [
    { enum: shown.map((step) => step.type), enumDescriptions: shown.map((step) => step.summary) },
    { type: 'string', pattern: LOCAL_PATH },
  ];
  schema.definitions.step.defaultSnippets = shown.flatMap((step) =>
    step.examples
      .slice(0, 1)
      .map((example) => ({ label: step.type, description: step.summary, body: { uses: step.type, with: example.config } })),
  );
  return strip(schema, ['x-named']);
}

/** What all triggers have besides settings of their own. */
function triggerSchema(definition) {
  // A default would give the trigger to every document.
  const { default: _none, ...schema } = described(definition);
  const { every, coolDown, ofChampion, tells } = definition;
  if (tells === true) {
    const cron = {
      description: 'When it is sent: a cron expression of five fields.',
      type: 'string',
      default: every,
      examples: ['0 8 * * 1'],
    };
    const timezone = { description: 'IANA time zone of the cron expression.', type: 'string', default: 'UTC', examples: ['Europe/Berlin'] };
    return { ...schema, properties: { cron, timezone, ...schema.properties } };
  }
  return {
    ...schema,
    properties: {
      ...schema.properties,
      every: {
        description: 'How often it looks, each pipeline at a moment of its own within the first ten minutes of the interval.',
        $ref: '#/definitions/duration',
        default: every,
      },
      do: { $ref: '#/definitions/action' },
      coolDown: {
        description: 'At least this long after the end of the last run that a trigger started before the next one is started.',
        $ref: '#/definitions/duration',
        default: coolDown,
      },
      // What is told once starts one run, so that it cannot start them without end.
      ...(ofChampion
        ? {
            attempts: {
              description:
                'Runs that failed, were rejected or changed nothing, one after the other, after which no more are started until there is another champion or another document; a run that its data stopped is none of them, and is tried again after longer and longer, up to a day.',
              type: 'integer',
              minimum: 1,
              default: 3,
            },
          }
        : {}),
    },
  };
}

/** Layers by their settings alone: where they stand and how they are called is the architecture's. */
function augmentations(layers) {
  return layers
    .filter((layer) => layer.augmentation === true)
    .map((layer) => ({ ...layer, configSchema: without(without(layer.configSchema, 'name'), 'inputs') }));
}

/** What it does; where the configuration is no object with keys that speak for themselves, also what the value is. */
function described({ summary, configSchema }) {
  const value = configSchema.type === 'object' || configSchema.description === summary ? undefined : configSchema.description;
  return { ...configSchema, description: [summary, value].filter((text) => text !== undefined).join(' ') };
}

function tagSchema(definition, tag) {
  const schema = described(definition);
  if (tag === undefined) return schema;
  const name = nameOf(definition);
  const own = { const: name, description: definition.summary };
  // The tag stands first, as people write it, whatever the definition says of it.
  return {
    ...schema,
    type: 'object',
    properties: { [tag]: own, ...schema.properties, [tag]: own },
    required: [...new Set([tag, ...(schema.required ?? [])])],
  };
}

function union(kind, form, all) {
  if (all.length === 0) return { description: `No ${kind} is defined.`, not: {} };
  const ref = (definition) => ({ $ref: `#/definitions/${kind}.${nameOf(definition)}` });
  if (form !== 'named') return { oneOf: all.map(ref) };
  const bare = all.filter((definition) => acceptsNothing(definition.configSchema));
  const properties = Object.fromEntries(all.map((definition) => [nameOf(definition), ref(definition)]));
  const keyed = { type: 'object', additionalProperties: false, minProperties: 1, maxProperties: 1, properties };
  return {
    'x-named': kind,
    anyOf: [
      ...(bare.length > 0
        ? [{ type: 'string', enum: bare.map(nameOf), enumDescriptions: bare.map((definition) => definition.summary) }]
        : []),
      keyed,
    ],
  };
}

/** True where the name alone says everything: no required key, or a default for the whole. */
function acceptsNothing(schema) {
  if (schema.default !== undefined) return true;
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) return branches.some((branch) => branch.type === 'object' && acceptsNothing(branch));
  return (schema.type === undefined || schema.type === 'object') && (schema.required ?? []).length === 0;
}

/** Adds a definition; its own `definitions` move beside it under longer names. */
function hoist(definitions, name, schema) {
  const { definitions: own = {}, $schema: _schema, ...body } = structuredClone(schema);
  const rename = (node) => {
    if (Array.isArray(node)) return node.map(rename);
    if (node === null || typeof node !== 'object') return node;
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => {
        const local = key === '$ref' && typeof value === 'string' ? /^#\/definitions\/(.+)$/.exec(value)?.[1] : undefined;
        return [key, local !== undefined && Object.hasOwn(own, local) ? `#/definitions/${name}.${local}` : rename(value)];
      }),
    );
  };
  definitions[name] = rename(body);
  for (const [local, definition] of Object.entries(own)) definitions[`${name}.${local}`] = rename(definition);
}

/** Each trigger under its name in `on`, and what its runs do where another one is going. */
function addTriggers(definitions, triggers) {
  const { properties } = definitions.on;
  const ordered = {};
  for (const [name, property] of Object.entries(properties)) {
    ordered[name] = property;
    if (name === 'newData') for (const trigger of triggers) ordered[trigger.name] = { $ref: `#/definitions/trigger.${trigger.name}` };
  }
  definitions.on.properties = ordered;
  for (const { name, ofChampion } of triggers.filter(({ tells }) => tells !== true))
    ordered.overlap.properties[name] = {
      ...ordered.overlap.properties.newData,
      description: ofChampion
        ? `Runs because of "${name}". Default: skip; the next look tries again.`
        : `Runs because of "${name}". Default: queue, since it tells of something only once.`,
    };
}

function without(schema, key) {
  const { [key]: _removed, ...properties } = schema.properties ?? {};
  return { ...schema, properties, ...(schema.required ? { required: schema.required.filter((name) => name !== key) } : {}) };
}

function discriminateSteps(schema, steps) {
  const step = schema.definitions.step;
  const withOf = (type) => {
    const definition = schema.definitions[`step.${type}`];
    const required = (definition.required ?? []).length > 0;
    return {
      properties: { with: { $ref: `#/definitions/step.${type}`, ...(required ? {} : { default: {} }) } },
      ...(required ? { required: ['with'] } : {}),
    };
  };
  const named = steps.map(({ type }) => type).filter((type) => type !== LOCAL_STEP);
  const isLocal = { required: ['uses'], properties: { uses: { type: 'string', pattern: LOCAL_PATH } } };
  step.allOf = [
    {
      if: isLocal,
      then: steps.some(({ type }) => type === LOCAL_STEP) ? withOf(LOCAL_STEP) : {},
      else: { properties: { uses: named.length > 0 ? { enum: named } : {} } },
    },
    ...named.map((type) => ({ if: { required: ['uses'], properties: { uses: { const: type } } }, then: withOf(type) })),
  ];
}

/** Scalars that are constrained accept a parameter reference as well. Constants (tags) do not: they decide what else is allowed. */
function relax(node) {
  if (Array.isArray(node)) return node.map(relax);
  if (node === null || typeof node !== 'object') return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (['default', 'examples', 'enum', 'const', 'required', 'if', 'not', 'type', 'propertyNames'].includes(key)) out[key] = value;
    else if (['properties', 'patternProperties', 'definitions'].includes(key))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, relax(child)]));
    else out[key] = relax(value);
  }
  const types = [out.type ?? []].flat();
  const scalar =
    types.some((type) => ['integer', 'number', 'boolean'].includes(type)) ||
    (types.includes('string') && (out.pattern ?? out.format ?? out.minLength ?? out.maxLength) !== undefined) ||
    Array.isArray(out.enum);
  if (!scalar && !types.includes('array')) return withOneReference(out);
  const { description, default: fallback, examples, ...constraints } = out;
  const kept = Object.fromEntries(Object.entries({ description, default: fallback, examples }).filter(([, value]) => value !== undefined));
  return { ...kept, anyOf: [constraints, scalar ? REFERENCE : SEARCHED] };
}

/** A reference fits every branch that takes one, so that it is not one of them alone. */
function withOneReference(node) {
  const takes = (branch) => branch.anyOf?.some((one) => one === REFERENCE || one === SEARCHED) === true;
  if (node.oneOf === undefined || node.anyOf !== undefined || node.oneOf.filter(takes).length < 2) return node;
  const { oneOf, ...rest } = node;
  return { ...rest, anyOf: oneOf };
}

export function strip(node, keys) {
  if (Array.isArray(node)) return node.map((item) => strip(item, keys));
  if (node === null || typeof node !== 'object') return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (keys.includes(key)) continue;
    // Under `properties` the keys are names of the document, not keywords.
    out[key] =
      key === 'properties' || key === 'definitions'
        ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, strip(child, keys)]))
        : ['const', 'enum', 'default', 'examples', 'defaultSnippets'].includes(key)
          ? value
          : strip(value, keys);
  }
  return out;
}

function checkReferences(schema) {
  const missing = new Set();
  const visit = (node, path) => {
    if (node === null || typeof node !== 'object') return;
    if (typeof node.$ref === 'string') {
      const name = /^#\/definitions\/(.+)$/.exec(node.$ref)?.[1];
      if (name === undefined || !Object.hasOwn(schema.definitions, name)) missing.add(`${node.$ref} (used in ${path})`);
    }
    for (const [key, value] of Object.entries(node))
      if (!['const', 'enum', 'default', 'examples'].includes(key)) visit(value, `${path}/${key}`);
  };
  visit(schema, '#');
  if (missing.size > 0) throw new Error(`The schemas refer to definitions that do not exist:\n  ${[...missing].join('\n  ')}`);
}
