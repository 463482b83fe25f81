/** The terms of use that people accept today; the version and the moment are kept with the account. */
export const TERMS = { version: '2026-11', date: '2026-11-01' } as const;
