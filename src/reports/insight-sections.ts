import { formatNumber } from '../evaluation/step/gate-words.ts';
import type { FoundSlice, Insights, SuspectedRow } from '../evaluation/findings/insights/insight-types.ts';
import { costChart, importanceChart, precisionRecallChart } from './insight-charts.ts';
import { html, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';
import { shownValue } from './shown-value.ts';

/** Columns of rows that are shown. */
const COLUMNS_MAX = 12;

/** What a closer look found, for a report: slices, confusions, wrong labels, duplicates, what the model goes by, where to cut. */
export async function insightSections(insights: Insights | undefined, output: string): Promise<(Markup | null)[]> {
  if (insights === undefined) return [];
  return [
    await thresholdSection(insights),
    slicesSection(insights),
    confusedSection(insights),
    suspectedSection(insights, output),
    duplicatesSection(insights),
    await importanceSection(insights),
  ];
}

async function thresholdSection({ thresholds }: Insights): Promise<Markup | null> {
  if (thresholds === undefined) return null;
  const { positive, costs, declared, best, used } = thresholds;
  const saved = used.cost - best.cost;
  const note = `Above the threshold a row counts as ${positive}. ${
    declared
      ? `A false alarm costs ${costs.falsePositive}, a miss ${costs.falseNegative}, as the document declares`
      : 'The document declares no "costs": a false alarm and a miss count the same'
  }. The cheapest threshold on these rows is ${formatNumber(best.threshold)}, at ${formatNumber(best.cost)} a row; ${formatNumber(used.threshold)}, which is used, costs ${formatNumber(used.cost)}${saved > 0 ? `, ${formatNumber(saved)} more` : ''}.`;
  return section(
    'Threshold and cost',
    note,
    html`<div class="charts">${await costChart(thresholds)}${await precisionRecallChart(thresholds)}</div>`,
  );
}

function slicesSection({ slices }: Insights): Markup | null {
  if (slices === undefined) return null;
  const looked = `${slices.looked.toLocaleString('en')} slices over one and two of ${slices.columns.length} columns were looked at`;
  if (slices.found.length === 0)
    return section(
      'Where it does worse',
      `${looked}: on none of them the model does worse than chance explains (5 % after correction for all of them).`,
    );
  const number = (value: number): Cell => ({
    text: slices.measure === 'share of wrong rows' ? `${formatNumber(100 * value)} %` : formatNumber(value),
    number: true,
  });
  return section(
    'Where it does worse',
    `${looked}; these are worse than chance explains, corrected for having looked at all of them. Measured by the ${slices.measure}.`,
    tableOf(
      ['slice', 'rows', 'there', 'elsewhere', 'p, corrected'],
      slices.found.map((one) => [
        { text: sliceName(one) },
        { text: one.rows, number: true },
        { ...number(one.value), tone: 'bad' },
        number(one.others),
        { text: one.p < 0.001 ? '< 0.001' : one.p.toFixed(3), number: true },
      ]),
    ),
  );
}

/** "island is Dream and sex is (missing)" */
export function sliceName({ columns }: Pick<FoundSlice, 'columns'>): string {
  return columns.map(({ name, value }) => (/^[<≥]|^[\d.-]+ to </.test(value) ? `${name} ${value}` : `${name} is ${value}`)).join(' and ');
}

function confusedSection({ confused }: Insights): Markup | null {
  if (confused === undefined || confused.length === 0) return null;
  return section(
    'Most confused',
    'Pairs of classes, by the number of rows.',
    tableOf(
      ['true class', 'taken for', 'rows', 'of the class'],
      confused.map(({ actual, predicted, rows, share }) => [
        { text: actual },
        { text: predicted, tone: 'bad' },
        { text: rows, number: true },
        { text: `${formatNumber(100 * share)} %`, number: true },
      ]),
    ),
  );
}

function suspectedSection({ suspected }: Insights, output: string): Markup | null {
  if (suspected === undefined) return null;
  if (suspected.found === 0)
    return section(
      'Labels that may be wrong',
      'None: of no row the model is as sure of another class as it usually is of rows of that class (confident learning).',
    );
  const names = columnsOf(suspected.rows, output);
  return section(
    'Labels that may be wrong',
    `${suspected.found} test rows: the model, which has not seen them, is as sure of another class as it usually is of rows of that class (confident learning). The least probable labels first${suspected.found > suspected.rows.length ? `; ${suspected.rows.length} are shown` : ''}. A model that is wrong for a reason is found here too: look at the rows.`,
    tableOf(
      ['row', 'label', 'rather', 'probability of the label', ...names],
      suspected.rows.map((row) => [
        { text: row.index, number: true },
        { text: row.label, tone: 'bad' },
        { text: row.suggested },
        { text: formatNumber(row.probability), number: true },
        ...names.map((name): Cell => ({ text: shownValue(row.columns[name], name), tone: 'quiet' })),
      ]),
    ),
  );
}

function columnsOf(rows: readonly SuspectedRow[], output: string): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.columns)))].filter((name) => name !== output).slice(0, COLUMNS_MAX);
}

function duplicatesSection({ duplicates }: Insights): Markup | null {
  if (duplicates === undefined || duplicates.rows === 0) return null;
  const { rows, of, examples } = duplicates;
  return section(
    'Rows in two splits',
    `${rows.toLocaleString('en')} of ${of.toLocaleString('en')} test rows stand in the training or validation rows too, value by value: the model has learnt their answers, and the metrics are too good by as much. Splitting by a column that they share ("split": { "by": "group", … }) keeps them together, where such a column exists. Rows ${examples.join(', ')}${rows > examples.length ? ', …' : ''}.`,
  );
}

async function importanceSection({ importance }: Insights): Promise<Markup | null> {
  if (importance === undefined || importance.columns.length === 0) return null;
  return section(
    'What it goes by',
    `How much ${importance.metric} gets worse when the values of one column are shuffled among ${importance.rows.toLocaleString('en')} test rows, the mean of ${importance.shuffles} shuffles with the least and the largest. Of two columns that tell the same, each may seem worthless.`,
    await importanceChart(importance),
  );
}
