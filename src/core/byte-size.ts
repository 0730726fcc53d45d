const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
/** Of ten and of two: what somebody writes is what they mean. */
const FACTORS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** 1536 → "1.5 KiB". */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** "2GiB", "500 MB" → bytes; undefined for what is no size above 0. */
export function bytesOf(text: string): number | undefined {
  const [, number, unit] = /^([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B|B)$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * (FACTORS[unit ?? ''] ?? NaN));
  return bytes > 0 ? bytes : undefined;
}
