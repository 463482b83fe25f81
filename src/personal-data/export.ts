/**
 * All that is held about one person, for them to read (GDPR article 15): the person of an account, or one member of a shared
 * one, who gets the account's common data and their own, never a colleague's. Columns are named one by one: what opens an
 * account (hashes, sealed secrets, public keys, codes, tokens) is in none of them. Left out are what an administrator noted
 * for colleagues, and where somebody else was when they acted.
 */
import type { Principal } from '../accounts/principals.ts';
import type { Deps } from '../deps.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { labelOf } from '../nomenclatures/nomenclatures.ts';
import { listGrantedApplications } from '../openid/granted-applications.ts';
import { listAccountWorkplaces } from '../workplaces/account-workplaces.ts';
import { journalOf } from './journal-entries.ts';

/** Plain data; dates are instants in ISO 8601. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
export type Item = { readonly [key: string]: Value };

/** By section, in the order of the page; a section is a list, also where there is one item at most. */
export type PersonalData = Readonly<Record<Section, readonly Item[]>>;

export const SECTIONS = [
  'account',
  'member',
  'roles',
  'emails',
  'phones',
  'declaredPhones',
  'workplaces',
  'passkeys',
  'totp',
  'recoveryCodes',
  'trustedDevices',
  'knownDevices',
  'sessions',
  'applicationLinks',
  'grants',
  'approvals',
  'invitationsSent',
  'responsibleFor',
  'journal',
] as const;
export type Section = (typeof SECTIONS)[number];

type Sources = Pick<Deps, 'clock' | 'keyring'> & { readonly clock: Clock; readonly keyring: Keyring };

// biome-ignore lint/suspicious/noExplicitAny: a value of a column
const plain = (value: any): Value => (value instanceof Date ? value.toISOString() : (value ?? null));

/** @param columns name in the export → column. */
function pick(row: object, columns: Readonly<Record<string, string>>): Item {
  const values = row as Record<string, unknown>;
  return Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, plain(values[column])]));
}

const ACCOUNT = {
  id: 'id',
  kind: 'kind',
  state: 'state',
  title: 'title',
  givenName: 'given_name',
  familyName: 'family_name',
  civilite: 'civilite_code',
  civiliteExercice: 'civilite_exercice_code',
  rpps: 'rpps',
  profession: 'profession_code',
  responsibleRpps: 'responsible_rpps',
  identityProof: 'identity_proof',
  preferredFactor: 'preferred_factor',
  refusesEmailCode: 'refuses_email_code',
  termsVersion: 'terms_version',
  termsAcceptedAt: 'terms_accepted_at',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
};
const MEMBER = {
  id: 'id',
  givenName: 'given_name',
  familyName: 'family_name',
  civilite: 'civilite_code',
  preferredFactor: 'preferred_factor',
  refusesEmailCode: 'refuses_email_code',
  termsVersion: 'terms_version',
  termsAcceptedAt: 'terms_accepted_at',
  createdAt: 'created_at',
};
const EMAIL = {
  address: 'address',
  verifiedAt: 'verified_at',
  signsIn: 'is_sign_in',
  receivesNotifications: 'is_notification',
};
const PHONE = { number: 'number', verifiedAt: 'verified_at', isSecondFactor: 'is_second_factor' };
const PASSKEY = {
  name: 'name',
  isBackedUp: 'is_backed_up',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
};
const SESSION = {
  device: 'device_name',
  address: 'source',
  acr: 'acr',
  amr: 'amr',
  signedInAt: 'signed_in_at',
  lastSeenAt: 'last_seen_at',
};
const INVITATION = {
  address: 'address',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  revokedAt: 'revoked_at',
  acceptedAt: 'accepted_at',
};
const APPROVAL = {
  id: 'id',
  kind: 'kind',
  createdAt: 'created_at',
  decidedAt: 'decided_at',
  decision: 'decision',
  reason: 'reason',
  proposed: 'proposed',
};

/** Codes beside what they mean. */
const withLabels = (item: Item): Item => ({
  ...item,
  ...(item.profession && {
    professionLabel:
      labelOf('professions', String(item.profession)) ??
      labelOf('profilsNonPs', String(item.profession)) ??
      null,
  }),
});

/** @param holder an account's rows that are not of a member, or those of this member. */
const SECTION_READERS: Readonly<
  Record<Section, (db: Db, principal: Principal, deps: Sources) => Promise<readonly Item[]>>
> = {
  async account(db, { account }) {
    const rows = await db('accounts').where({ id: account.id }).select(Object.values(ACCOUNT));
    return rows.map((row) => withLabels(pick(row, ACCOUNT)));
  },
  async member(db, { account, member }) {
    if (!member) return [];
    const rows = await db('account_members')
      .where({ id: member.id, account_id: account.id })
      .select(Object.values(MEMBER));
    return rows.map((row) => pick(row, MEMBER));
  },
  async roles(db, { account }) {
    return db('account_roles').where({ account_id: account.id }).select('role');
  },
  async emails(db, principal) {
    const rows = await ownContacts(db, 'email_addresses', principal).select(Object.values(EMAIL));
    return rows.map((row: object) => pick(row, EMAIL));
  },
  async phones(db, principal) {
    const rows = await ownContacts(db, 'phone_numbers', principal).select(Object.values(PHONE));
    return rows.map((row: object) => pick(row, PHONE));
  },
  async declaredPhones(db, { account, member }) {
    if (member) return [];
    return db('declared_phone_numbers').where({ account_id: account.id }).orderBy('number').select('number');
  },
  async workplaces(db, { account }) {
    const places = await listAccountWorkplaces(db, account.id);
    return places.map(({ workplace, gone, centre }) => ({
      name: workplace.name,
      street: workplace.address ?? null,
      postalCode: workplace.postalCode ?? null,
      town: workplace.town ?? null,
      finess: workplace.finess ?? null,
      gone,
      centre: centre?.name ?? null,
    }));
  },
  passkeys: (db, principal) => held(db, 'passkeys', principal, PASSKEY),
  totp: (db, principal) =>
    held(db, 'totp_credentials', principal, { createdAt: 'created_at', lastUsedAt: 'last_used_at' }),
  recoveryCodes: (db, principal) =>
    held(db, 'recovery_codes', principal, { createdAt: 'created_at', usedAt: 'used_at' }),
  trustedDevices: (db, principal) =>
    held(db, 'trusted_devices', principal, {
      name: 'name',
      createdAt: 'created_at',
      lastUsedAt: 'last_used_at',
      expiresAt: 'expires_at',
    }),
  async knownDevices(db, { id }) {
    const columns = { createdAt: 'created_at', lastUsedAt: 'last_used_at', expiresAt: 'expires_at' };
    const rows = await db('known_devices')
      .where({ principal_id: id })
      .orderBy('created_at')
      .select(Object.values(columns));
    return rows.map((row) => pick(row, columns));
  },
  async sessions(db, { id }) {
    const rows = await db('browser_sessions')
      .where({ holder_id: id })
      .orderBy('signed_in_at')
      .select(Object.values(SESSION));
    return rows.map((row) => pick(row, SESSION));
  },
  async applicationLinks(db, { account, member }) {
    return db('application_emails as link')
      .join('email_addresses as email', 'email.id', 'link.email_id')
      .join('applications', 'applications.client_id', 'link.client_id')
      .where({ 'link.account_id': account.id, 'email.member_id': member?.id ?? null })
      .orderBy('applications.name')
      .select('applications.name as application', 'email.address as email');
  },
  async grants(db, { account, member }, { keyring }) {
    const who = { accountId: account.id, memberId: member?.id };
    const grants = await listGrantedApplications(db, keyring, who);
    return grants.map(({ name, scopes, since, lastUsedAt }) => ({
      application: name,
      scopes,
      since: since.toISOString(),
      lastUsedAt: lastUsedAt.toISOString(),
    }));
  },
  async approvals(db, { account, member }) {
    const rows = await db('approvals')
      .where({ account_id: account.id })
      .orderBy('created_at')
      .select(Object.values(APPROVAL));
    // What was declared at the sign-up of a shared account tells of colleagues.
    return rows
      .map((row) => pick(row, APPROVAL))
      .map((item) => (member ? { ...item, proposed: null } : item));
  },
  async invitationsSent(db, { member }) {
    if (!member) return [];
    const rows = await db('member_invitations')
      .where({ invited_by: member.id })
      .orderBy('created_at')
      .select(Object.values(INVITATION));
    return rows.map((row) => pick(row, INVITATION));
  },
  async responsibleFor(db, { account, member }) {
    if (member) return [];
    return db('accounts').where({ responsible_account_id: account.id }).orderBy('title').select('title');
  },
  journal: (db, principal) => journalOf(db, principal),
};

const ownContacts = (db: Db, table: 'email_addresses' | 'phone_numbers', { account, member }: Principal) =>
  db(table)
    .where({ account_id: account.id, member_id: member?.id ?? null })
    .orderBy('verified_at');

async function held(
  db: Db,
  table: string,
  { id }: Principal,
  columns: Readonly<Record<string, string>>,
): Promise<Item[]> {
  const rows = await db(table).where({ holder_id: id }).orderBy('created_at').select(Object.values(columns));
  return rows.map((row) => pick(row, columns));
}

/** Reads only. */
export async function exportPersonalData(db: Db, deps: Sources, principal: Principal): Promise<PersonalData> {
  // One after the other: one connection is enough for one person.
  const sections: [Section, readonly Item[]][] = [];
  for (const section of SECTIONS)
    sections.push([section, await SECTION_READERS[section](db, principal, deps)]);
  return Object.fromEntries(sections) as unknown as PersonalData;
}
