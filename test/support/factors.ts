/** Second factors set up straight in the database, for tests of what they open. */
import { findPrincipal, type Principal } from '../../src/accounts/principals.ts';
import { registerPasskey, registrationOptions } from '../../src/factors/passkeys.ts';
import { createRecoveryCodes } from '../../src/factors/recovery-codes.ts';
import { createTotpSeed, saveTotp } from '../../src/factors/totp.ts';
import type { TestApp } from './app.ts';
import type { Authenticator } from './authenticator.ts';

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

async function principalOf(app: TestApp, email: string): Promise<Principal> {
  const principal = await findPrincipal(app.deps.knex, await accountOf(app, email), undefined);
  if (!principal) throw new Error(`nobody is ${email}`);
  return principal;
}

/** @returns ten new recovery codes of this account. */
export const addRecoveryCodes = async (app: TestApp, email: string): Promise<string[]> =>
  createRecoveryCodes(app.deps.knex, app.deps, await principalOf(app, email));

/** An authenticator application for this account, no code of which was used. @returns its seed. */
export async function addTotp(app: TestApp, email: string): Promise<string> {
  const { deps } = app;
  const principal = await principalOf(app, email);
  const seed = createTotpSeed();
  await saveTotp(deps.knex, deps, principal, { seed, step: 0 });
  return seed;
}

/** The passkey of this authenticator for this account, registered by the rules and no page. */
export async function registerAuthenticator(
  app: TestApp,
  email: string,
  authenticator: Authenticator,
): Promise<void> {
  const { deps } = app;
  const principal = await principalOf(app, email);
  const ceremony = { purpose: 'registration', subject: principal.id, browser: 'a test' } as const;
  const options = await registrationOptions(deps.knex, deps, principal, ceremony);
  const json = authenticator.create(options);
  if (!(await registerPasskey(deps.knex, deps, principal, { json, name: 'Clé', ceremony })))
    throw new Error('the passkey was refused');
}
