/** A fault to show to a person: a text key of the catalogues and the variables of that text. */
export type Fault = { key: string; vars?: Record<string, string | number> };

/** What a pure check of someone's input returns: the value to keep, or the fault to show. */
export type Result<T> = { ok: true; value: T } | { ok: false; fault: Fault };

/** The successful result carrying `value`. */
export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** The failed result that shows the text `key`, with its variables. */
export function refuse(key: string, vars?: Record<string, string | number>): Result<never> {
  return { ok: false, fault: vars === undefined ? { key } : { key, vars } };
}
