/** Signing keys: made at first start, sealed in the database, the same for every node. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { record } from '../audit/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';

/** ES256 first: it signs twelve times faster; RS256 for the relying parties that ask for nothing else. */
const ALGORITHMS = ['ES256', 'RS256'] as const;

interface Deps {
  readonly knex: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
}

const sealPlace = (kid: string): string => `signing_keys/${kid}`;

async function createSigningKey(db: Db, { clock, keyring }: Deps, alg: string): Promise<void> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  await db('signing_keys').insert({
    kid,
    alg,
    private_jwk: keyring.seal(sealPlace(kid), JSON.stringify({ ...jwk, kid, alg, use: 'sig' })),
    created_at: clock.now(),
  });
  await record(db, clock, { event: 'signing-key.created', outcome: 'success', details: { kid, alg } });
}

/** @returns private keys (RFC 7517) with kid, alg and use; missing ones are made, once however many nodes start. */
export async function loadSigningKeys(deps: Deps): Promise<JWK[]> {
  const { knex, keyring } = deps;
  return knex.transaction(async (trx) => {
    await trx.raw(`SELECT pg_advisory_xact_lock(hashtext('caducee/signing-keys'))`);
    const present = await trx('signing_keys').distinct('alg').pluck('alg');
    for (const alg of ALGORITHMS) if (!present.includes(alg)) await createSigningKey(trx, deps, alg);
    const rows = await trx('signing_keys').orderBy([
      { column: 'alg' },
      { column: 'created_at', order: 'desc' },
    ]);
    return rows.map((row) => JSON.parse(keyring.unseal(sealPlace(row.kid), row.private_jwk)) as JWK);
  });
}
