import { PerennialError } from '../../core/errors.ts';
import { shownValue } from '../../core/json.ts';

/** What came to be known of an answer: its true label, or that somebody took it for wrong. */
export interface Feedback {
  /** Of the request (of one row among several `ID/ROW`), as the answer and the prediction log have it. */
  readonly id?: string;
  /** In place of the id: values of columns of the row that was sent. */
  readonly key?: Readonly<Record<string, string | number | boolean>>;
  /** A class, a number, whether it was an anomaly; of several labels an object of them. */
  readonly label?: string | number | boolean | Readonly<Record<string, string | number | boolean>>;
  /** true: somebody took the answer for wrong; false: for right. */
  readonly flag?: boolean;
  readonly comment?: string;
}

/** One line of `feedback/<model>/<yyyy-mm-dd>/<HH>-<writer>-<seq>.ndjson` (day and hour in UTC, of its arrival). */
export interface FeedbackRecord extends Feedback {
  readonly formatVersion: 1;
  /** ISO 8601, UTC; of its arrival. */
  readonly time: string;
}

const KEYS = ['id', 'row', 'key', 'label', 'flag', 'comment'];
/** Longest texts of an item, in characters. */
export const FEEDBACK_LIMITS = { commentChars: 2_000, idChars: 220 } as const;

/**
 * One item of a request, checked.
 *
 * @param place for messages, from 0
 * @throws DATA_INVALID
 */
export function readFeedback(given: unknown, place: number): Feedback {
  const wrong = (message: string): PerennialError => new PerennialError('DATA_INVALID', `row ${place}: ${message}`);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong(`feedback is an object, given ${shownValue(given)}.`);
  const { id, row, key, label, flag, comment } = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !KEYS.includes(name));
  if (unknown !== undefined) throw wrong(`the key ${JSON.stringify(unknown)} is not known; feedback takes ${KEYS.join(', ')}.`);
  if ((id === undefined) === (key === undefined)) throw wrong('give either "id" (of the request) or "key" (columns of the row).');
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > FEEDBACK_LIMITS.idChars))
    throw wrong(`"id" is ${shownValue(id)}; expected the id of a request, a text of at most ${FEEDBACK_LIMITS.idChars} characters.`);
  if (row !== undefined && (id === undefined || !Number.isSafeInteger(row) || (row as number) < 0))
    throw wrong(`"row" is ${shownValue(row)}; expected the place of the row among those of the request "id", from 0.`);
  if (key !== undefined && !isScalars(key)) throw wrong(`"key" is ${shownValue(key)}; expected an object of columns and their values.`);
  if (label === undefined && flag === undefined) throw wrong('give a "label", or a "flag" (true: the answer was wrong).');
  if (label !== undefined && !isScalar(label) && !isScalars(label))
    throw wrong(`"label" is ${shownValue(label)}; expected a class, a number, true or false, or an object of several labels.`);
  if (flag !== undefined && typeof flag !== 'boolean')
    throw wrong(`"flag" is ${shownValue(flag)}; expected true (the answer was wrong) or false.`);
  if (comment !== undefined && (typeof comment !== 'string' || comment.length > FEEDBACK_LIMITS.commentChars))
    throw wrong(`"comment" is ${shownValue(comment)}; expected a text of at most ${FEEDBACK_LIMITS.commentChars} characters.`);
  return {
    ...(id === undefined ? {} : { id: row === undefined ? id : `${id as string}/${String(row)}` }),
    ...(key === undefined ? {} : { key }),
    ...(label === undefined ? {} : { label }),
    ...(flag === undefined ? {} : { flag }),
    ...(comment === undefined ? {} : { comment }),
  } as Feedback;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function isScalars(value: unknown): value is Readonly<Record<string, string | number | boolean>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0 &&
    Object.values(value).every(isScalar)
  );
}

/** The folder of a model's feedback, and below it that of a day. */
export function feedbackPrefix(model: string, day = ''): string {
  return `feedback/${model}/${day === '' ? '' : `${day}/`}`;
}
