import { modelTimeline } from '../../monitoring/timeline/model-timeline.ts';
import { renderTimeline } from '../../reports/timeline-report.ts';
import { timelineMarkdown } from '../../reports/timeline-text.ts';
import { storeNow } from '../../storage/store-clock.ts';
import type { CliIo } from '../commands/command.ts';
import { givePage } from '../page-out.ts';
import type { PageOptions } from '../page-out.ts';
import { spanOf } from '../since.ts';
import { openRegistry } from './options.ts';

export interface TimelineFlags extends PageOptions {
  readonly since: string;
  readonly until?: string;
  readonly performance: boolean;
}

/** Prints what became of a model, or writes it to a file. */
export async function timelineAction(io: CliIo, model: string, options: TimelineFlags): Promise<void> {
  const { store, artifacts } = await openRegistry();
  const span = await spanOf(options, () => storeNow(store));
  const timeline = await modelTimeline(store, artifacts, model, { ...span, performance: options.performance });
  await givePage(io, options, { markdown: () => timelineMarkdown(timeline), html: () => renderTimeline(timeline) }, timeline);
}
