/** Second factors set up straight in the database, for tests of what they open. */
import { findPrincipal } from '../../src/accounts/principals.ts';
import { createTotpSeed, saveTotp } from '../../src/factors/totp.ts';
import type { TestApp } from './app.ts';

const TABLES = [
  'totp_credentials',
  'passkeys',
  'recovery_codes',
  'trusted_devices',
  'known_devices',
  'throttle_counters',
];

/** Forgets every factor and every count, so that each test starts from nothing. */
export async function forgetFactors({ deps }: TestApp): Promise<void> {
  for (const table of TABLES) await deps.knex(table).delete();
  await deps.knex('accounts').update({ preferred_factor: null, refuses_email_code: false });
}

/** @returns the account of this address. */
export async function accountOf({ deps }: TestApp, email: string): Promise<string> {
  const row = await deps.knex('email_addresses').where({ canonical: email }).first('account_id');
  return row.account_id;
}

/** An authenticator application for this account, no code of which was used. @returns its seed. */
export async function addTotp(app: TestApp, email: string): Promise<string> {
  const { deps } = app;
  const principal = await findPrincipal(deps.knex, await accountOf(app, email), undefined);
  if (!principal) throw new Error(`nobody is ${email}`);
  const seed = createTotpSeed();
  await saveTotp(deps.knex, deps, principal, { seed, step: 0 });
  return seed;
}
