import { html, page, section, tableOf } from './html.ts';
import type { Markup } from './html.ts';
import type { ModelCard } from './model-card.ts';
import { markdownTable, plainText } from './timeline-text.ts';

/** Sections of a card in the order in which people read them: title, then paragraphs or a table. */
function partsOf({ model_details: details, model_parameters: parameters, quantitative_analysis: analysis, considerations }: ModelCard): {
  readonly title: string;
  readonly lines?: readonly string[];
  readonly rows?: readonly (readonly string[])[];
}[] {
  const { version, owners = [], licenses = [], references = [], citations = [] } = details;
  const list = (title: string, found: readonly { readonly description: string }[]): { title: string; lines: string[] } => ({
    title,
    lines: found.length === 0 ? ['Not declared.'] : found.map(({ description }) => description),
  });
  return [
    {
      title: 'Details',
      lines: [
        `Version ${version.name} of ${version.date}.${version.diff === undefined ? '' : ` ${version.diff}`}`,
        ...(details.documentation === undefined ? [] : [details.documentation]),
        ...owners.map(({ name, contact }) => `Owner: ${name}${contact === undefined ? '' : ` (${contact})`}`),
        ...licenses.map((license) => `License: ${'identifier' in license ? license.identifier : license.custom_text}`),
        ...references.map(({ reference }) => `Reference: ${reference}`),
        ...citations.map(({ citation }) => `Citation: ${citation}`),
        `Stored as ${details.path}`,
      ],
    },
    list('Users', considerations.users),
    list('Uses', considerations.use_cases),
    list('Limits', considerations.limitations),
    list('Trade-offs', considerations.tradeoffs),
    {
      title: 'Ethics',
      lines:
        considerations.ethical_considerations.length === 0
          ? ['Not declared.']
          : considerations.ethical_considerations.map(({ name, mitigation_strategy: mitigation }) => `${name}: ${mitigation}`),
    },
    { title: 'Model', lines: [parameters.model_architecture] },
    {
      title: 'Data',
      rows: [
        ['split', 'description', 'sensitive'],
        ...parameters.data.map(({ name, description, sensitive }) => [name, description, sensitive?.sensitive_data.join(', ') ?? '']),
      ],
    },
    {
      title: 'Input',
      lines: [parameters.input_format],
      rows: [['column', 'type'], ...parameters.input_format_map.map(({ key, value }) => [key, value])],
    },
    {
      title: 'Output',
      lines: [parameters.output_format],
      rows: [['label', 'values'], ...parameters.output_format_map.map(({ key, value }) => [key, value])],
    },
    {
      title: 'Measured',
      lines: [analysis.performance_metrics.length === 0 ? 'Not evaluated.' : 'On the test rows, which training never saw.'],
      rows: [
        ['metric', 'slice', 'value', 'interval'],
        ...analysis.performance_metrics.map(({ type, value, slice = '', confidence_interval: interval }) => [
          type,
          slice,
          value,
          interval === undefined ? '' : `${interval.lower_bound} to ${interval.upper_bound}`,
        ]),
      ],
    },
  ];
}

const nameOf = ({ model_details: { name, version } }: ModelCard): string => `Model card of ${name}, version ${version.name}`;

/** The card for a repository or a wiki. What was declared, and names of columns and classes, stay text, as on the page. */
export function cardMarkdown(card: ModelCard): string {
  const parts = partsOf(card).map(({ title, lines = [], rows = [] }) =>
    [
      `## ${title}`,
      ...(lines.length === 0 ? [] : ['', ...(lines.length === 1 ? lines.map(plainText) : lines.map((line) => `- ${plainText(line)}`))]),
      ...(rows.length < 2
        ? []
        : [
            '',
            ...markdownTable(
              rows[0]!,
              rows.slice(1).map((cells) => cells.map(plainText)),
            ),
          ]),
    ].join('\n'),
  );
  return `# ${nameOf(card)}\n\n${plainText(card.model_details.overview)}\n\n${parts.join('\n\n')}\n`;
}

/** The card as a page that loads nothing. */
export function cardHtml(card: ModelCard): string {
  const title = nameOf(card);
  return page(
    title,
    html`<header><h1>${title}</h1>
<p class="facts">${card.model_details.overview}</p></header>
`,
    partsOf(card).map(({ title: name, lines = [], rows = [] }): Markup =>
      section(
        name,
        '',
        lines.length === 1
          ? html`<p>${lines[0]!}</p>`
          : lines.length === 0
            ? null
            : html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`,
        rows.length < 2 ? null : tableOf(rows[0]!, rows.slice(1)),
      ),
    ),
  );
}
