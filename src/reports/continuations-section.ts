import type { EvaluationReport } from '../evaluation/step/report.ts';
import { html, section } from './html.ts';
import type { Markup } from './html.ts';

/** How a language model goes on with test texts, beside how they do. */
export function continuationsSection({ continuations }: EvaluationReport): Markup | null {
  if (continuations === undefined || continuations.texts.length === 0) return null;
  return section(
    'How it goes on with test texts',
    `The beginning of a text, which the model was given, in bold. "Most probable" takes the token with the largest share each time; "drawn" draws by the shares at a temperature of ${continuations.temperature}.`,
    continuations.texts.map(
      ({ prompt, actual, greedy, drawn }) => html`<h3>${prompt}</h3>
<dl><dt>Most probable</dt><dd>${shown(greedy)}</dd>
<dt>Drawn</dt><dd>${shown(drawn)}</dd>
<dt>The text itself</dt><dd>${shown(actual)}</dd></dl>`,
    ),
  );
}

const shown = (text: string): string => (text === '' ? '(the end)' : text);
