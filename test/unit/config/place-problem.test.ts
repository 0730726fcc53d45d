import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import { findMention, placeOfProblem } from '../../../src/config/place-problem.ts';

const DOCUMENT: Json = {
  steps: [
    { uses: 'ingest', with: { source: { format: 'csv', path: 'data/cars.csv' }, label: ['mpg', 'origin'] } },
    { uses: 'preprocess', with: { features: { weight: ['standardize'], 'top speed': ['oneHot', 'standardize'] }, balance: 'oversample' } },
    {
      uses: 'train',
      with: {
        model: {
          layers: [
            { type: 'dense', units: 4 },
            { type: 'multiply', name: 'm', inputs: ['a', 'c'] },
            { type: 'dense', units: 1 },
          ],
        },
        loss: 'huber',
        lossWeights: { MPG: 1 },
        classWeights: { nope: 2 },
      },
    },
    { uses: 'evaluate' },
  ],
};

test.each([
  [2, 'Layer 1 "dense_1" (dense): it does not fit.', '/steps/2/with/model/layers/0'],
  [2, 'Layer "m" reads "c", which is no model input and no earlier layer.', '/steps/2/with/model/layers/1/inputs/1'],
  [2, 'The last layer "dense_3" gives [4], but "mpg" needs [1].', '/steps/2/with/model/layers/2'],
  [2, 'The loss huber is for numbers, but the label "origin" has the classes "Europe", "USA".', '/steps/2/with/loss'],
  [2, '"lossWeights" names "MPG", and the labels are "mpg", "origin".', '/steps/2/with/lossWeights/MPG'],
  [2, '"classWeights" names "nope", but the classes of "origin" are "no", "yes".', '/steps/2/with/classWeights/nope'],
  [2, 'label: there is no column "mpgg". The columns are: mpg.', '/steps/0/with/label'],
  [2, 'There is no file or folder "data/cars.csv" (looked for /x/data/cars.csv).', '/steps/0/with/source/path'],
  [2, '/x/data/cars.csv cannot be read.', '/steps/0/with/source/path'],
  [1, 'features.top speed (string): "standardize" takes numbers, but gets text.', '/steps/1/with/features/top speed/1'],
  [1, 'balance: only classes can be balanced; this label is no class.', '/steps/1/with/balance'],
  [2, 'The examples have no label to learn from.', '/steps/2/with/model'],
  [3, 'The positive class is away.', '/steps/3'],
])('a step %i that says %j is led to %s', (step, message, pointer) => {
  expect(findMention(DOCUMENT, step, message)).toMatchObject({ pointer });
});

test('the place has a line and a column; a document that has gone has none', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'perennial-place-'));
  try {
    const file = join(dir, 'cars.json');
    await writeFile(file, JSON.stringify(DOCUMENT, null, 1));
    const steps = ['ingest', 'preprocess', 'train', 'evaluate'].map((id) => ({ id }));
    expect(await placeOfProblem(file, { steps } as never, 'train', 'The loss huber is for numbers.')).toEqual({
      file,
      line: 54,
      column: 13,
      pointer: '/steps/2/with/loss',
    });
    await rm(file);
    expect(await placeOfProblem(file, { steps } as never, 'train', 'The loss huber is for numbers.')).toBeUndefined();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
