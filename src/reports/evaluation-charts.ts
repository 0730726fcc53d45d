import type { EvaluationReport } from '../evaluation/step/report.ts';
import { COLOURS, PALETTE, chart, figure } from './chart.ts';
import type { Markup } from './html.ts';

/** Three charts fit beside each other. */
const SIZE = 240;

type Classification = NonNullable<EvaluationReport['classification']>;
type Regression = NonNullable<EvaluationReport['regression']>;

/** Rows are true classes; the shade grows with the share of the row, the number the count. */
export async function confusionChart({ confusion, classes }: Classification): Promise<Markup> {
  const names = classes.map((one) => one.class);
  const values = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, guess) => ({
      truth: names[truth]!,
      guess: names[guess]!,
      count,
      share: total === 0 ? 0 : count / total,
      right: truth === guess,
    }));
  });
  const cell = Math.max(22, Math.min(64, Math.floor(400 / names.length)));
  const axis = (title: string): object => ({ title, labelAngle: 0, labelLimit: 220, ticks: false, domain: false });
  const picture = await chart('confusion', `Confusion matrix of ${names.length} classes`, {
    width: cell * names.length,
    height: cell * names.length,
    data: { values },
    encoding: {
      x: {
        field: 'guess',
        type: 'nominal',
        sort: names,
        axis: {
          ...axis('predicted'),
          orient: 'top',
          ...(names.length > 6 || names.some((name) => name.length > 9) ? { labelAngle: -45 } : {}),
        },
      },
      y: { field: 'truth', type: 'nominal', sort: names, axis: axis('true class') },
    },
    layer: [
      {
        mark: { type: 'rect', stroke: COLOURS.quiet, strokeOpacity: 0.25 },
        encoding: {
          fill: { field: 'right', type: 'nominal', scale: { domain: [true, false], range: [COLOURS.ours, COLOURS.bad] }, legend: null },
          // Rare mistakes have to be seen: the shade grows more slowly than the share.
          fillOpacity: {
            field: 'share',
            type: 'quantitative',
            scale: { type: 'pow', exponent: 0.4, domain: [0, 1], range: [0, 0.75] },
            legend: null,
          },
        },
      },
      {
        transform: [{ filter: 'datum.count > 0' }],
        mark: { type: 'text', fontSize: cell < 30 ? 10 : 13 },
        encoding: { text: { field: 'count', type: 'quantitative', format: ',d' } },
      },
    ],
  } as never);
  return figure(
    'Confusion matrix',
    picture,
    'Each row holds the examples of one true class. Blue on the diagonal: right. Red: mistaken for the class above.',
  );
}

/** The dashed line from corner to corner: guessing, or what is claimed being so. */
const DIAGONAL = {
  data: {
    values: [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
  },
  mark: { type: 'line', color: COLOURS.quiet, strokeDash: [4, 4] },
  encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } },
};

export async function rocChart({ roc }: Classification): Promise<Markup | undefined> {
  const drawn = roc.filter((curve) => curve.points.length > 0);
  if (drawn.length === 0) return undefined;
  const label = (curve: (typeof drawn)[number]): string => `${curve.class} (${(curve.area ?? 0).toFixed(3)})`;
  const values = drawn.flatMap((curve) => curve.points.map(([x, y], order) => ({ class: label(curve), x, y, order })));
  const picture = await chart('roc', 'ROC curve', {
    width: SIZE,
    height: SIZE,
    layer: [
      DIAGONAL,
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 2, clip: true },
        encoding: {
          x: { field: 'x', type: 'quantitative', title: 'false positive rate', scale: { domain: [0, 1] } },
          y: { field: 'y', type: 'quantitative', title: 'true positive rate', scale: { domain: [0, 1] } },
          order: { field: 'order', type: 'quantitative' },
          color: {
            field: 'class',
            type: 'nominal',
            title: 'class (area)',
            sort: drawn.map(label),
            scale: { range: PALETTE },
            legend: { orient: 'bottom', columns: drawn.length > 4 ? 2 : 1, labelLimit: 320 },
          },
        },
      },
    ],
  } as never);
  return figure(
    'ROC curve',
    picture,
    'How well the scores rank: the closer to the upper left corner, the better. The dashed line is guessing.',
  );
}

export async function calibrationChart({ calibration }: Classification): Promise<Markup | undefined> {
  if (calibration === null) return undefined;
  const values = calibration.filter((bin) => bin.rows > 0);
  const picture = await chart('calibration', 'Calibration: claimed against observed frequency', {
    width: SIZE,
    height: SIZE,
    layer: [
      DIAGONAL,
      {
        data: { values },
        encoding: {
          x: { field: 'confidence', type: 'quantitative', title: 'claimed probability', scale: { domain: [0, 1] } },
          y: { field: 'observed', type: 'quantitative', title: 'share that came true', scale: { domain: [0, 1] } },
        },
        layer: [
          { mark: { type: 'line', color: COLOURS.ours, strokeWidth: 1.5 } },
          {
            mark: { type: 'circle', color: COLOURS.ours, opacity: 0.85 },
            encoding: { size: { field: 'rows', type: 'quantitative', scale: { range: [30, 400] }, legend: null } },
          },
        ],
      },
    ],
  } as never);
  return figure(
    'Calibration',
    picture,
    'On the dashed line a probability means what it says. Below it the model claims too much, above it too little. Small dots hold few rows.',
  );
}

export async function forecastChart({ points, ordered }: Regression, name: string): Promise<Markup> {
  if (ordered) {
    const series = points.flatMap((point) => [
      { index: point.index, value: point.label, series: 'actual' },
      { index: point.index, value: point.prediction, series: 'predicted' },
    ]);
    const picture = await chart('series', `Actual and predicted ${name} in order of time`, {
      width: 900,
      height: 240,
      data: { values: series },
      mark: { type: 'line', strokeWidth: 1.4 },
      encoding: {
        x: { field: 'index', type: 'quantitative', title: 'example of the test split, in order of time', scale: { nice: false } },
        y: { field: 'value', type: 'quantitative', title: name, scale: { zero: false } },
        color: {
          field: 'series',
          type: 'nominal',
          title: null,
          scale: { domain: ['actual', 'predicted'], range: [COLOURS.quiet, COLOURS.ours] },
          legend: { orient: 'top' },
        },
      },
    } as never);
    return figure('In order of time', picture, 'The test split as it passed by.');
  }
  return scatter({ points, name });
}

export async function scatterChart(regression: Regression, name: string): Promise<Markup> {
  return scatter({ points: regression.points, name });
}

async function scatter({ points, name }: { readonly points: Regression['points']; readonly name: string }): Promise<Markup> {
  const all = points.flatMap((point) => [point.label, point.prediction]);
  const domain = [Math.min(...all), Math.max(...all)];
  const picture = await chart('scatter', `Predicted against actual ${name}`, {
    width: SIZE,
    height: SIZE,
    layer: [
      {
        data: { values: domain.map((value) => ({ label: value, prediction: value })) },
        mark: { type: 'line', color: COLOURS.quiet, strokeDash: [4, 4] },
        encoding: { x: { field: 'label', type: 'quantitative' }, y: { field: 'prediction', type: 'quantitative' } },
      },
      {
        data: { values: points.map(({ label, prediction }) => ({ label, prediction })) },
        mark: { type: 'circle', color: COLOURS.ours, opacity: 0.5, size: 28 },
        encoding: {
          x: { field: 'label', type: 'quantitative', title: `actual ${name}`, scale: { domain, zero: false } },
          y: { field: 'prediction', type: 'quantitative', title: `predicted ${name}`, scale: { domain, zero: false } },
        },
      },
    ],
  } as never);
  return figure('Predicted against actual', picture, 'On the dashed line the prediction is exact.');
}

export async function residualChart({ residuals }: Regression, name: string): Promise<Markup> {
  const values = residuals.counts.map((count, bin) => ({ from: residuals.edges[bin]!, to: residuals.edges[bin + 1]!, count }));
  const picture = await chart('residuals', 'Distribution of the errors', {
    width: SIZE,
    height: SIZE,
    data: { values },
    layer: [
      {
        mark: { type: 'bar', color: COLOURS.ours, opacity: 0.75 },
        encoding: {
          x: { field: 'from', bin: { binned: true }, type: 'quantitative', title: `error in ${name} (actual minus predicted)` },
          x2: { field: 'to' },
          y: { field: 'count', type: 'quantitative', title: 'rows' },
        },
      },
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: 'rule', color: COLOURS.other, strokeDash: [4, 4] },
        encoding: { x: { field: 'zero', type: 'quantitative' } },
      },
    ],
  } as never);
  return figure('Errors', picture, 'Centred on the dashed line at 0 the model errs as often upwards as downwards.');
}

/** Errors of reconstructions, of normal rows and of anomalies, as shares of each; the rule is the threshold. */
export async function errorChart({ histogram, threshold, error }: NonNullable<EvaluationReport['reconstruction']>): Promise<Markup> {
  const { edges, normal, anomalies } = histogram;
  const groups = [
    { name: anomalies === undefined ? 'rows' : 'normal', counts: normal, colour: COLOURS.ours },
    ...(anomalies === undefined ? [] : [{ name: 'anomalies', counts: anomalies, colour: COLOURS.bad }]),
  ];
  const values = groups.flatMap(({ name, counts }) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    return counts.map((count, bin) => ({ name, from: edges[bin]!, to: edges[bin + 1]!, share: count / total }));
  });
  const picture = await chart('errors', 'Distribution of the scores', {
    width: 760,
    height: 220,
    layer: [
      {
        data: { values },
        mark: { type: 'bar', opacity: 0.6 },
        encoding: {
          x: {
            field: 'from',
            bin: { binned: true },
            type: 'quantitative',
            title: `score: mean ${error === 'squared' ? 'square' : 'size'} of the differences`,
            scale: { domain: [edges[0]!, Math.max(edges.at(-1)!, threshold)] },
          },
          x2: { field: 'to' },
          y: { field: 'share', type: 'quantitative', title: 'share of the rows', stack: null, axis: { format: '%' } },
          color: {
            field: 'name',
            type: 'nominal',
            title: null,
            scale: { domain: groups.map(({ name }) => name), range: groups.map(({ colour }) => colour) },
            legend: { orient: 'top' },
          },
        },
      },
      {
        data: { values: [{ threshold }] },
        mark: { type: 'rule', color: COLOURS.other, strokeDash: [4, 4] },
        encoding: { x: { field: 'threshold', type: 'quantitative' } },
      },
    ],
  } as never);
  return figure(
    'Scores',
    picture,
    `The dashed line is the threshold.${anomalies === undefined ? '' : ' Where the two groups overlap, normal rows and anomalies cannot be told apart by the score.'} The last bar holds all higher scores.`,
  );
}

/** At most four panels, one per number of the history. Numbers without a training side were measured on the validation split. */
export async function historyCharts(
  history: EvaluationReport['history'],
  bestEpoch: number,
  { id = '', trained }: { readonly id?: string; readonly trained?: readonly string[] } = {},
): Promise<Markup[]> {
  const keys = [...new Set(history.flatMap((epoch) => Object.keys(epoch)))].filter((key) => key !== 'epoch' && key !== 'learningRate');
  const shown = [...new Set(keys.map(baseOf))].slice(0, 4);
  return Promise.all(
    shown.map(async (name, index) => {
      const own = keys.filter((key) => baseOf(key) === name);
      const lone = (key: string): boolean => (trained === undefined ? name !== 'loss' && own.length === 1 : !trained.includes(key));
      const partOf = (key: string): string => (isValidation(key) || lone(key) ? 'validation' : 'training');
      const values = history.flatMap((epoch, at) =>
        own.flatMap((key) =>
          Number.isFinite(epoch[key]) ? [{ epoch: epoch['epoch'] ?? at + 1, value: epoch[key]!, part: partOf(key) }] : [],
        ),
      );
      const parts = ['training', 'validation'].filter((part) => own.some((key) => partOf(key) === part));
      const picture = await chart(`history${index}${id.replaceAll(/\W/g, '-')}`, `${name} by epoch`, {
        width: 380,
        height: 200,
        layer: [
          {
            data: { values: [{ epoch: bestEpoch }] },
            mark: { type: 'rule', color: COLOURS.other, strokeDash: [4, 4] },
            encoding: { x: { field: 'epoch', type: 'quantitative' } },
          },
          {
            data: { values },
            // A line of one epoch would not be seen.
            mark: { type: 'line', strokeWidth: 1.8, point: history.length === 1 },
            encoding: {
              x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: { tickMinStep: 1, format: 'd' }, scale: { nice: false } },
              y: { field: 'value', type: 'quantitative', title: name, scale: { zero: false } },
              color: {
                field: 'part',
                type: 'nominal',
                title: null,
                scale: { domain: parts, range: parts.map((part) => (part === 'training' ? COLOURS.quiet : COLOURS.ours)) },
                legend: { orient: 'top' },
              },
            },
          },
        ],
      } as never);
      return figure(name, picture, index === 0 ? 'The dashed line marks the epoch whose weights were kept.' : '');
    }),
  );
}

function isValidation(name: string): boolean {
  return /^validation[A-Z]/.test(name);
}

function baseOf(name: string): string {
  if (!isValidation(name)) return name;
  const base = name.slice('validation'.length);
  return base.charAt(0).toLowerCase() + base.slice(1);
}
