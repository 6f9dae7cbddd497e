/** Epochs are UTC days: `timestamp / 86400`, from 00:00:00 to before the next. Times are Unix seconds. */

export const SECONDS_PER_EPOCH = 86_400;

export function epochAt(timestamp: number): number {
  return Math.floor(timestamp / SECONDS_PER_EPOCH);
}

export function endOfEpoch(epoch: number): number {
  return (epoch + 1) * SECONDS_PER_EPOCH;
}

/** `2026-11-22` */
export function day(epoch: number): string {
  return new Date(epoch * SECONDS_PER_EPOCH * 1000).toISOString().slice(0, 10);
}

/** `2026-11-22 14:05 UTC` */
export function moment(timestamp: number): string {
  return `${new Date(timestamp * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A moment in the reader's own time and words: `Sunday, 29 November, 15:05`. */
export function localMoment(timestamp: number, language: string): string {
  return new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  }).format(new Date(timestamp * 1000));
}

/** Seconds as `06:05:04`; nothing below zero. */
export function clock(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  return [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** A stretch of time in its two largest parts: `6 days 3 h`, `4 min 10 s`. */
export function stretch(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(left / 86_400), "d"],
    [Math.floor(left / 3600) % 24, "h"],
    [Math.floor(left / 60) % 60, "min"],
    [left % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
