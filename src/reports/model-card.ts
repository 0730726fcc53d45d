import type { JsonObject } from '../core/json.ts';
import type { OutputSpec } from '../core/tensor.ts';
import type { DatasetMeta } from '../data/stored/dataset.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { formatNumber } from '../evaluation/step/gate-words.ts';
import type { VersionManifest } from '../registry/types.ts';
import type { ModelMeta } from '../training/model/model-meta.ts';
import { sliceName } from './insight-sections.ts';

/** What people say of a model: the document declares it in its register step. */
export interface CardSections {
  readonly overview?: string;
  readonly documentation?: string;
  readonly owners?: readonly { readonly name: string; readonly contact?: string }[];
  /** An SPDX identifier, or a text. */
  readonly license?: string;
  readonly references?: readonly string[];
  readonly citation?: string;
  readonly users?: readonly string[];
  readonly useCases?: readonly string[];
  readonly limitations?: readonly string[];
  readonly tradeoffs?: readonly string[];
  readonly ethicalConsiderations?: readonly { readonly name: string; readonly mitigation: string }[];
  readonly sensitiveData?: readonly string[];
}

type Described = { readonly description: string };
type KeyValue = { readonly key: string; readonly value: string };

/**
 * A model card in the published schema.
 *
 * @see Model Card Toolkit, schema v0.0.2 (model_card.schema.json)
 */
export interface ModelCard {
  readonly schema_version: '0.0.2';
  readonly model_details: {
    readonly name: string;
    readonly overview: string;
    readonly documentation?: string;
    readonly owners?: readonly { readonly name: string; readonly contact?: string }[];
    readonly version: { readonly name: string; readonly date: string; readonly diff?: string };
    readonly licenses?: readonly ({ readonly identifier: string } | { readonly custom_text: string })[];
    readonly references?: readonly { readonly reference: string }[];
    readonly citations?: readonly { readonly citation: string }[];
    readonly path: string;
  };
  readonly model_parameters: {
    readonly model_architecture: string;
    readonly data: readonly {
      readonly name: string;
      readonly description: string;
      readonly sensitive?: { readonly sensitive_data: readonly string[] };
    }[];
    readonly input_format: string;
    readonly input_format_map: readonly KeyValue[];
    readonly output_format: string;
    readonly output_format_map: readonly KeyValue[];
  };
  readonly quantitative_analysis: {
    readonly performance_metrics: readonly {
      readonly type: string;
      readonly value: string;
      readonly slice?: string;
      readonly confidence_interval?: { readonly lower_bound: string; readonly upper_bound: string };
    }[];
  };
  readonly considerations: {
    readonly users: readonly Described[];
    readonly use_cases: readonly Described[];
    readonly limitations: readonly Described[];
    readonly tradeoffs: readonly Described[];
    readonly ethical_considerations: readonly { readonly name: string; readonly mitigation_strategy: string }[];
  };
}

/** What a card is made of. */
export interface CardParts {
  readonly version: VersionManifest;
  readonly model: ModelMeta;
  readonly dataset?: DatasetMeta;
  readonly evaluation?: EvaluationReport;
  readonly sections: CardSections;
}

/** The card of a version: what is declared, and what is known. Equal parts give equal cards. */
export function modelCard({ version, model, dataset, evaluation, sections }: CardParts): ModelCard {
  const described = (texts: readonly string[] = []): Described[] => texts.map((description) => ({ description }));
  const { owners, documentation, license, references, citation } = sections;
  const diff = differenceFrom(version, evaluation);
  return {
    schema_version: '0.0.2',
    model_details: {
      name: version.name,
      overview: sections.overview ?? (version.description === '' ? `Predicts ${predicted(model.output)}.` : version.description),
      ...(documentation === undefined ? {} : { documentation }),
      ...(owners === undefined ? {} : { owners }),
      version: { name: String(version.version), date: version.createdAt.slice(0, 10), ...(diff === undefined ? {} : { diff }) },
      ...(license === undefined
        ? {}
        : { licenses: [/^[A-Za-z0-9][A-Za-z0-9.+-]*$/.test(license) ? { identifier: license } : { custom_text: license }] }),
      ...(references === undefined ? {} : { references: references.map((reference) => ({ reference })) }),
      ...(citation === undefined ? {} : { citations: [{ citation }] }),
      path: `models/${version.name}/versions/${version.version}.json (artifact ${version.model.digest})`,
    },
    model_parameters: {
      model_architecture: architecture(model),
      data: dataset === undefined ? [] : dataOf(dataset, sections),
      input_format: 'One JSON object per row with the columns of the source; the preprocessing is part of the model.',
      input_format_map: (version.signature?.inputs ?? []).map(({ name, type, required }) => ({
        key: name,
        value: required ? type : `${type}, may be missing`,
      })),
      output_format: outputFormat(model.output),
      output_format_map: outputsOf(model.output),
    },
    quantitative_analysis: { performance_metrics: evaluation === undefined ? plainMetrics(version) : measured(evaluation) },
    considerations: {
      users: described(sections.users),
      use_cases: described(sections.useCases),
      limitations: described([...(sections.limitations ?? []), ...foundLimits(evaluation)]),
      tradeoffs: described(sections.tradeoffs),
      ethical_considerations: (sections.ethicalConsiderations ?? []).map(({ name, mitigation }) => ({
        name,
        mitigation_strategy: mitigation,
      })),
    },
  };
}

function differenceFrom({ parent }: VersionManifest, evaluation: EvaluationReport | undefined): string | undefined {
  if (parent === null) return undefined;
  const champion = evaluation?.champion;
  if (champion === undefined || champion.version !== parent) return `Version ${parent} was champion when this version was made.`;
  const changes = evaluation!.metrics.flatMap(({ key, champion: one }) =>
    one?.difference === null || one === undefined ? [] : [`${key} ${one.difference < 0 ? '' : '+'}${formatNumber(one.difference)}`],
  );
  return `Compared with version ${parent} on the same ${champion.rows} rows: ${changes.join(', ')}.`;
}

function architecture({ training, parameters, loss, optimizer, epochsRun, bestEpoch }: ModelMeta): string {
  const model = training['model'] as JsonObject | undefined;
  const kind = typeof model?.['architecture'] === 'string' ? model['architecture'] : 'explicit layers';
  return `${kind}, ${parameters.toLocaleString('en')} parameters; trained with ${optimizer} on ${loss} for ${epochsRun} epochs, weights of epoch ${bestEpoch}`;
}

function dataOf(
  { rows, columns, source, label, quarantined }: DatasetMeta,
  { sensitiveData }: CardSections,
): ModelCard['model_parameters']['data'] {
  const sensitive = sensitiveData === undefined ? {} : { sensitive: { sensitive_data: sensitiveData } };
  const from = typeof source['path'] === 'string' ? ` from ${source['path']}` : '';
  const left = quarantined === 0 ? '' : ` ${quarantined} rows were set aside.`;
  return (['train', 'validation', 'test'] as const).map((split) => ({
    name: `${split} split`,
    description: `${rows[split].toLocaleString('en')} rows of ${columns.length} columns${from}${label === null ? '' : `, label "${label}"`}.${split === 'train' ? left : ''}`,
    ...sensitive,
  }));
}

function predicted(output: OutputSpec): string {
  if (output.kind === 'classes') return `"${output.name}", one of ${output.classes.length} classes`;
  return output.kind === 'number' ? `the number "${output.name}"` : `"${output.name}"`;
}

function outputFormat(output: OutputSpec): string {
  if (output.kind === 'classes') return 'The label and a probability for each class.';
  if (output.kind === 'number') return 'A number in the units of the source.';
  return output.kind === 'several' ? 'An answer per label.' : `An answer of the kind "${output.kind}".`;
}

function outputsOf(output: OutputSpec): KeyValue[] {
  const all = output.kind === 'several' ? output.outputs : [output];
  return all.map((one) => ({ key: one.name, value: one.kind === 'classes' ? one.classes.slice(0, 100).join(', ') : one.kind }));
}

function plainMetrics({ metrics }: VersionManifest): ModelCard['quantitative_analysis']['performance_metrics'] {
  return Object.entries(metrics).map(([type, value]) => ({ type, value: formatNumber(value) }));
}

function measured({ metrics, slices }: EvaluationReport): ModelCard['quantitative_analysis']['performance_metrics'] {
  return [
    ...metrics.map(({ key, value, interval }) => ({
      type: key,
      value: formatNumber(value),
      ...(interval === undefined || interval === null
        ? {}
        : { confidence_interval: { lower_bound: formatNumber(interval.low), upper_bound: formatNumber(interval.high) } }),
    })),
    ...slices.flatMap(({ column, values }) =>
      values.flatMap((slice) =>
        Object.entries(slice.metrics).flatMap(([type, value]) =>
          value === null ? [] : [{ type, value: formatNumber(value), slice: `${column}=${slice.value}` }],
        ),
      ),
    ),
  ];
}

/** What the evaluation found out: nobody has to write it down, and nobody can leave it out. */
function foundLimits(evaluation: EvaluationReport | undefined): string[] {
  const { slices, duplicates } = evaluation?.insights ?? {};
  return [
    ...(slices?.found ?? []).map(
      (slice) =>
        `Found by the evaluation: where ${sliceName(slice)}, the ${slices!.measure} is ${formatNumber(slice.value)}, elsewhere ${formatNumber(slice.others)} (${slice.rows} test rows).`,
    ),
    ...(duplicates === undefined || duplicates.rows === 0
      ? []
      : [`Found by the evaluation: ${duplicates.rows} of ${duplicates.of} test rows stand in the training or validation rows too.`]),
  ];
}
