/** Every kind of blank that a text may have, as `trim` of the runtime and "\\s" of its patterns know them; the database knows six. */
export const BLANKS =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';

/** One of them, in a pattern of the database or of the runtime. */
export const BLANK = `[${BLANKS}]`;
