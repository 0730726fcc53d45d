import { DURATION_PATTERN } from '../core/duration.ts';
import type { JsonSchema } from '../core/json.ts';
import { STRATEGY_SCHEMA } from '../rollouts/strategy-schema.ts';
import { FREEZE_SCHEMA } from './freeze.ts';

/** How long a deployment waits for the servers, unless it says. */
export const CONFIRM_SECONDS = 60;

/** Settings of a deploy step. */
export const DEPLOY_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    to: {
      enum: ['server', 'directory'],
      default: 'server',
      description:
        '"server": the servers follow the champion, so promoting is all it takes. "directory": the files of the model are exported besides.',
    },
    path: {
      type: 'string',
      minLength: 1,
      description: 'With "directory": folder in which `<version>/` is written, relative to the document.',
      examples: ['exports/penguins'],
    },
    targets: {
      type: 'array',
      items: { $ref: '#/definitions/target' },
      minItems: 1,
      maxItems: 16,
      description:
        'Where the champion is kept and served: all follow every promotion and rollback, whoever makes it. Everything that goes there is made, checked and refused before the version is promoted; then the step waits until each target has it. Kept with the model until another deployment says otherwise; ["server"] at first.',
      examples: [['server', { 'tensorflow-serving': { path: 's3://models/live' } }]],
    },
    promote: {
      type: ['string', 'null'],
      pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
      default: 'champion',
      description: 'Alias that moves to the version; servers follow "champion". null, with "directory" only: none.',
      examples: ['champion'],
    },
    confirm: {
      type: 'boolean',
      description:
        'Wait until every running server answers with the version, and fail otherwise. Default: true where "champion" is promoted.',
    },
    confirmSeconds: {
      type: 'number',
      minimum: 1,
      maximum: 3600,
      description: `How long to wait for the servers. Default: ${CONFIRM_SECONDS}.`,
      examples: [120],
    },
    fallback: {
      enum: ['previous', 'nothing'],
      description:
        'What servers answer with while the champion cannot be loaded, as after damage to the store: "previous" is the newest former champion that can be and that no rollback went past, "nothing" is 503. Kept with the model until another deployment says otherwise; "previous" at first.',
    },
    predictionLog: {
      type: 'object',
      additionalProperties: false,
      description:
        'What the servers keep of the predictions of this model. Kept with the model until another deployment says otherwise; all of every prediction at first.',
      properties: {
        share: {
          type: 'number',
          minimum: 0,
          maximum: 1,
          default: 1,
          description: 'Part of the predictions, chosen by chance; 0: none.',
        },
        leaveOut: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          uniqueItems: true,
          default: [],
          description: 'Columns of the rows that are not written, whatever their upper and lower case.',
          examples: [['name', 'birthday']],
        },
        hash: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          uniqueItems: true,
          default: [],
          description:
            'Columns of which a digest is written in place of the value: feedback still finds the row by them. Whoever has the whole store can try values out.',
          examples: [['customer']],
        },
        keep: {
          type: 'string',
          pattern: DURATION_PATTERN,
          description: 'How long they are kept, at least a day; `models gc` removes older ones. Default: as `models gc` is told.',
          examples: ['90d'],
        },
      },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      description:
        'Bounds of what may be asked of the model, by all its callers together; those of a token hold beside them. Kept with the model until another deployment says otherwise ({} takes them back); only those of the server at first.',
      properties: {
        requestsPerSecond: {
          type: 'number',
          exclusiveMinimum: 0,
          description: 'Requests a second to one server, on average; more get 429, and hear when to come again.',
          examples: [200],
        },
        rowsPerRequest: { type: 'integer', minimum: 1, description: 'Rows of one request; more get 413.', examples: [100] },
        bytesPerRequest: {
          type: 'integer',
          minimum: 1,
          description: 'Bytes of one body, unpacked; more get 413.',
          examples: [1_000_000],
        },
        timeout: {
          type: 'string',
          pattern: DURATION_PATTERN,
          description: 'How long a request may wait for the network; then it gets 503, and hears when to come again.',
          examples: ['500ms'],
        },
      },
    },
    strategy: STRATEGY_SCHEMA,
    wins: {
      type: 'integer',
      minimum: 2,
      maximum: 100,
      description:
        'Runs in a row that have to bring a version which its gates let pass against the same champion, before one is promoted; a rejected run or another champion begins anew. By a margin: the gate "betterThanChampionBy" of the evaluate step. Left out: one is enough.',
      examples: [3],
    },
    freeze: FREEZE_SCHEMA,
    onPinned: {
      enum: ['fail', 'skip'],
      default: 'fail',
      description: 'A rollback pinned the model to another version: "fail" rejects the run, "skip" lets it pass without promoting.',
    },
  },
};
