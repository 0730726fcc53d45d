import type { JsonSchema } from '../../core/json.ts';

/** How the texts of a column are numbers. */
export interface NumberFormat {
  /** Character before the fraction. Default: "." */
  readonly decimal?: '.' | ',';
  /** Character between groups of three digits. Default: none. */
  readonly thousands?: string;
  /** A text may end in "%", and is then divided by 100. */
  readonly percent?: boolean;
  /** A currency sign or code of three letters may stand before or after; an amount in parentheses is negative. */
  readonly currency?: boolean;
  /** Negative as accounts write it: in parentheses, or with the minus behind. */
  readonly accounting?: boolean;
  /** What a text may have behind its number, such as "kg". With another unit it is no number. */
  readonly unit?: string;
}

/** How the values of a column are points in time. */
export interface TimestampFormat {
  /** Pattern of the texts, e.g. "dd/MM/yyyy HH:mm". */
  readonly format?: string;
  /** Zone of texts that name none, by IANA's name. Default: UTC. */
  readonly zone?: string;
  /** Numbers count these since 1970. */
  readonly unit?: 's' | 'ms' | 'us' | 'ns';
}

/** What a document declares beyond the type of a column; it travels with the model, so that requests are read in the same way. */
export type ValueFormat = { readonly number: NumberFormat } | { readonly timestamp: TimestampFormat };

export const numberFormatOf = (format: ValueFormat | undefined): NumberFormat | undefined =>
  format !== undefined && 'number' in format ? format.number : undefined;
export const timestampFormatOf = (format: ValueFormat | undefined): TimestampFormat | undefined =>
  format !== undefined && 'timestamp' in format ? format.timestamp : undefined;

export const NUMBER_FORMAT_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['number'],
  properties: {
    number: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      description: 'How the texts of the column are numbers. Others are quarantined.',
      examples: [
        { decimal: ',', thousands: '.' },
        { percent: true },
        { currency: true, thousands: ',' },
        { accounting: true, thousands: ',' },
        { unit: 'kg' },
      ],
      properties: {
        decimal: { enum: ['.', ','], default: '.', description: 'Character before the fraction.', examples: [','] },
        thousands: {
          enum: [',', '.', ' ', "'", '_'],
          description:
            'Character between groups of three digits. A blank stands for every kind of blank, the apostrophe for both kinds. Left out: there is none.',
          examples: ['.'],
        },
        percent: { type: 'boolean', default: false, description: 'A text may end in "%" and is divided by 100 then: "12%" is 0.12.' },
        currency: {
          type: 'boolean',
          default: false,
          description:
            'A currency sign or a code of three letters may stand before or after the number: "€ 12", "12 USD". An amount in parentheses is negative.',
        },
        accounting: {
          type: 'boolean',
          default: false,
          description: 'A number in parentheses, or with the minus behind it, is negative: "(1,234.50)", "123-".',
        },
        unit: {
          type: 'string',
          minLength: 1,
          maxLength: 20,
          pattern: '^[^\\d\\s+.,()-](?:[^\\d+,()-]*[^\\d\\s+,()-])?$',
          description:
            'What may stand behind the number, with a blank or without: "12 kg", "12kg", "12". A number with another unit is quarantined.',
          examples: ['kg', 'km/h'],
        },
      },
    },
  },
};

export const TIMESTAMP_FORMAT_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['timestamp'],
  properties: {
    timestamp: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      description: 'How the values of the column are points in time. Others are quarantined.',
      examples: [{ format: 'dd/MM/yyyy', zone: 'Europe/Berlin' }, { unit: 's' }],
      properties: {
        format: {
          type: 'string',
          minLength: 1,
          maxLength: 100,
          description:
            'Pattern of the texts: yyyy, yy, MM, M, MMM (Jan), MMMM (January), dd, d, HH, H, hh, h, mm, ss, SSS (fraction), a (AM, PM), ZZ (zone: Z, +02:00), Q (quarter), YYYY with ww and e (year, week and day of ISO 8601); other letters stand in quotes. A month, quarter, week or year alone is its first moment. Left out: ISO 8601.',
          examples: ['dd/MM/yyyy HH:mm', 'yyyy-MM', "YYYY-'W'ww"],
        },
        zone: {
          type: 'string',
          minLength: 1,
          description:
            'Zone of texts that name none, as in the IANA data base. An hour that is skipped in spring is read with the offset before it, one that comes twice in autumn as the first.',
          default: 'UTC',
          examples: ['Europe/Berlin'],
        },
        unit: {
          enum: ['s', 'ms', 'us', 'ns'],
          description: 'The values are numbers that count seconds, milliseconds, microseconds or nanoseconds since 1970 (UTC).',
          examples: ['s'],
        },
      },
    },
  },
};
