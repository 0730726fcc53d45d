import { defineTarget } from './target.ts';
import { preparedExport } from './shared/prepared-export.ts';
import { leaveModelsConfig, writeModelsConfig } from './shared/models-config.ts';

interface Config {
  readonly policy?: 'latest' | 'specific';
  readonly servedFrom?: string;
}

/**
 * The signatures hold the weights as constants, so that saved_model.pb alone is the model: TensorFlow Serving takes a folder with a
 * number for a version as soon as it is there, and fails on one without that file.
 */
export default defineTarget<Config>({
  name: 'tensorflow-serving',
  summary:
    'TensorFlow Serving: SavedModels under MODEL/VERSION, which its poller never finds half written, and of which it serves the champion.',
  properties: {
    policy: {
      enum: ['latest', 'specific'],
      default: 'latest',
      description:
        '"latest": TensorFlow Serving takes the highest number that it finds (--model_base_path), so after a rollback the versions above the champion are removed from there. "specific": models.config beside the models names the version (--model_config_file with --model_config_file_poll_wait_seconds), and nothing is removed but what "keep" says.',
    },
    servedFrom: {
      type: 'string',
      minLength: 1,
      description: 'With "specific": the path under which TensorFlow Serving sees "path", where that is another one, as in a container.',
      examples: ['/models'],
    },
  },
  placing: {
    unfit: ({ output }) => (output === 'text' ? 'a language model answers word by word, which TensorFlow Serving does not' : undefined),
    prepare: (tools, version, model) => preparedExport(tools, version, model, 'savedModel'),
    first: 'saved_model.pb',
    withdraws: ({ policy }) => policy !== 'specific',
    async point(place, model, champion, { policy, servedFrom }) {
      if (policy === 'specific') await writeModelsConfig(place, model, champion.version, servedFrom);
      else await leaveModelsConfig(place, model);
    },
    usage: ({ path, policy, servedFrom }, model) =>
      policy === 'specific'
        ? `tensorflow_model_server --model_config_file=${servedFrom ?? path}/models.config --model_config_file_poll_wait_seconds=1`
        : `tensorflow_model_server --model_name=${model} --model_base_path=${servedFrom ?? path}/${model}`,
  },
  examples: [{ path: 's3://models/live' }, { path: '../live', policy: 'specific', servedFrom: '/models', keep: 5 }] as never,
  reference: 'https://www.tensorflow.org/tfx/serving/serving_config',
});
