import { ownValue } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { ANSWER_PREFIX } from '../../core/prediction-log.ts';
import { driftRegistry } from '../../monitoring/drift/index.generated.ts';
import { measureRegistry } from '../../monitoring/measures/index.generated.ts';
import { MEASURED_WORDS } from '../../monitoring/measures/measure.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

const KINDS: Readonly<Record<string, 'number' | 'category'>> = {
  number: 'number',
  integer: 'number',
  string: 'category',
  boolean: 'category',
  // What is measured of pictures.
  image: 'number',
};
const WORDS = { number: 'numbers', category: 'categories' } as const;

export default defineCheck({
  name: 'drift-tests',
  summary: 'Drift tests and measures that are declared for one column fit the type that is declared for it, and none is declared twice.',
  run(facts) {
    const drift = facts.on?.['drift'];
    if (!isObject(drift)) return [];
    const findings = [...twice(drift, '/on/drift'), ...twice(drift, '/on/drift', 'joint')];
    const types =
      stepsOf(facts, 'ingest')
        .map(({ config }) => config['columns'])
        .find(isObject) ?? {};
    for (const [name, rules] of Object.entries(isObject(drift['columns']) ? drift['columns'] : {})) {
      if (!isObject(rules)) continue;
      const pointer = join('/on/drift/columns', name);
      const declared = typeOf(ownValue(types, name));
      findings.push(
        ...twice(rules, pointer),
        ...twice(rules, pointer, 'measures'),
        ...misfits(rules, name, declared ?? answerType(name), pointer, declared === undefined),
      );
    }
    return findings;
  },
});

function testsIn(rules: JsonObject, key = 'tests'): string[] {
  const tests = rules[key];
  return Array.isArray(tests) ? tests.flatMap((test) => namedConfig(test)?.name ?? []) : [];
}

function twice(rules: JsonObject, pointer: string, key = 'tests'): Finding[] {
  return testsIn(rules, key).flatMap((name, index, all) =>
    all.indexOf(name) === index
      ? []
      : [
          {
            pointer: join(pointer, key, String(index)),
            message: `The ${key === 'measures' ? 'measure' : 'test'} "${name}" is declared twice.`,
            fix: 'Remove one of them.',
          },
        ],
  );
}

/** "timestamp", or { "timestamp": { … } }. */
function typeOf(declared: unknown): string | undefined {
  return typeof declared === 'string' ? declared : isObject(declared as Json) ? Object.keys(declared as JsonObject)[0] : undefined;
}

/** What a column of answers holds, by its name; undefined: it is none. */
function answerType(name: string): string | undefined {
  if (!name.startsWith(ANSWER_PREFIX)) return undefined;
  if (/\.(value(\.\d+)?|score|probability)$|\.probabilities\./.test(name)) return 'number';
  return /\.(label|anomaly)$/.test(name) ? 'string' : undefined;
}

const MEASURED: Readonly<Record<string, 'text' | 'timestamp' | 'image'>> = { string: 'text', timestamp: 'timestamp', image: 'image' };

/** @param isAnswer its type is not declared, but that of the answers of all models */
function misfits(rules: JsonObject, column: string, declared: string | undefined, pointer: string, isAnswer: boolean): Finding[] {
  const measured = testsIn(rules, 'measures');
  if (declared === 'timestamp' && measured.length === 0)
    return [
      {
        pointer,
        at: 'key',
        message: `"${column}" is declared as a timestamp, which drift tests do not compare.`,
        fix: `Say what is measured of it, as "measures": ["hour"], or remove "${column}".`,
      },
    ];
  if (isAnswer && declared !== undefined && measured.length > 0)
    return [
      {
        pointer: join(pointer, 'measures'),
        message: `"${column}" is an answer, of which nothing is measured: answers are compared as they are.`,
        fix: 'Remove "measures".',
      },
    ];
  return declared === undefined
    ? []
    : [...misfitMeasures(measured, column, declared, pointer), ...misfitTests(rules, column, declared, pointer, isAnswer)];
}

function misfitMeasures(measured: readonly string[], column: string, declared: string, pointer: string): Finding[] {
  const kind = MEASURED[declared];
  const allowed = measureRegistry
    .all()
    .filter(({ of }) => of === kind)
    .map(({ name }) => name);
  return measured.flatMap((name, index) => {
    const measure = measureRegistry.find(name);
    if (measure === undefined || measure.of === kind) return [];
    return [
      {
        pointer: join(pointer, 'measures', String(index)),
        given: name,
        allowed,
        message: `"${name}" is measured of ${MEASURED_WORDS[measure.of]}, and "${column}" is declared as ${declared}.`,
        fix: allowed.length === 0 ? 'Remove it: the values are compared as they are.' : `Take one of ${allowed.join(', ')}.`,
      },
    ];
  });
}

function misfitTests(rules: JsonObject, column: string, declared: string, pointer: string, isAnswer: boolean): Finding[] {
  // Tests of a text that is measured are for what is measured of it.
  if (declared === 'string' && testsIn(rules, 'measures').length > 0) return [];
  const kind = KINDS[declared];
  if (kind === undefined) return [];
  const allowed = driftRegistry
    .all()
    .filter(({ featureTypes }) => featureTypes.includes(kind))
    .map(({ name }) => name);
  return testsIn(rules).flatMap((name, index) => {
    const test = driftRegistry.find(name);
    if (test === undefined || test.featureTypes.includes(kind)) return [];
    return [
      {
        pointer: join(pointer, 'tests', String(index)),
        given: name,
        allowed,
        message: `"${name}" compares ${test.featureTypes.map((type) => WORDS[type]).join(' and ')}, and "${column}" ${isAnswer ? `holds ${WORDS[kind]}` : `is declared as ${declared}`}.`,
        fix: `Take a test of ${WORDS[kind]}.`,
      },
    ];
  });
}
