import { APPROVAL_MS_MAX, waitText } from '../../core/approval.ts';
import { durationMs, isDuration } from '../../core/duration.ts';
import { join } from '../pointer.ts';
import { defineCheck, stepsOf } from './check.ts';

export default defineCheck({
  name: 'approval-time',
  summary: 'Nobody is asked for longer than a run can wait.',
  run: (facts) =>
    stepsOf(facts, 'approve').flatMap(({ step }) => {
      const timeout = step.raw['timeout'];
      if (!isDuration(timeout) || durationMs(timeout) <= APPROVAL_MS_MAX) return [];
      return [
        {
          pointer: join(step.pointer, 'timeout'),
          given: timeout,
          message: `The question would wait for ${timeout}, and a run, with all of its waiting, ends after 30 days.`,
          fix: `Give at most "${waitText(APPROVAL_MS_MAX).replace(' ', '')}".`,
        },
      ];
    }),
});
