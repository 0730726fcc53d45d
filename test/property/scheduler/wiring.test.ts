import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactKind } from '../../../src/core/artifact.ts';
import { wire } from '../../../src/config/wiring.ts';
import type { WiringStep } from '../../../src/config/wiring.ts';

const KINDS: readonly ArtifactKind[] = ['dataset', 'examples', 'model'];
const ports = (kinds: readonly ArtifactKind[]) => Object.fromEntries(kinds.map((kind) => [kind, { kind }]));
const chain: fc.Arbitrary<WiringStep[]> = fc
  .array(fc.tuple(fc.subarray([...KINDS]), fc.subarray([...KINDS])), { minLength: 1, maxLength: 8 })
  .map((drawn) =>
    drawn.map(([takes, gives], index) => ({
      id: `s${index}`,
      pointer: `/steps/${index}`,
      inputs: ports(takes),
      outputs: ports(gives),
      explicit: {},
      known: true,
    })),
  );

describe('wiring', () => {
  it('connects or explains every input, only ever to an earlier output of its kind', () => {
    fc.assert(
      fc.property(chain, (steps) => {
        const { inputs, findings } = wire(steps);
        for (const [index, step] of steps.entries()) {
          for (const [port, { kind }] of Object.entries(step.inputs)) {
            const source = inputs[index]![port];
            if (source === undefined)
              expect(findings.some((finding) => finding.pointer === step.pointer && finding.message.includes(`"${port}"`))).toBe(true);
            else {
              const from = steps.findIndex(({ id }) => id === source.step);
              expect(from).toBeLessThan(index);
              expect(steps[from]!.outputs[source.output]!.kind).toBe(kind);
            }
          }
        }
      }),
    );
  });

  it('takes what is named as what it would have chosen itself', () => {
    fc.assert(
      fc.property(chain, (steps) => {
        const { inputs } = wire(steps);
        const explicit = steps.map((step, index) => ({
          ...step,
          explicit: Object.fromEntries(Object.entries(inputs[index]!).map(([port, source]) => [port, `${source.step}.${source.output}`])),
        }));
        expect(wire(explicit).inputs).toEqual(inputs);
      }),
    );
  });

  it('never passes over an artifact that was made from the one it takes', () => {
    fc.assert(
      fc.property(chain, (steps) => {
        const { inputs } = wire(steps);
        const reaches = (from: number, to: string): boolean =>
          Object.values(inputs[from]!).some(
            (source) =>
              source.step === to ||
              reaches(
                steps.findIndex(({ id }) => id === source.step),
                to,
              ),
          );
        for (const [index, wired] of inputs.entries())
          for (const source of Object.values(wired))
            for (let between = 0; between < index; between++)
              if (steps[between]!.outputs[source.kind] !== undefined) expect(reaches(between, source.step)).toBe(false);
      }),
    );
  });
});
