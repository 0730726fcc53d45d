/** Names a request, in its answer too: the client's own name of it, or one that the server gave. */
export const REQUEST_HEADER = 'x-request-id';
/** The version that made an answer. */
export const VERSION_HEADER = 'x-perennial-version';
/** The row of the request, from 0, that an error is about. */
export const ROW_HEADER = 'x-perennial-row';
/** The identity of the store that a server serves from. */
export const STORE_HEADER = 'x-perennial-store';
/** `off` in a request: its rows are no traffic, and stay out of the prediction log. */
export const LOG_HEADER = 'x-perennial-log';
/** The rollout that decided about a request, and which of its versions answered: `champion` or `candidate`. */
export const ROLLOUT_HEADER = 'x-perennial-rollout';
export const ARM_HEADER = 'x-perennial-arm';
/** Revision of the routing that a server follows. */
export const ROUTING_HEADER = 'x-perennial-routing';
/** Since when a server reaches no store, ISO 8601 UTC; it goes on with what it had. */
export const CUT_OFF_HEADER = 'x-perennial-cut-off';
