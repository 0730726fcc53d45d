import { ownValue } from '../../core/json.ts';
import type { JsonObject } from '../../core/json.ts';
import { ANSWER_PREFIX } from '../../core/prediction-log.ts';
import { driftRegistry } from '../../monitoring/drift/index.generated.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

const KINDS: Readonly<Record<string, 'number' | 'category'>> = {
  number: 'number',
  integer: 'number',
  string: 'category',
  boolean: 'category',
};
const WORDS = { number: 'numbers', category: 'categories' } as const;

export default defineCheck({
  name: 'drift-tests',
  summary: 'Drift tests that are declared for one column fit the type that is declared for it, and none is declared twice.',
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
      const declared = ownValue(types, name);
      findings.push(...twice(rules, pointer), ...misfits(rules, name, declared ?? answerType(name), pointer, declared === undefined));
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
      : [{ pointer: join(pointer, key, String(index)), message: `The test "${name}" is declared twice.`, fix: 'Remove one of them.' }],
  );
}

/** What a column of answers holds, by its name; undefined: it is none. */
function answerType(name: string): string | undefined {
  if (!name.startsWith(ANSWER_PREFIX)) return undefined;
  if (/\.(value(\.\d+)?|score|probability)$|\.probabilities\./.test(name)) return 'number';
  return /\.(label|anomaly)$/.test(name) ? 'string' : undefined;
}

/** @param isAnswer its type is not declared, but that of the answers of all models */
function misfits(rules: JsonObject, column: string, declared: unknown, pointer: string, isAnswer: boolean): Finding[] {
  if (declared === 'timestamp' || declared === 'image')
    return [
      {
        pointer,
        at: 'key',
        message: `"${column}" is declared as ${declared === 'image' ? 'an image' : 'a timestamp'}, which drift tests do not compare.`,
        fix: `Remove "${column}".`,
      },
    ];
  const kind = typeof declared === 'string' ? KINDS[declared] : undefined;
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
        message: `"${name}" compares ${test.featureTypes.map((type) => WORDS[type]).join(' and ')}, and "${column}" ${isAnswer ? `holds ${WORDS[kind]}` : `is declared as ${String(declared)}`}.`,
        fix: `Take a test of ${WORDS[kind]}.`,
      },
    ];
  });
}
