import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Prediction } from '../core/tensor.ts';
import { decode } from '../data/answers/decode.ts';
import { imageFacts } from '../data/images/image-facts.ts';
import type { ImageFacts } from '../data/images/image-facts.ts';
import { withDatabase } from '../data/table/duckdb.ts';
import type { ImageData } from '../data/transforms/column-data.ts';
import type { Servable } from '../serving/servable.ts';
import { openBundle } from '../training/bundle/load-model.ts';
import { localArtifact } from '../training/trainer/local-artifact.ts';
import { BatchAnswerer } from './answer-batch.ts';
import type { RowsSource } from './open-source.ts';
import { readBatches, rowsAt } from './part-batches.ts';
import type { RowsPlace } from './part-batches.ts';
import { quickPredictor } from './quick-predictor.ts';
import { ROWS_FILE } from './score-task.ts';
import type { ScoreTask } from './score-task.ts';
import { takeSnapshot } from './snapshot.ts';

/** What a model says to some rows of a file, and what is measured of their images. */
export interface SomeAnswers {
  /** Rows that were looked at: all of the file, or as many as were asked for. */
  readonly rows: number;
  readonly predictions: readonly Prediction[];
  /** Rows that the model cannot answer. */
  readonly refused: number;
  /** By column of images, for each row: null where there is no image that can be read. */
  readonly images: ReadonlyMap<string, readonly (ImageFacts | null)[]>;
}

/** Rows that go through the network at once. */
const ROWS_AT_ONCE = 512;

/**
 * Answers some rows of a file by the code that `score` answers them with, and keeps the answers in memory.
 *
 * @param rowsMax of more rows, so many are drawn, the same each time; of series the last ones
 * @param answered false: only the images are measured
 * @throws SOURCE_EMPTY, SOURCE_NOT_FOUND, SOURCE_INVALID, COLUMN_MISSING, TENSORFLOW_MISSING
 */
export async function answerSome(
  { model, source: given, folder }: Pick<ScoreTask, 'model' | 'source' | 'folder'>,
  source: RowsSource,
  { rowsMax, answered }: { readonly rowsMax: number; readonly answered: boolean },
): Promise<SomeAnswers> {
  const artifact = localArtifact(model);
  const bundle = await openBundle(artifact);
  const servable: Servable = {
    model: model.name,
    version: model.version ?? 0,
    preprocessor: bundle.preprocessor,
    predictor: await quickPredictor(artifact, bundle),
    sourceColumns: bundle.profile.columns.map(({ name }) => name),
  };
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-answers-'));
  try {
    const snapshot = await takeSnapshot({ source: given, keep: [], format: 'ndjson' }, source, servable, workDir, undefined, rowsMax);
    const place: RowsPlace = { path: join(workDir, ROWS_FILE), snapshot, imageFolder: dirname(resolve(folder, given.path)) };
    return await withDatabase((read) =>
      withDatabase(async (look) => {
        const { columns } = servable.preprocessor;
        const answerer = new BatchAnswerer(servable, snapshot.rows);
        const predictions: Prediction[] = [];
        const images = new Map(
          columns.flatMap(({ name, type }): [string, (ImageFacts | null)[]][] => (type === 'image' ? [[name, []]] : [])),
        );
        let refused = 0;
        for await (const batch of readBatches(read, place, columns, { first: 0, rows: snapshot.rows }, ROWS_AT_ONCE)) {
          for (const [name, facts] of images)
            for (const pixels of (batch.columns.get(name) as ImageData).values)
              facts.push(pixels === null ? null : await imageFacts(pixels));
          if (!answered) continue;
          const {
            values,
            ends,
            refused: bad,
          } = await answerer.answer(batch, async (places) => {
            const found = await rowsAt(
              look,
              place,
              columns,
              places.map((at) => batch.firstRow + at),
            );
            return new Map([...found].map(([row, own]) => [row - batch.firstRow, own]));
          });
          refused += bad.size;
          if (ends.length > 0) predictions.push(...decode(servable.predictor.meta.output, values, ends.length));
        }
        return { rows: snapshot.rows, predictions, refused, images };
      }),
    );
  } finally {
    servable.predictor.dispose();
    await rm(workDir, { recursive: true, force: true });
  }
}
