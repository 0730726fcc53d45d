/** Data URIs, and PNG, JPEG, GIF or WebP as base64; of RE2 and JavaScript alike. */
export const ENCODED_IMAGE = '^(data:|(iVBORw0KGgo|/9j/|R0lGOD|UklGR)[A-Za-z0-9+/=_-]{40})';

const ENCODED = new RegExp(ENCODED_IMAGE);

/** Whether a text is an image itself and not the path of one. */
export function isEncodedImage(text: string): boolean {
  return ENCODED.test(text);
}
