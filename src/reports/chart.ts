import type { TopLevelSpec } from 'vega-lite';
import { html, raw } from './html.ts';
import type { Markup } from './html.ts';

/** Colours that read on white and on black. */
export const COLOURS = { ours: '#3b82d6', other: '#e0822f', quiet: '#8a94a3', good: '#2fa36b', bad: '#d9534f' } as const;
export const PALETTE = [
  '#3b82d6',
  '#e0822f',
  '#2fa36b',
  '#b062c9',
  '#d9534f',
  '#2fa8b5',
  '#c59a1b',
  '#8a94a3',
  '#d466a0',
  '#7a9c2f',
  '#6b74e0',
  '#a8744a',
];

/** Stands for the colour of the text, which Vega does not know as `currentColor` everywhere. */
const INK = '#010203';

const CONFIG = {
  background: 'transparent',
  font: 'sans-serif',
  padding: 4,
  view: { stroke: 'transparent' },
  axis: {
    domainColor: INK,
    domainOpacity: 0.4,
    gridColor: INK,
    gridOpacity: 0.12,
    tickColor: INK,
    tickOpacity: 0.4,
    labelColor: INK,
    labelFontSize: 12,
    titleColor: INK,
    titleFontSize: 12,
    titleFontWeight: 'normal' as const,
  },
  legend: { labelColor: INK, labelFontSize: 12, labelLimit: 220, titleColor: INK, titleFontSize: 12, titleFontWeight: 'normal' as const },
  title: { color: INK, fontSize: 13, fontWeight: 'bold' as const, anchor: 'start' as const },
  header: { labelColor: INK, titleColor: INK },
  text: { color: INK },
  range: { category: PALETTE },
};

/**
 * A Vega-Lite chart as inline SVG: lines and text take the colour of the page, so that it reads in light and dark.
 *
 * @param id distinguishes the charts of a page: clip paths are named after it
 * @param alternative what the picture shows, for those who cannot see it
 */
export async function chart(id: string, alternative: string, spec: Omit<TopLevelSpec, '$schema' | 'config'>): Promise<Markup> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const compiled = vegaLite.compile({ ...(plottable(spec) as typeof spec), config: CONFIG } as TopLevelSpec).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logLevel: vega.Error });
  try {
    const svg = await view.toSVG();
    return raw(
      svg
        .replace('<svg ', `<svg role="img" aria-label="${html`${alternative}`.markup}" `)
        .replaceAll(new RegExp(`"${INK}"`, 'g'), '"currentColor"')
        .replaceAll(idPattern(), renumber(id)),
    );
  } finally {
    view.finalize();
  }
}

/**
 * Vega keeps values in plain objects, where a class or a column called "constructor" would find a method: a mark without width sets
 * such texts apart, wherever they stand. No word of Vega-Lite is one of them.
 */
function plottable(part: unknown): unknown {
  if (typeof part === 'string') return part in {} ? `${part}\u200b` : part;
  if (Array.isArray(part)) return part.map(plottable);
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, plottable(value)]));
}

/** Vega numbers clip paths over the whole process: named by order of appearance, equal reports have equal bytes. */
function idPattern(): RegExp {
  return /\b(clip|gradient_)(\d+)\b/g;
}

function renumber(id: string): (match: string, kind: string, number: string) => string {
  const seen = new Map<string, string>();
  return (match, kind) => {
    if (!seen.has(match)) seen.set(match, `${id}-${kind}${seen.size}`);
    return seen.get(match)!;
  };
}

export function figure(title: string, picture: Markup, caption: string): Markup {
  return html`<figure><h3>${title}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
}
