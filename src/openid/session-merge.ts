/**
 * Two applications may be authorised in one session at the same moment. Each request read the session, changed its own
 * part and writes the whole: this merges the parts.
 */
type Payload = Record<string, unknown>;
type Authorizations = Record<string, Payload>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function mergeKeys(base: Payload, ours: Payload, theirs: Payload): Payload {
  const merged: Payload = { ...theirs };
  for (const key of new Set([...Object.keys(base), ...Object.keys(ours)])) {
    if (same(base[key], ours[key])) continue;
    if (ours[key] === undefined) delete merged[key];
    else merged[key] = ours[key];
  }
  return merged;
}

/**
 * @param base what both requests read; `theirs` what the other one stored; `ours` what this one wants to store.
 * @returns what to store: our changes over theirs, application by application.
 */
export function mergeSessions(base: Payload, ours: Payload, theirs: Payload): Payload {
  // Two people signed in at once in one browser: nothing of one may become the other's.
  if (ours.accountId && theirs.accountId && ours.accountId !== theirs.accountId) return { ...ours };
  const merged = mergeKeys(base, ours, theirs);
  const authorizations: Authorizations = {};
  const part = (payload: Payload) => (payload.authorizations ?? {}) as Authorizations;
  for (const clientId of new Set([...Object.keys(part(ours)), ...Object.keys(part(theirs))])) {
    const [was, our, their] = [part(base)[clientId], part(ours)[clientId], part(theirs)[clientId]];
    const kept = same(was, our) ? their : our && their ? mergeKeys(was ?? {}, our, their) : our;
    if (kept) authorizations[clientId] = kept;
  }
  if (Object.keys(authorizations).length > 0) merged.authorizations = authorizations;
  else delete merged.authorizations;
  merged.exp = Math.max(Number(ours.exp ?? 0), Number(theirs.exp ?? 0));
  return merged;
}
