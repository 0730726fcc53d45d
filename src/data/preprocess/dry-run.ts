import { PerennialError } from '../../core/errors.ts';
import { imageSizeOf } from '../images/images.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { tensorsOf } from './column-tensors.ts';
import type { FittedColumn } from './fitted-column.ts';
import type { SourceFile } from '../readers/reader.ts';
import type { TrainPass } from './fit.ts';

/** Applies fitted transforms to rows and forgets what comes of it. @throws what the preprocess step throws for such rows */
export async function tryTransforms(columns: readonly FittedColumn[], pass: TrainPass, seed: number): Promise<void> {
  for await (const { firstRow, columns: batch } of pass(columns.map(({ name }) => name))) {
    const [first] = batch.values();
    if (first !== undefined) await tensorsOf({ columns, seed }, batch, first.values.length, firstRow);
  }
}

const FILES_AT_ONCE = 32;

/**
 * Whether image files have the one size that their column needs, which no transform gives them: by their headers alone.
 *
 * @throws DATA_INVALID
 */
export async function requireSameSizes(columns: readonly FittedColumn[], files: readonly SourceFile[]): Promise<void> {
  const fixed = columns.find(({ type, size }) => type === 'image' && size !== undefined);
  if (fixed === undefined) return;
  const [height, width] = fixed.size!;
  const step = Math.max(1, Math.ceil(files.length / DATA_LIMITS.previewRowsMax));
  const some = files.filter((_, at) => at % step === 0);
  for (let start = 0; start < some.length; start += FILES_AT_ONCE) {
    const batch = some.slice(start, start + FILES_AT_ONCE);
    const sizes = await Promise.all(batch.map(({ path }) => imageSizeOf(path)));
    sizes.forEach((size, at) => {
      // What is no image is the business of the ingest step.
      if (size === undefined || (size.height === height && size.width === width)) return;
      throw new PerennialError(
        'DATA_INVALID',
        `column "${fixed.name}": the image ${batch[at]!.name} is ${size.height} × ${size.width}; ${height} × ${width} is expected, the size of the first.`,
        { hint: `Put {"resize": [${height}, ${width}]} into the column's transforms.` },
      );
    });
  }
}
