import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPerennialError } from '../../core/errors.ts';
import type { Row } from '../../core/tensor.ts';
import { RequestError } from '../request-error.ts';
import { readRowsFile } from '../rows-file.ts';
import type { Servable } from '../servable.ts';

/** A body that is a table of CSV. */
export class CsvBody {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Its rows, read as the source of the model was read. @throws RequestError 400 */
  async rows({ preprocessor }: Servable): Promise<Row[]> {
    // The readers of tables read files, whatever carries them.
    const folder = await mkdtemp(join(tmpdir(), 'perennial-csv-'));
    try {
      const path = join(folder, 'rows.csv');
      await writeFile(path, this.#bytes);
      return await readRowsFile(path, {
        columns: Object.fromEntries(preprocessor.columns.map(({ name, type }) => [name, type])),
        ...(preprocessor.reading === undefined ? {} : { reading: preprocessor.reading }),
      });
    } catch (error) {
      if (!isPerennialError(error)) throw error;
      throw new RequestError(400, error.message.replaceAll(`${folder}/`, ''));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
