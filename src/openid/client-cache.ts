/**
 * Client metadata, read at most once a second by each node: every request of an application reads it, and it hardly
 * ever changes. A change takes effect everywhere within that second.
 */
import type { FindClient } from './adapter.ts';

const KEPT_MS = 1_000;

/** @param now milliseconds of any clock that only goes forward. */
export function cacheClients(find: FindClient, now: () => number = () => performance.now()): FindClient {
  const kept = new Map<string, { metadata: ReturnType<FindClient>; until: number }>();

  return (clientId) => {
    const known = kept.get(clientId);
    if (known && now() < known.until) return known.metadata;
    const metadata = find(clientId);
    const entry = { metadata, until: now() + KEPT_MS };
    kept.set(clientId, entry);
    const forget = () => {
      if (kept.get(clientId) === entry) kept.delete(clientId);
    };
    // Anybody may ask for any name: what is unknown is not kept, nor is a failure.
    metadata.then((found) => found ?? forget(), forget);
    return metadata;
  };
}
