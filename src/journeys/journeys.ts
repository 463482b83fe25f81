/**
 * A person's way through several pages, kept on the server: sealed, bound to the browser that began it, and gone after
 * ten minutes without a step. The identifier is in the address, so two tabs do not collide.
 */
import { type Clock, fromNow, MINUTE } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';

export const JOURNEY_IDLE_MINUTES = 10;

export type JourneyKind =
  | 'sign-in'
  | 'sign-up/ordre'
  | 'sign-up/request'
  | 'invitation'
  | 'phone'
  | 'totp'
  | 'email';

export interface Journey<State> {
  readonly kind: JourneyKind;
  readonly hash: Buffer;
  readonly state: State;
  readonly version: number;
}

interface Deps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** Another tab or a double click moved this journey on while the request was at work. */
export class JourneyMovedError extends Error {
  override name = 'JourneyMovedError';
}

export const journeyHash = (keyring: Keyring, kind: JourneyKind, id: string): Buffer =>
  keyring.lookupHash(`journey/${kind}`, id);

const browserHash = (keyring: Keyring, browser: string): Buffer =>
  keyring.lookupHash('journey/browser', browser);
const sealPlace = (hash: Buffer): string => `journeys/${hash.toString('hex')}`;
const expiry = (clock: Clock): Date => fromNow(clock, JOURNEY_IDLE_MINUTES * MINUTE);

/** Begins a journey, or begins it again when this browser had one under the same identifier. */
export async function startJourney<State>(
  db: Db,
  { keyring, clock }: Deps,
  { kind, id, browser, state }: { kind: JourneyKind; id: string; browser: string; state: State },
): Promise<Journey<State>> {
  const hash = journeyHash(keyring, kind, id);
  const [row] = await db('journeys')
    .insert({
      id_hash: hash,
      kind,
      browser_hash: browserHash(keyring, browser),
      state: keyring.seal(sealPlace(hash), JSON.stringify(state)),
      expires_at: expiry(clock),
    })
    .onConflict('id_hash')
    .merge({
      browser_hash: db.raw('excluded.browser_hash'),
      state: db.raw('excluded.state'),
      expires_at: db.raw('excluded.expires_at'),
      version: db.raw('journeys.version + 1'),
    })
    .returning('version');
  return { kind, hash, state, version: row.version };
}

/** @returns undefined when there is none, it expired, or another browser began it. */
export async function findJourney<State>(
  db: Db,
  { keyring, clock }: Deps,
  { kind, id, browser }: { kind: JourneyKind; id: string; browser: string | undefined },
): Promise<Journey<State> | undefined> {
  if (!browser) return undefined;
  const hash = journeyHash(keyring, kind, id);
  const row = await db('journeys')
    .where({ id_hash: hash, kind, browser_hash: browserHash(keyring, browser) })
    .where('expires_at', '>', clock.now())
    .first();
  if (!row) return undefined;
  return {
    kind,
    hash,
    state: JSON.parse(keyring.unseal(sealPlace(hash), row.state)) as State,
    version: row.version,
  };
}

/** Stores the next state. @throws {JourneyMovedError} when it is no longer at the version that was read. */
export async function moveJourney<State>(
  db: Db,
  { keyring, clock }: Deps,
  journey: Journey<State>,
  state: State,
): Promise<Journey<State>> {
  const moved = await db('journeys')
    .where({ id_hash: journey.hash, version: journey.version })
    .update({
      state: keyring.seal(sealPlace(journey.hash), JSON.stringify(state)),
      version: journey.version + 1,
      expires_at: expiry(clock),
    });
  if (moved !== 1) throw new JourneyMovedError(`journey ${journey.kind} moved`);
  return { ...journey, state, version: journey.version + 1 };
}

/** Erases a journey. @throws {JourneyMovedError} when another request ended or moved it first. */
export async function endJourney(db: Db, journey: Journey<unknown>): Promise<void> {
  const ended = await db('journeys').where({ id_hash: journey.hash, version: journey.version }).delete();
  if (ended !== 1) throw new JourneyMovedError(`journey ${journey.kind} moved`);
}

/** Erases what was left half-way, and codes that no longer serve. */
export async function sweepJourneys(db: Db, clock: Clock): Promise<void> {
  await db('journeys').where('expires_at', '<', clock.now()).delete();
  await db('one_time_codes')
    .where('expires_at', '<', fromNow(clock, -60 * MINUTE))
    .delete();
}
