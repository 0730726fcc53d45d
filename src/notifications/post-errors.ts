import type { PostErrors } from '../events/post.ts';

/** How channels tell what came of a post. */
export const POST_ERRORS: PostErrors = {
  refused: 'NOTIFICATION_REFUSED',
  misaddressed: 'NOTIFICATION_REFUSED',
  failed: 'NOTIFICATION_FAILED',
  setting: 'the "url" of the notification',
};
