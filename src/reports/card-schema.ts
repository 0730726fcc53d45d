import type { JsonSchema } from '../core/json.ts';

const texts = (description: string, example: string): JsonSchema => ({
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 2000 },
  maxItems: 50,
  description,
  examples: [[example]],
});

/** What people may say in the model card. */
export const CARD_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description:
    'What people say in the model card that is written with every version, beside what is known: data, columns, metrics by slice, limits that the evaluation found.',
  examples: [{ useCases: ['Telling species apart in the field.'], limitations: ['Adult birds only.'], license: 'CC0-1.0' }],
  properties: {
    overview: {
      type: 'string',
      maxLength: 2000,
      description: 'The model in a sentence. Default: "description".',
      examples: ['Tells three species of penguins apart.'],
    },
    documentation: {
      type: 'string',
      maxLength: 20_000,
      description: 'A thorough description of the model and its use.',
      examples: ['Measured at Palmer Station.'],
    },
    owners: {
      type: 'array',
      maxItems: 20,
      description: 'Who owns the model.',
      examples: [[{ name: 'Ada', contact: 'ada@example.org' }]],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 200, description: 'A person or a team.' },
          contact: { type: 'string', maxLength: 500, description: 'How they are reached.' },
        },
      },
    },
    license: {
      type: 'string',
      minLength: 1,
      maxLength: 20_000,
      description: 'An SPDX identifier, or the text of a license.',
      examples: ['Apache-2.0'],
    },
    references: {
      ...texts('Addresses with more about the model.', 'https://example.org/penguins'),
      items: { type: 'string', format: 'uri' },
    },
    citation: { type: 'string', maxLength: 5000, description: 'How the model is cited.', examples: ['Ada, 2026'] },
    users: texts('Whom the model is for.', 'Field biologists'),
    useCases: texts('What it is for.', 'Telling species apart in the field.'),
    limitations: texts('Where it is not to be relied on.', 'Adult birds only.'),
    tradeoffs: texts('What was given up for what.', 'Small enough for a phone, at a percent of accuracy.'),
    ethicalConsiderations: {
      type: 'array',
      maxItems: 50,
      description: 'Risks, and what is done about each.',
      examples: [[{ name: 'Disturbing a colony', mitigation: 'Photographs from a distance.' }]],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'mitigation'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 2000, description: 'The risk.' },
          mitigation: { type: 'string', minLength: 1, maxLength: 2000, description: 'What is done about it.' },
        },
      },
    },
    sensitiveData: texts('Sensitive data in what it learnt from.', 'Places of nests'),
  },
};
