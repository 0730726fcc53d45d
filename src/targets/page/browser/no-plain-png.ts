/** In the page, where there is no zlib: images go the general way, through the browser. */
export const isPlainPng = (): boolean => false;
export const decodePlainPng = (): undefined => undefined;
