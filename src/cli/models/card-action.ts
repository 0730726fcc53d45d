import { resolve } from 'node:path';
import type { ModelCard } from '../../reports/model-card.ts';
import { readCard } from '../../reports/version-card.ts';
import type { CARD_FILES } from '../../reports/version-card.ts';
import type { CliIo } from '../commands/command.ts';
import { writeOut } from '../write-out.ts';
import { openRegistry } from './options.ts';

export interface CardOptions {
  readonly format: keyof typeof CARD_FILES;
  readonly out?: string;
}

/** Prints the card of a version, or writes it to a file. */
export async function cardAction(io: CliIo, model: string, reference: string, { format, out }: CardOptions): Promise<void> {
  const { store, artifacts, registry } = await openRegistry();
  const version = await registry.version(model, reference);
  if (out !== undefined) {
    const file = resolve(out);
    await writeOut(file, await readCard(store, artifacts, version, format));
    io.result({ file });
    return io.print(`Wrote ${file}`);
  }
  io.result(JSON.parse(Buffer.from(await readCard(store, artifacts, version, 'json')).toString('utf8')) as ModelCard);
  io.print(
    Buffer.from(await readCard(store, artifacts, version, format))
      .toString('utf8')
      .trimEnd(),
  );
}
