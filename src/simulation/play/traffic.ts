import { ServerClient } from '../../client/server-client.ts';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { Row } from '../../core/tensor.ts';
import type { StreamRow } from '../stream/stream.ts';
import type { World } from '../world/world.ts';

/** What came of the rows of a request. */
export interface Answered {
  readonly rows: readonly StreamRow[];
  /** Of each row, where it was answered: its id, and whether the answer was right. */
  readonly answers: readonly { readonly id: string; readonly right: boolean }[];
}

/** Rows of one request. */
const REQUEST_ROWS = 1_000;

/** Whoever asks the model: with the rows of the day, and later with what turned out to be true of them. */
export class Traffic {
  readonly #world: World;
  readonly #model: string;

  constructor(world: World, model: string) {
    this.#world = world;
    this.#model = model;
  }

  /** Asks about rows. What the server refuses, or is not there to answer, is not answered. @throws what is no matter of the server */
  async ask(rows: readonly StreamRow[]): Promise<Answered> {
    const answered: StreamRow[] = [];
    const answers: { id: string; right: boolean }[] = [];
    for (let begin = 0; begin < rows.length; begin += REQUEST_ROWS) {
      const part = rows.slice(begin, begin + REQUEST_ROWS);
      const found = await this.#request(part);
      found.forEach((answer, index) => {
        if (answer === undefined) return;
        answered.push(part[index]!);
        answers.push(answer);
      });
    }
    return { rows: answered, answers };
  }

  /** What turned out to be true of answered rows: their labels, or that people took them for wrong. */
  async tell({ rows, answers }: Answered, what: 'labels' | 'flags'): Promise<void> {
    const feedback = answers.flatMap(({ id, right }, index): { id: string; label?: StreamRow['label']; flag?: true }[] =>
      what === 'labels' ? [{ id, label: rows[index]!.label }] : right ? [] : [{ id, flag: true }],
    );
    const url = this.#world.serverUrl;
    if (feedback.length === 0 || url === undefined) return;
    const response = await fetch(`${url}/models/${encodeURIComponent(this.#model)}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ feedback }),
    });
    if (!response.ok)
      throw new PerennialError(
        'SERVER_UNAVAILABLE',
        `The simulated server refuses feedback (${response.status}): ${await response.text()}`,
      );
  }

  async #request(rows: readonly StreamRow[]): Promise<readonly ({ id: string; right: boolean } | undefined)[]> {
    const url = this.#world.serverUrl;
    if (url === undefined) return [];
    try {
      const client = new ServerClient(url, '');
      const answer = await client.predict(
        this.#model,
        rows.map(({ row }) => row as Row),
      );
      return answer.predictions.map((prediction, index) => ({
        id: rows.length === 1 ? answer.id : `${answer.id}/${index}`,
        right: 'label' in prediction && String(prediction.label) === String(rows[index]!.label),
      }));
    } catch (error) {
      if (isPerennialError(error, 'SERVER_UNAVAILABLE') || isPerennialError(error, 'DATA_INVALID')) return [];
      throw error;
    }
  }
}
