/** Data URIs, and PNG, JPEG, GIF or WebP as base64. */
const ENCODED = /^(data:|(iVBORw0KGgo|\/9j\/|R0lGOD|UklGR)[\w+/=-]{40})/;

/** Whether a text is an image itself and not the path of one. */
export function isEncodedImage(text: string): boolean {
  return ENCODED.test(text);
}
