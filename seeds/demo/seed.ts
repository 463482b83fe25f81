/** Puts the demo's invented register, accounts and applications into a database; a second run changes nothing. */
import { createAccount } from '../../src/accounts/accounts.ts';
import { parseEmailAddress } from '../../src/accounts/contacts.ts';
import { TERMS } from '../../src/accounts/terms.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { setEmailLink } from '../../src/applications/email-links.ts';
import { openApproval } from '../../src/approvals/approvals.ts';
import { record } from '../../src/audit/journal.ts';
import type { Deps } from '../../src/deps.ts';
import type { Db } from '../../src/lib/database.ts';
import { asApplication, DEMO_APPLICATIONS } from './applications.ts';
import { DEMO_ACCOUNTS, DEMO_ORDINAL_REGISTER, DEMO_PASSWORD, type DemoAccount } from './people.ts';
import { seedCentres } from './workplaces.ts';

type SeedDeps = Pick<Deps, 'settings' | 'knex' | 'clock' | 'hasher'>;

function emailOf(address: string) {
  const parsed = parseEmailAddress(address);
  if (!parsed.ok) throw new Error(`unusable demo address: ${address}`);
  return parsed.value;
}

async function seedAccount(
  db: Db,
  { clock }: SeedDeps,
  account: DemoAccount,
  passwordHash: string,
): Promise<void> {
  const [email, ...others] = [account.email, ...(account.otherEmails ?? [])].map(emailOf);
  if (!email || (await db('email_addresses').where({ canonical: email.canonical }).first())) return;
  const id = await createAccount(db, clock, {
    kind: account.kind,
    state: account.state,
    rpps: account.rpps,
    professionCode: account.rpps ? '10' : account.professionCode,
    civiliteCode: account.civiliteCode,
    civiliteExerciceCode: account.rpps ? 'DR' : undefined,
    familyName: account.familyName,
    givenName: account.givenName,
    identityProof: account.rpps ? 'ordinal-register' : 'declared',
    passwordHash,
    termsVersion: TERMS.version,
    emails: [email, ...others],
    phones: account.smsFactor ? [account.smsFactor] : [],
  });
  if (account.smsFactor) await db('accounts').where({ id }).update({ preferred_factor: 'sms' });
  if (account.administrator) await db('account_roles').insert({ account_id: id, role: 'administrator' });
  await record(db, clock, {
    event: 'account.created',
    outcome: 'success',
    subject: id,
    details: { proof: 'demo', terms: TERMS.version },
  });
  if (account.email === 'camille@example.test') {
    const first = await db('email_addresses').where({ canonical: email.canonical }).first('id');
    await setEmailLink(
      db,
      { clock },
      { accountId: id, clientId: 'messagerie', emailId: first.id, actor: id },
    );
  }
}

/**
 * Whoever waits is in the queue of the administrators, who are not told: it is there from the start. Call it once the
 * workplaces are there, for a request says what the account said on that day.
 */
export async function seedApprovals(deps: Pick<Deps, 'knex' | 'clock'>): Promise<void> {
  const { knex: db, clock } = deps;
  const waiting = await db('accounts')
    .where({ state: 'pending' })
    .whereNotExists(db('approvals').whereRaw('account_id = accounts.id').select(db.raw('1')))
    .pluck('id');
  for (const accountId of waiting) {
    const id = await openApproval(db, deps, { accountId, kind: 'sign-up' });
    await db('approvals').where({ id }).update({ announced_at: clock.now() });
  }
}

async function seedRegister(db: Db): Promise<void> {
  await db('ordinal_register')
    .insert(
      DEMO_ORDINAL_REGISTER.map((entry) => ({
        rpps: entry.rpps,
        family_name: entry.familyName,
        given_name: entry.givenName,
        civilite_code: entry.civiliteCode,
        civilite_exercice_code: 'DR',
        profession_code: '10',
        birthdate: entry.birthdate,
        phone: entry.phone,
        email: entry.email,
        ended_on: entry.endedOn,
      })),
    )
    .onConflict('rpps')
    .ignore();
}

/**
 * @param applicationUrl where each demo application runs, without trailing slash.
 * @throws in production.
 */
export async function seedDemo(
  deps: SeedDeps,
  applicationUrl: (application: { clientId: string; portOffset: number }) => string,
): Promise<void> {
  const { settings, knex, clock, hasher } = deps;
  if (settings.NODE_ENV === 'production')
    throw new Error('demo people and secrets have no place in production');
  const passwordHash = await hasher.hash(DEMO_PASSWORD);
  await knex.transaction(async (trx) => {
    for (const demo of DEMO_APPLICATIONS) {
      await saveApplication(trx, clock, asApplication(demo, applicationUrl(demo)), demo.secret);
    }
    await seedRegister(trx);
    await seedCentres(trx, clock);
    for (const account of DEMO_ACCOUNTS) await seedAccount(trx, deps, account, passwordHash);
  });
}

/** Empties the counters, so that yesterday's demo does not slow today's. */
export const resetDemoCounters = (db: Db): Promise<number> => db('throttle_counters').delete();

export { seedDirectory } from './workplaces.ts';
