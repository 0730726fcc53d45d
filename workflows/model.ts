import { ApplicationFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Accountable, ModelAnswer, ModelChange, PromoteRequest, RollbackRequest, UnpinRequest } from '../src/core/model-updates.ts';
import { ending, failureOf } from './failures.ts';
import { roomy } from './markdown.ts';
import { tellSearch } from './search-attributes.ts';

export interface ModelWorkflowInput {
  readonly model: string;
  /** The newest changes, newest last; carried over when the workflow continues as new. */
  readonly recent?: readonly ModelChange[];
}

export const promoteUpdate = defineUpdate<ModelAnswer, [PromoteRequest]>('promote');
export const rollbackUpdate = defineUpdate<ModelAnswer, [RollbackRequest]>('rollback');
export const unpinUpdate = defineUpdate<ModelAnswer, [UnpinRequest]>('unpin');
export const recentQuery = defineQuery<readonly ModelChange[]>('recent');

/** Changes that the details show and that are carried over. */
const RECENT_MAX = 20;

interface ModelActivities {
  promoteModel(model: string, request: PromoteRequest, requestId: string): Promise<ModelAnswer>;
  rollbackModel(model: string, request: RollbackRequest, requestId: string): Promise<ModelAnswer>;
  unpinModel(model: string, request: UnpinRequest, requestId: string): Promise<ModelAnswer>;
}

/** Who and why stand beside the activity on the timeline. */
function activitiesFor({ who, why }: Accountable): ModelActivities {
  return proxyActivities<ModelActivities>({
    startToCloseTimeout: '2 minutes',
    retry: { maximumAttempts: 3 },
    summary: `${who}: ${why}`.slice(0, 150),
  });
}

/**
 * The control room of one model: changes of its routing are Updates of this workflow, done one after the other. An Update is done
 * when the servers answer with what was asked for. The registry holds the truth; this workflow can be terminated and started anew
 * at any time.
 */
export async function model(input: ModelWorkflowInput): Promise<void> {
  const recent: ModelChange[] = [...(input.recent ?? [])];
  let turn: Promise<unknown> = Promise.resolve();
  // One change at a time: two rollbacks at once would each go back from the same version.
  const inTurn = (request: Accountable, change: (activities: ModelActivities) => Promise<ModelAnswer>): Promise<ModelAnswer> => {
    const mine = turn.then(() => change(activitiesFor(request))).then((answer) => remember(answer, request), fail);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const remember = (answer: ModelAnswer, { who, why }: Accountable): ModelAnswer => {
    recent.push({ ...answer, who, why, at: new Date().toISOString() });
    recent.splice(0, recent.length - RECENT_MAX);
    if (answer.alias === 'champion' && answer.to !== null) tellSearch({ ModelVersion: String(answer.to) });
    setCurrentDetails(details(input.model, recent));
    return answer;
  };
  setCurrentDetails(details(input.model, recent));
  setHandler(recentQuery, () => recent, { description: 'The newest changes of routing' });
  setHandler(promoteUpdate, (request) => inTurn(request, (activities) => activities.promoteModel(input.model, request, requestId())), {
    description: 'Move an alias to a version',
    validator: checkPromote,
  });
  setHandler(rollbackUpdate, (request) => inTurn(request, (activities) => activities.rollbackModel(input.model, request, requestId())), {
    description: 'Go back to the last known good version, or the one given, and pin it',
    validator: checkRollback,
  });
  setHandler(unpinUpdate, (request) => inTurn(request, (activities) => activities.unpinModel(input.model, request, requestId())), {
    description: 'Let promotions through again',
    validator: checkAccountable,
  });
  await condition(() => workflowInfo().continueAsNewSuggested && allHandlersFinished());
  await continueAsNew<typeof model>({ model: input.model, recent });
}

/** An activity that is tried again after a lost answer finds by this id that the change was made. */
function requestId(): string {
  return `${workflowInfo().workflowId}/${currentUpdateInfo()?.id ?? workflowInfo().runId}`;
}

function fail(error: unknown): never {
  throw ending(failureOf(error));
}

function details(name: string, recent: readonly ModelChange[]): string {
  const rows = [...recent]
    .reverse()
    .map(
      (answer) =>
        `| ${answer.at.slice(0, 16).replace('T', ' ')} | ${answer.action} ${answer.from ?? '–'} → ${answer.to ?? '–'} | ${cell(`${answer.who}: ${answer.why}`)} | ${cell(answer.summary)} |`,
    );
  const table =
    rows.length === 0
      ? [`No change of **${name}** was asked for here yet.`]
      : [
          `Changes of **${name}** asked for here, newest first`,
          ['| When (UTC) | Change | Who and why | What happened |', '| --- | --- | --- | --- |', ...rows].join('\n'),
        ];
  const howTo = [
    '- Go back to the last good version and pin it: `rollback` with `{"who": "you", "why": "…"}`; to a certain one with `"to": 2` besides',
    '- Let a version serve: `promote` with `{"version": 3, "who": "you", "why": "…"}`',
    '- Let automation promote again: `unpin` with `{"who": "you", "why": "…"}`',
  ];
  return roomy(
    [
      ...table,
      '**What you can do**: More Actions → Send an Update',
      howTo.join('\n'),
      `Every change, those by runs and by the command line too: \`perennial models history ${name}\``,
    ].join('\n\n'),
  );
}

/** Free text of users, in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').slice(0, 200);
}

function checkAccountable(request: Accountable): void {
  if (typeof request !== 'object' || request === null) refuse('The request has to be an object with "who" and "why".');
  for (const key of ['who', 'why'] as const)
    if (typeof request[key] !== 'string' || request[key].trim() === '') refuse(`"${key}" is missing: every change says who and why.`);
}

function checkPromote(request: PromoteRequest): void {
  checkAccountable(request);
  const { version, alias } = request;
  if (!(typeof version === 'number' ? Number.isSafeInteger(version) && version >= 1 : typeof version === 'string' && version !== ''))
    refuse(`"version" is ${JSON.stringify(version)}; expected a number from 1, an alias or "latest".`);
  if (alias !== undefined && (typeof alias !== 'string' || !/^[a-z0-9][a-z0-9_.-]{0,62}$/.test(alias)))
    refuse(`"alias" is ${JSON.stringify(alias)}; expected a name like "champion".`);
}

function checkRollback(request: RollbackRequest): void {
  checkAccountable(request);
  if (request.to !== undefined && !(Number.isSafeInteger(request.to) && request.to >= 1))
    refuse(`"to" is ${JSON.stringify(request.to)}; expected a version number from 1.`);
}

function refuse(message: string): never {
  throw ApplicationFailure.nonRetryable(message, 'USAGE');
}
