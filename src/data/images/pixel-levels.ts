import { applyChain } from '../preprocess/chain.ts';
import type { ImageData, PixelData } from '../transforms/column-data.ts';
import type { FittedColumn } from '../preprocess/fitted-column.ts';
import type { PixelLevels } from '../stored/dataset.ts';

export interface StoredColumns {
  /** The same columns; those with levels stop where their pixels still have 8 bits. */
  readonly columns: readonly FittedColumn[];
  /** By input. */
  readonly levels: Readonly<Record<string, PixelLevels>>;
}

/**
 * Images are stored with 8 bits per pixel where their last transforms look at nothing but a pixel's own value and channel: a table of
 * 256 levels per channel then says what became of each value, exactly. Shards take a quarter of the space.
 */
export async function storedColumns(columns: readonly FittedColumn[], seed: number): Promise<StoredColumns> {
  const levels: Record<string, PixelLevels> = {};
  const stored: FittedColumn[] = [];
  for (const column of columns) {
    const { links, spec } = column;
    const split = links.findIndex((_, at) => links.slice(at).every(({ definition }) => definition.pixelwise === true));
    if (column.type !== 'image' || spec.dtype !== 'float32' || spec.shape.length !== 3 || split === -1) {
      stored.push(column);
      continue;
    }
    const { values } = (await applyChain(ramp(spec.shape[2]!), links.slice(split), {
      column: column.name,
      seed,
      firstRow: 0,
    })) as PixelData;
    levels[spec.name] = Array.from({ length: values.length }, (_, at) => values[(at % 256) * spec.shape[2]! + Math.floor(at / 256)]!);
    stored.push({ ...column, links: links.slice(0, split), spec: { ...spec, dtype: 'uint8' } });
  }
  return { columns: stored, levels };
}

/** An image with every level once. */
function ramp(channels: number): ImageData {
  const data = Uint8Array.from({ length: 256 * channels }, (_, at) => Math.floor(at / channels));
  return { kind: 'image', channels, size: [1, 256], values: [{ width: 256, height: 1, channels, data }] };
}
