import { PerennialError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import { compileDocument } from '../config/plan-document.ts';

/** Plans of all documents. @throws DOCUMENT_INVALID with the mistakes of all of them; two documents of one name are a mistake, too. */
export async function compileAll(files: readonly string[], params: Readonly<Record<string, Json>>): Promise<Plan[]> {
  const plans: Plan[] = [];
  const diagnostics: Diagnostic[] = [];
  const fileOf = new Map<string, string>();
  for (const file of files) {
    const { plan, diagnostics: found } = await compileDocument(file, { params });
    diagnostics.push(...found);
    if (plan === undefined) continue;
    const twin = fileOf.get(plan.pipeline);
    if (twin !== undefined)
      throw new PerennialError('DOCUMENT_INVALID', `${twin} and ${file} are both named "${plan.pipeline}".`, {
        hint: 'Give each document its own "name".',
      });
    fileOf.set(plan.pipeline, file);
    plans.push(plan);
  }
  if (diagnostics.length > 0)
    throw new PerennialError('DOCUMENT_INVALID', diagnostics.map(formatDiagnostic).join('\n'), { details: { diagnostics } });
  return plans;
}
