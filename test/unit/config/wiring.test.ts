import { describe, expect, it } from 'vitest';
import type { ArtifactKind } from '../../../src/core/artifact.ts';
import { wire } from '../../../src/config/wiring.ts';
import type { WiringStep } from '../../../src/config/wiring.ts';

const ports = (kinds: readonly string[]) =>
  Object.fromEntries(
    kinds.map((kind) => [kind.replace('?', ''), { kind: kind.replace('?', '') as ArtifactKind, optional: kind.endsWith('?') }]),
  );

type Spec = readonly [id: string, takes: readonly string[], gives: readonly string[], explicit?: Record<string, string>];

function steps(...specs: readonly Spec[]): WiringStep[] {
  return specs.map(([id, takes, gives, explicit = {}], index) => ({
    id,
    pointer: `/steps/${index}`,
    inputs: ports(takes),
    outputs: ports(gives),
    explicit,
    known: true,
  }));
}

const sources = (all: WiringStep[]) =>
  wire(all).inputs.map((inputs) => Object.fromEntries(Object.entries(inputs).map(([port, { step }]) => [port, step])));
const messages = (all: WiringStep[]) => wire(all).findings.map(({ message }) => message);

describe('automatic wiring', () => {
  it('reads the chain in order: the later artifact of a kind was made from the earlier', () => {
    const chain = steps(
      ['ingest', [], ['dataset']],
      ['validate', ['dataset'], ['dataset']],
      ['preprocess', ['dataset'], ['examples']],
      ['train', ['examples'], ['model']],
      ['evaluate', ['model', 'examples', 'dataset'], ['evaluation']],
    );
    expect(sources(chain)).toEqual([
      {},
      { dataset: 'ingest' },
      { dataset: 'validate' },
      { examples: 'preprocess' },
      { model: 'train', examples: 'preprocess', dataset: 'validate' },
    ]);
  });

  it('refuses to guess between branches, and lists them', () => {
    const branches = steps(
      ['ingest', [], ['examples']],
      ['small', ['examples'], ['model']],
      ['large', ['examples'], ['model']],
      ['evaluate', ['model'], []],
    );
    const { findings, inputs } = wire(branches);
    expect(findings).toEqual([
      expect.objectContaining({
        pointer: '/steps/3',
        allowed: ['small', 'large'],
        message: 'The step "evaluate" takes a model as "model", and 2 could be meant: "small", "large".',
        fix: 'Choose one: "inputs": { "model": "large" }.',
      }),
    ]);
    expect(inputs[3]).toEqual({});
  });

  it('drops a candidate that another depends on through other kinds', () => {
    const tuned = steps(
      ['data', [], ['examples']],
      ['train', ['examples'], ['model']],
      ['score', ['model'], ['evaluation']],
      ['finetune', ['evaluation', 'examples'], ['model']],
      ['use', ['model'], []],
    );
    expect(sources(tuned)[4]).toEqual({ model: 'finetune' });
  });

  it('leaves an optional input open, but does not guess it either', () => {
    expect(sources(steps(['register', ['model?'], []]))).toEqual([{}]);
    expect(messages(steps(['a', [], ['model']], ['b', [], ['model']], ['c', ['model?'], []]))).toHaveLength(1);
  });

  it('says what could give what is missing, and what stands too late', () => {
    expect(wire(steps(['train', ['examples'], ['model']])).findings[0]).toMatchObject({
      message: 'The step "train" takes examples as "examples", and no step before it gives any.',
      fix: 'Add a step that does before it, e.g. { "uses": "preprocess" }.',
    });
    expect(wire(steps(['train', ['examples'], ['model']], ['preprocess', [], ['examples']])).findings[0]).toMatchObject({
      fix: 'The step "preprocess" does, but stands after it: move it before "train".',
    });
  });

  it('does not complain about what an unknown step may give', () => {
    const all = steps(['typo', [], []], ['train', ['examples'], ['model']]);
    expect(messages([{ ...all[0]!, known: false }, all[1]!])).toEqual([]);
  });
});

describe('explicit wiring', () => {
  const base: readonly Spec[] = [
    ['ingest', [], ['dataset']],
    ['a', ['dataset'], ['model']],
    ['b', ['dataset'], ['model', 'report']],
  ];

  it('takes the step, or the step and its output', () => {
    expect(sources(steps(...base, ['use', ['model'], [], { model: 'a' }]))[3]).toEqual({ model: 'a' });
    expect(sources(steps(...base, ['use', ['model'], [], { model: 'b.model' }]))[3]).toEqual({ model: 'b' });
  });

  it.each([
    [{ model: 'c' }, 'There is no step "c".'],
    [{ model: 'use' }, 'The step "use" cannot take its own output.'],
    [{ model: 'late' }, 'The step "late" stands after "use"; a step takes only from steps before it.'],
    [{ model: 'ingest' }, '"model" of "use" takes a model; "ingest" gives a dataset.'],
    [{ model: 'b.modle' }, 'The step "b" gives nothing named "modle".'],
    [{ model: 'b.report' }, '"model" of "use" takes a model; "b.report" is a report.'],
    [{ model: 'a', modle: 'b' }, 'The step "use" has no input "modle".'],
  ] as [Record<string, string>, string][])('%j', (explicit, message) => {
    expect(messages(steps(...base, ['use', ['model'], [], explicit], ['late', [], ['model']]))).toContain(message);
  });

  it('asks which, where a step gives two of the kind', () => {
    const two: WiringStep = { ...steps(['split', [], []])[0]!, outputs: { left: { kind: 'dataset' }, right: { kind: 'dataset' } } };
    const user = { ...steps(['use', ['dataset'], [], { dataset: 'split' }])[0]!, pointer: '/steps/1' };
    expect(wire([two, user]).findings).toEqual([
      expect.objectContaining({ pointer: '/steps/1/inputs/dataset', allowed: ['split.left', 'split.right'] }),
    ]);
    expect(wire([two, { ...user, explicit: {} }]).findings).toEqual([expect.objectContaining({ allowed: ['split.left', 'split.right'] })]);
    expect(sources([two, { ...user, explicit: { dataset: 'split.right' } }])[1]).toEqual({ dataset: 'split' });
  });
});
