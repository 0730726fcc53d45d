import { resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import { compileDocument } from '../config/plan-document.ts';
import type { Declared } from '../runs/declared.ts';

/**
 * Plans of all documents, with the documents.
 *
 * @throws DOCUMENT_INVALID with the mistakes of all of them; two documents of one name are a mistake, too
 */
export async function compileAll(files: readonly string[], params: Readonly<Record<string, Json>>): Promise<Declared[]> {
  const found: Declared[] = [];
  const diagnostics: Diagnostic[] = [];
  const twins: string[] = [];
  const fileOf = new Map<string, string>();
  for (const file of files) {
    const compiled = await compileDocument(file, { params });
    diagnostics.push(...compiled.diagnostics);
    const { plan, document } = compiled;
    if (plan === undefined || document === undefined) continue;
    const twin = fileOf.get(plan.pipeline);
    if (twin !== undefined) twins.push(`${twin} and ${file} are both named "${plan.pipeline}".`);
    fileOf.set(plan.pipeline, file);
    found.push({ plan, document, file: resolve(file) });
  }
  if (diagnostics.length > 0 || twins.length > 0)
    throw new PerennialError('DOCUMENT_INVALID', [...diagnostics.map(formatDiagnostic), ...twins].join('\n'), {
      ...(diagnostics.length > 0 ? {} : { hint: 'Give each document its own "name".' }),
      details: { diagnostics },
    });
  return found;
}
