/** The registry of relying parties. A client secret is made here, shown once and kept as a digest. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { AccessRules } from './access.ts';

export type TileWhenRefused = 'hidden' | 'explained';

export interface Application {
  readonly clientId: string;
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** Name of a lucide icon. */
  readonly icon: string;
  readonly firstParty: boolean;
  readonly onPortal: boolean;
  /** Where its tile leads, unless it has an `initiateLoginUri`. */
  readonly startUrl: string | undefined;
  /** Where a sign-in that begins at the portal is asked for (OpenID Connect Core §4). */
  readonly initiateLoginUri?: string | undefined;
  /** Who may enter; everybody when absent. */
  readonly access?: AccessRules | undefined;
  /** What the portal shows to who may not enter: nothing when absent. */
  readonly tileWhenRefused?: TileWhenRefused | undefined;
  /** Client metadata (OpenID Connect Dynamic Registration §2) without secret. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Least authentication context class (openid/assurance.ts) at which it lets anybody in. */
  readonly minimumAcr?: string | undefined;
}

// A secret has at least 256 random bits: a plain digest cannot be searched.
const digest = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export function secretMatches(secret: string, secretHash: string): boolean {
  const [given, kept] = [Buffer.from(digest(secret)), Buffer.from(secretHash)];
  return given.length === kept.length && timingSafeEqual(given, kept);
}

export async function saveApplication(
  db: Db,
  clock: Clock,
  application: Application,
  secret: string | undefined,
): Promise<void> {
  const { clientId, name, description, icon, firstParty, onPortal, startUrl, metadata } = application;
  const { initiateLoginUri, access, tileWhenRefused = 'hidden', minimumAcr } = application;
  const now = clock.now();
  const row = {
    client_id: clientId,
    name,
    description,
    icon,
    first_party: firstParty,
    on_portal: onPortal,
    start_url: startUrl ?? null,
    initiate_login_uri: initiateLoginUri ?? null,
    allowed_professions: access?.professions ?? null,
    allowed_kinds: access?.kinds ?? null,
    tile_when_refused: tileWhenRefused,
    metadata: JSON.stringify(metadata),
    minimum_acr: minimumAcr ?? null,
    secret_hash: secret ? digest(secret) : null,
    updated_at: now,
  };
  await db('applications')
    .insert({ ...row, created_at: now })
    .onConflict('client_id')
    .merge(row);
}

const FIND_METADATA = {
  name: 'applications-find-metadata',
  text: `SELECT client_id, name, icon, first_party, minimum_acr, metadata, secret_hash
         FROM applications WHERE client_id = $1`,
};

/** RFC 6749 §A.1; PostgreSQL refuses a NUL character, and anybody may send one. */
const CLIENT_ID = /^[\x20-\x7e]+$/;

/** What the engine reads; `client_secret` is the digest, which {@link secretMatches} compares. */
export async function findClientMetadata(
  pool: pg.Pool,
  clientId: string,
): Promise<Record<string, unknown> | undefined> {
  if (!CLIENT_ID.test(clientId)) return undefined;
  const { rows } = await pool.query({ ...FIND_METADATA, values: [clientId] });
  const row = rows[0];
  return (
    row && {
      ...row.metadata,
      // Without `sid`, the end of one session would be the end of all that the person has in the application.
      ...(row.metadata.backchannel_logout_uri ? { backchannel_logout_session_required: true } : {}),
      client_id: row.client_id,
      client_name: row.name,
      icon: row.icon,
      first_party: row.first_party,
      ...(row.minimum_acr ? { minimum_acr: row.minimum_acr } : {}),
      ...(row.secret_hash ? { client_secret: row.secret_hash } : {}),
    }
  );
}

/** @returns names by client_id; without those that are not registered. */
export async function listApplicationNames(
  db: Db,
  clientIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db('applications')
    .whereIn('client_id', [...new Set(clientIds)])
    .select('client_id', 'name');
  return new Map(rows.map((row) => [row.client_id, row.name]));
}
