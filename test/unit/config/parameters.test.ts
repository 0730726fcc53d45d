import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { parseParameterOptions, resolveParameters } from '../../../src/config/parameters.ts';
import { substitute } from '../../../src/config/substitute.ts';

const declare = (parameters: Json): Json => ({ parameters });

describe('--param', () => {
  it('splits at the first "="', () => {
    expect(parseParameterOptions(['a=1', 'where=x=y', 'empty='])).toEqual({ a: '1', where: 'x=y', empty: '' });
  });

  it('needs a name and a value, once', () => {
    expect(() => parseParameterOptions(['epochs'])).toThrow('--param takes NAME=VALUE; "epochs" was given.');
    expect(() => parseParameterOptions(['=5'])).toThrow('NAME=VALUE');
    expect(() => parseParameterOptions(['a=1', 'a=2'])).toThrow('--param a was given twice.');
  });

  it('may be called __proto__ without harm', () => {
    expect(resolveParameters(declare({}), parseParameterOptions(['__proto__=1'])).findings).toHaveLength(1);
  });
});

describe('values', () => {
  const document = declare({
    epochs: { type: 'integer', default: 60, minimum: 1, maximum: 100 },
    rate: { type: 'number', default: 0.1 },
    shuffle: { type: 'boolean', default: true },
    kind: { type: 'string', default: 'a', enum: ['a', 'b'] },
  });
  const messages = (given: Record<string, Json>) => resolveParameters(document, given).findings.map(({ message }) => message);

  it('are the defaults, else what was given, typed', () => {
    expect(resolveParameters(document, {})).toEqual({ values: { epochs: 60, rate: 0.1, shuffle: true, kind: 'a' }, findings: [] });
    expect(resolveParameters(document, { epochs: '5', rate: '1e-3', shuffle: 'false', kind: 'b' }).values).toEqual({
      epochs: 5,
      rate: 0.001,
      shuffle: false,
      kind: 'b',
    });
    expect(resolveParameters(document, { epochs: 5, shuffle: false }).values).toMatchObject({ epochs: 5, shuffle: false });
  });

  it.each([
    [{ epochs: '5.5' }, 'The parameter "epochs" was given "5.5", which is no integer.'],
    [{ epochs: '0x10' }, 'The parameter "epochs" was given "0x10", which is no integer.'],
    [{ epochs: '' }, 'The parameter "epochs" was given "", which is no integer.'],
    [{ epochs: '0' }, 'The parameter "epochs" was given "0", which is below the minimum of 1.'],
    [{ epochs: 101 }, 'The parameter "epochs" was given 101, which is above the maximum of 100.'],
    [{ rate: 'NaN' }, 'The parameter "rate" was given "NaN", which is no number.'],
    [{ shuffle: 'yes' }, 'The parameter "shuffle" was given "yes", which is no boolean.'],
    [{ kind: 'c' }, 'The parameter "kind" was given "c", which is none of "a", "b".'],
    [{ kind: 1 }, 'The parameter "kind" was given 1, which is no string.'],
    [{ epoch: '5' }, 'The document declares no parameter "epoch".'],
  ] as [Record<string, Json>, string][])('%j', (given, message) => {
    expect(messages(given)).toEqual([message]);
  });

  it('suggest the nearest name', () => {
    expect(resolveParameters(document, { epoch: '5' }).findings[0]).toMatchObject({
      suggestion: 'epochs',
      allowed: ['epochs', 'rate', 'shuffle', 'kind'],
    });
  });

  it.each([
    [{ type: 'integer', default: 1.5 }, '/parameters/p/default', 'The default 1.5 is no integer.'],
    [{ type: 'integer', default: 0, minimum: 1 }, '/parameters/p/default', 'The default 0 is below the minimum of 1.'],
    [
      { type: 'integer', default: 3, minimum: 5, maximum: 2 },
      '/parameters/p/minimum',
      '"minimum" 5 is above "maximum" 2, so that no value fits.',
    ],
    [{ type: 'string', default: 'a', minimum: 1 }, '/parameters/p/minimum', '"minimum" has no meaning for a string.'],
    [{ type: 'number', default: 1, enum: [1, 'x'] }, '/parameters/p/enum/1', '"x" is no number.'],
    [{ type: 'number' }, '/parameters/p', 'The parameter "p" has no default, and no value was given.'],
  ] as [Json, string, string][])('declared as %j are mistaken', (declaration, pointer, message) => {
    expect(resolveParameters(declare({ p: declaration }), {}).findings).toContainEqual(expect.objectContaining({ pointer, message }));
  });
});

describe('substitution', () => {
  const values = { n: 3, flag: false, name: 'x', list: 'a,b' };
  const run = (document: Json) => substitute(document, values, Object.keys(values));
  const withValue = (value: Json): Json => ({ steps: [{ uses: 'x', with: { value } }] });
  const result = (value: Json): Json => (run(withValue(value)).value as { steps: { with: { value: Json } }[] }).steps[0]!.with.value;

  it('keeps the type of a whole value, and writes into longer texts', () => {
    expect(result('${parameters.n}')).toBe(3);
    expect(result('${parameters.flag}')).toBe(false);
    expect(result('data/${parameters.name}-${parameters.n}.csv')).toBe('data/x-3.csv');
    expect(result(['${parameters.n}', { deep: '${parameters.name}' }])).toEqual([3, { deep: 'x' }]);
  });

  it('leaves other uses of the dollar sign', () => {
    for (const text of ['${HOME}', '^a$', '$5', '${2}', '$(x)']) expect(result(text)).toBe(text);
    expect(result('$${parameters.n}')).toBe('${parameters.n}');
    expect(run(withValue('$${parameters.none}')).findings).toEqual([]);
  });

  it('knows which parameters are used', () => {
    expect([...run(withValue('${parameters.n} and ${parameters.name}')).used]).toEqual(['n', 'name']);
  });

  it('reports names that do not exist, and roots that are not "parameters"', () => {
    expect(run(withValue('${parameters.m}')).findings).toEqual([
      expect.objectContaining({ pointer: '/steps/0/with/value', message: 'There is no parameter "m".', suggestion: 'n' }),
    ]);
    expect(run(withValue('${parameter.n}')).findings).toEqual([
      expect.objectContaining({
        message: '"${parameter.n}" refers to nothing: only parameters can be referred to.',
        suggestion: '${parameters.n}',
      }),
    ]);
    expect(run(withValue('${env.HOME}')).findings).toHaveLength(1);
  });

  it.each([
    ['the name', { name: '${parameters.name}' }, '/name'],
    ['the type of a step', { steps: [{ uses: '${parameters.name}' }] }, '/steps/0/uses'],
    ['an id', { steps: [{ uses: 'x', id: 'a${parameters.name}' }] }, '/steps/0/id'],
    ['a wire', { steps: [{ uses: 'x', inputs: { a: '${parameters.name}' } }] }, '/steps/0/inputs/a'],
    ['a default', { parameters: { a: { default: '${parameters.n}' } } }, '/parameters/a/default'],
    ['a key', { steps: [{ uses: 'x', with: { '${parameters.name}': 1 } }] }, '/steps/0/with/${parameters.name}'],
  ] as [string, Json, string][])('is refused where it cannot stand: %s', (_where, document, pointer) => {
    expect(run(document).findings).toEqual([
      expect.objectContaining({ pointer, message: expect.stringMatching(/^A parameter cannot stand/) }),
    ]);
  });

  it('does not look at what it has written', () => {
    expect(substitute(withValue('${parameters.a}'), { a: '${parameters.b}' }, ['a', 'b']).value).toEqual(withValue('${parameters.b}'));
  });
});
