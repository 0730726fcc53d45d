import { describe, expect, test } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import { describeTopology, workOf } from '../../../src/training/model/describe.ts';
import { parseLayers } from './layer-list.ts';

const VECTOR = [6];
const SEQUENCE = [5, 4];
const IMAGE = [6, 5, 4];

describe('layers whose shapes do not fit are refused before anything is computed, by name and with a fix', () => {
  test.each([
    [
      { type: 'conv3d', filters: 2, kernelSize: 2 },
      IMAGE,
      /reads volumes \[depth, height, width, channels\].*\[6, 5, 4\]/,
      /"shape": \[6,5,4,1\]/,
    ],
    [{ type: 'conv2d', filters: 3, kernelSize: 2, groups: 2 }, IMAGE, /2 groups do not divide the 3 filters/, /divides both/],
    [
      { type: 'conv2d', filters: 2, kernelSize: 2, strides: 2, dilationRate: 2 },
      IMAGE,
      /strides of \[2, 2\] and a dilation of \[2, 2\]/,
      /at 1/,
    ],
    [
      { type: 'conv1d', filters: 2, kernelSize: 3, dilationRate: 3 },
      SEQUENCE,
      /a window of 7 does not fit into the steps of 5/,
      /smaller window/,
    ],
    [
      { type: 'conv2dTranspose', filters: 2, kernelSize: 3, strides: 2, outputPadding: 2 },
      IMAGE,
      /output padding of 2 makes the height/,
      /0 to 1/,
    ],
    [{ type: 'cropping2d', cropping: [[2, 3], 2] }, [5, 8, 1], /cropping of 5 leaves nothing of the height of 5/, /at most 4/],
    [{ type: 'groupNormalization', groups: 3 }, IMAGE, /3 groups do not divide the 4 channels/, /1 and -1/],
    [{ type: 'permute', dims: [1, 3] }, SEQUENCE, /order \[1, 3\] does not name the 2 axes/, /1 to 2/],
    [{ type: 'masking' }, VECTOR, /reads sequences.*\[6\]/, /maskZero/],
    [{ type: 'repeatVector', n: 3 }, SEQUENCE, /reads vectors.*\[5, 4\]/, /flatten/],
    [{ type: 'unitNormalization', axis: 3 }, SEQUENCE, /axis 3.*\[5, 4\]/, /1 to 2/],
    [{ type: 'dense', units: 3, activation: 'glu' }, VECTOR, /glu halves the last axis.*\[3\]/, /even number/],
    [{ type: 'gru', units: 4, activation: 'glu' }, SEQUENCE, /cannot use the activation glu/, /another activation/],
    [
      { type: 'dense', units: 3, biasInitializer: 'orthogonal' },
      VECTOR,
      /orthogonal needs a weight of at least 2 axes.*"bias".*\[3\]/,
      /glorotUniform/,
    ],
    [
      { type: 'conv1d', filters: 2, kernelSize: 2, kernelInitializer: 'identity' },
      SEQUENCE,
      /identity needs a weight of exactly 2 axes/,
      /another initializer/,
    ],
    [{ type: 'dense', units: 3, kernelConstraint: { maxNorm: { axis: 2 } } }, VECTOR, /maxNorm runs over axis 2.*\[6, 3\]/, /0 to 1/],
    [
      { type: 'bidirectional', cell: 'simpleRnn', units: 2, resetAfter: false },
      SEQUENCE,
      /"resetAfter" is a setting of gru/,
      /choose the cell gru/,
    ],
    [{ type: 'timeDistributed', layer: { type: 'dense', units: 2 } }, VECTOR, /reads sequences.*\[6\]/, /on its own/],
    [
      { type: 'timeDistributed', layer: { type: 'conv2d', filters: 2, kernelSize: 2 } },
      SEQUENCE,
      /a conv2d layer reads images.*\[4\]/,
      /reshape/,
    ],
    [{ type: 'spectralNormalization', layer: { type: 'flatten' } }, SEQUENCE, /a flatten layer has no kernel/, /dense/],
    [{ type: 'einsumDense', equation: 'abc,cd->abe', outputShape: [null, 2] }, SEQUENCE, /axis "e" that neither/, /abc,cd->abd/],
    [{ type: 'einsumDense', equation: 'abc,cd->abd', outputShape: [7, 2] }, SEQUENCE, /axis "b" is 5 long in the input and 7/, /5 or null/],
    [
      { type: 'convLstm2d', filters: 2, kernelSize: 2 },
      IMAGE,
      /reads sequences \[steps, height, width, channels\].*\[6, 5, 4\]/,
      /reshape/,
    ],
    [{ type: 'discretization', binBoundaries: [1, 0] }, VECTOR, /\[1, 0\] are not ascending/, /Sort/],
    [{ type: 'normalization', mean: [1, 2], variance: 1 }, VECTOR, /2 means or variances.*6 features/, /one per feature/],
  ])('%j on %j', (layer, shape, problem, fix) => {
    let error: unknown;
    try {
      describeTopology(parseLayers([{ name: 'tested', ...layer }], [shape]));
    } catch (caught) {
      error = caught;
    }
    expect(isPerennialError(error, 'SHAPE_MISMATCH'), String(error)).toBe(true);
    expect((error as Error).message).toMatch(/"tested"/);
    expect((error as Error).message).toMatch(problem);
    expect((error as { hint: string }).hint).toMatch(fix);
  });

  test.each([
    [
      { type: 'dot', axes: [2, 1] },
      [
        [5, 4],
        [5, 4],
      ],
      /axis 2 of \[5, 4\] and axis 1 of \[5, 4\], which are 4 and 5 long/,
    ],
    [{ type: 'subtract' }, [[4], [3]], /\[4\] and \[3\]/],
    [
      { type: 'concatenate', axis: 1 },
      [
        [5, 4],
        [5, 3],
      ],
      /joins along the axis 1.*\[5, 4\] and \[5, 3\]/,
    ],
  ])('%j on %j', (layer, shapes, problem) => {
    expect(() => describeTopology(parseLayers([{ name: 'tested', ...layer }], shapes))).toThrow(problem);
  });
});

test.each([
  [
    'a row',
    [
      { type: 'dense', units: 8 },
      { type: 'dense', units: 3 },
    ],
    VECTOR,
    6 * 8 + 8 + 8 * 3 + 3,
  ],
  ['each place of an image', [{ type: 'conv2d', filters: 2, kernelSize: 3, padding: 'same' }, { type: 'flatten' }, { type: 'dense', units: 2 }], IMAGE, (3 * 3 * 4 * 2 + 2) * 30 + 60 * 2 + 2], // prettier-ignore
  ['each step of a sequence', [{ type: 'lstm', units: 2 }], SEQUENCE, 4 * (4 * 2 + 2 * 2 + 2) * 5],
])('the work of a network counts its weights for %s', (_title, layers, shape, work) => {
  expect(workOf(parseLayers(layers, [shape]))).toBe(work);
});
