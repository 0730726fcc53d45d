import type { JsonObject } from '../core/json.ts';
import { defineTarget } from './target.ts';
import type { Packing } from './shared/packing.ts';
import { exportOfVersion } from './shared/prepared-export.ts';

interface Config {
  readonly quantize?: Packing;
  readonly maxLoss?: number | null;
  readonly metric?: string;
}

const MAX_LOSS = 0.01;

export default defineTarget<Config>({
  name: 'edge',
  summary:
    'Browsers and phones: a TensorFlow.js graph model with packed weights, what that costs measured on the test rows and bounded, and one HTML page that runs the model with its preprocessing and loads nothing.',
  properties: {
    quantize: {
      enum: ['uint8', 'uint16', 'float16', 'none'],
      default: 'uint8',
      description: 'What weights are packed into: a fourth of the bytes (uint8), half of them (uint16, float16), or not at all.',
    },
    maxLoss: {
      type: ['number', 'null'],
      minimum: 0,
      default: MAX_LOSS,
      description:
        'Up to which loss on the test rows the version is deployed: of a metric between 0 and 1 the difference (0.01 is one point in a hundred), of any other its share of the value of the full model. Above it the run is rejected, and nothing is promoted. null: it is measured and told alone.',
    },
    metric: {
      type: 'string',
      minLength: 1,
      description: 'Which result of the evaluate step may not lose more. Default: the first one.',
      examples: ['f1'],
    },
  },
  placing: {
    unfit({ output }) {
      if (output === 'text') return 'a language model answers word by word, and the page asks once';
      return output === 'samples' ? 'a generator reads noise, and the page has rows to ask with' : undefined;
    },
    measuresOnTest: ({ maxLoss }) => maxLoss !== null,
    async prepare(tools, version, model, { quantize = 'uint8', maxLoss = MAX_LOSS, metric }) {
      const { judgePacking } = await import('./shared/packing-loss.ts');
      const { pageFiles } = await import('./shared/page-files.ts');
      const config: JsonObject = quantize === 'none' ? {} : { quantize: { [quantize]: '*' } };
      const { stored, files } = await exportOfVersion(tools, version, model, 'tfjsGraph', config);
      tools.progress(`measuring what weights in ${quantize} cost on the test rows`);
      const judged = await judgePacking(tools, version, model, quantize, { maxLoss, ...(metric === undefined ? {} : { metric }) });
      const page = await pageFiles(version, model, files, [...stored.notes, ...judged.evidence]);
      return {
        files: { ...files, ...page.files },
        notes: [...stored.notes, ...page.notes],
        evidence: [...judged.evidence, ...page.evidence],
        measured: { ...judged.measured, check: { ...stored.check } as unknown as JsonObject },
        refusals: judged.refusals,
      };
    },
    first: 'index.html',
    async point(place, model, { artifact }) {
      await place.write(`${model}/index.html`, await artifact.bytes('index.html'));
    },
    usage: ({ path }, model) => `open ${path}/${model}/index.html in a browser: it is the page of the champion, and loads nothing`,
  },
  examples: [{ path: '../edge' }, { path: 's3://site/models', quantize: 'float16', maxLoss: 0.002, metric: 'accuracy' }] as never,
  reference: 'https://www.tensorflow.org/js/guide/conversion',
});
