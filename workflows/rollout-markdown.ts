import { shareText } from '../src/core/rollout.ts';
import type { RolloutInput, RolloutView } from '../src/core/rollout.ts';
import { waitText } from '../src/core/approval.ts';
import { compose } from './markdown.ts';

type Facts = Omit<RolloutView, 'headline'>;

const KINDS = { canary: 'canary', shadow: 'shadow', abTest: 'A/B test' } as const;

/** One sentence: what it does, or what came of it. */
export function rolloutHeadline({ model, kind, champion, candidate, state, share, why }: Facts): string {
  const what = `${KINDS[kind]} of ${model} version ${candidate}`;
  const doing = kind === 'shadow' ? `gets copies of ${shareText(share)} of the requests` : `answers ${shareText(share)} of the requests`;
  const texts: Readonly<Record<RolloutView['state'], string>> = {
    running: `The ${what} ${doing}, beside version ${champion}. ${why}`,
    paused: `The ${what} is paused at ${shareText(share)}, beside version ${champion}. ${why}`,
    promoted: `The ${what} was promoted: it took the place of version ${champion}. ${why}`,
    finished: `The ${what} is over; version ${champion} stays champion. ${why}`,
    returned: `The ${what} was returned: all traffic goes to version ${champion} again. ${why}`,
    aborted: `The ${what} was aborted; version ${champion} stays champion. ${why}`,
    superseded: `The ${what} was superseded. ${why}`,
    rejected: `The ${what} was not promoted. ${why}`,
  };
  return texts[state].trim();
}

/** What the UI shows. */
export function rolloutMarkdown(view: Facts, { spec, pipeline, id }: Pick<RolloutInput, 'spec' | 'pipeline' | 'id'>): string {
  const over = view.state !== 'running' && view.state !== 'paused';
  const mark = (step: number): string => {
    if (step < view.step || view.state === 'promoted') return 'passed';
    if (step > view.step) return '';
    return over ? 'ended here' : view.state === 'paused' ? 'paused' : 'now';
  };
  const rows = spec.steps.map(({ share, forMs }, step) => `| ${step + 1} | ${shareText(share)} | ${waitText(forMs)} | ${mark(step)} |`);
  const howTo = [
    '- Stay at this share, while the checks go on: `pause` with `{"who": "you", "why": "…"}`; go on: `resume`',
    '- Make the candidate champion now: `promote`',
    '- Send all traffic to the champion again: `abort`',
  ];
  return compose(
    [
      `**${rolloutHeadline(view)}**`,
      ['| Step | Share | For | |', '| --- | --- | --- | --- |', ...rows].join('\n'),
      ...(over ? [] : ['**What you can do**: More Actions → Send an Update', howTo.join('\n')]),
    ],
    [`What was counted: \`perennial models rollout show ${view.model}\` · rollout ${id} of pipeline ${pipeline}`],
  );
}
