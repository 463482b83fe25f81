/** What an administrator is shown beside a request: the registers, the key of the RPPS number, and look-alike accounts. */
import type { AccountState, NewAccount } from '../accounts/accounts.ts';
import { findDirectoryPerson } from '../directories/national-directory.ts';
import { findOrdinalIdentity } from '../directories/ordinal-register.ts';
import { isRpps } from '../directories/rpps.ts';
import type { Db } from '../lib/database.ts';
import { closestTo, compareIdentity, type Identity, type IdentityField, type Verdict } from './compare.ts';
import { type Declared, displayNameOf } from './declared.ts';

export type RegisterName = 'ordinal' | 'directory';

/** A person as a register knows them. */
export interface RegisterPerson {
  readonly identity: Identity;
  /** ISO date of leaving the register. */
  readonly endedOn: string | undefined;
}

/** One register's say; `not-asked` without a number that can be looked up, `empty` before its first import. */
export interface RegisterEvidence {
  readonly register: RegisterName;
  readonly answer: 'found' | 'unknown' | 'empty' | 'not-asked';
  readonly person: RegisterPerson | undefined;
  readonly verdicts: Readonly<Record<IdentityField, Verdict>>;
}

/** Why another account may be the same person's. */
export type Likeness = 'rpps' | 'email' | 'name';

export interface LookAlike {
  readonly accountId: string;
  readonly displayName: string;
  readonly kind: NewAccount['kind'];
  readonly state: AccountState;
  readonly rpps: string | undefined;
  readonly likenesses: readonly Likeness[];
}

export interface Evidence {
  readonly declared: Identity;
  readonly rppsKey: 'right' | 'wrong' | 'absent';
  readonly registers: readonly RegisterEvidence[];
  readonly lookAlikes: readonly LookAlike[];
}

const MAX_LOOK_ALIKES = 20;

interface Register {
  readonly table: string;
  /** Several for who has several professions. */
  find(db: Db, rpps: string): Promise<RegisterPerson[]>;
}

const REGISTERS: Readonly<Record<RegisterName, Register>> = {
  ordinal: {
    table: 'ordinal_register',
    async find(db, rpps) {
      const found = await findOrdinalIdentity(db, rpps);
      return found ? [{ identity: asIdentity(found), endedOn: found.endedOn }] : [];
    },
  },
  directory: {
    table: 'directory_people',
    async find(db, rpps) {
      // National identifier (IDNPS): 8, then the RPPS number.
      const found = await findDirectoryPerson(db, `8${rpps}`);
      const { civiliteCode } = found ?? {};
      return (found?.exercises ?? []).map(({ professionCode, familyName, givenName }) => ({
        identity: asIdentity({ rpps, professionCode, civiliteCode, familyName, givenName }),
        endedOn: undefined,
      }));
    },
  },
};

async function ask(
  db: Db,
  register: RegisterName,
  declared: Identity,
  rpps: string | undefined,
): Promise<RegisterEvidence> {
  const { table, find } = REGISTERS[register];
  const person = rpps ? closestTo(declared, await find(db, rpps)) : undefined;
  const verdicts = compareIdentity(declared, person?.identity);
  if (person) return { register, answer: 'found', person, verdicts };
  if (!rpps) return { register, answer: 'not-asked', person, verdicts };
  const isEmpty = (await db(table).first(db.raw('1'))) === undefined;
  return { register, answer: isEmpty ? 'empty' : 'unknown', person, verdicts };
}

const asIdentity = ({
  rpps,
  professionCode: profession,
  civiliteCode: civilite,
  familyName,
  givenName,
}: Pick<Declared, 'rpps' | 'professionCode' | 'civiliteCode' | 'familyName' | 'givenName'>): Identity => ({
  rpps,
  profession,
  civilite,
  familyName,
  givenName,
});

// Three look-ups that each have an index, instead of one condition that has none.
const FIND_LOOK_ALIKES = `
  WITH alike AS (
    SELECT id, 'rpps' AS likeness FROM accounts WHERE rpps = :rpps
    UNION
    SELECT theirs.account_id, 'email' FROM email_addresses ours JOIN email_addresses theirs USING (canonical)
    WHERE ours.account_id = :accountId
    UNION
    SELECT id, 'name' FROM accounts
    WHERE folded_name(family_name) = folded_name(:familyName) AND folded_name(given_name) = folded_name(:givenName)
  )
  SELECT a.id, a.kind, a.state, a.rpps, a.title, a.family_name, a.given_name, array_agg(likeness) AS likenesses
  FROM alike JOIN accounts a USING (id)
  WHERE a.id <> :accountId
  GROUP BY a.id ORDER BY a.created_at, a.id LIMIT ${MAX_LOOK_ALIKES}`;

async function findLookAlikes(db: Db, accountId: string, declared: Declared): Promise<LookAlike[]> {
  const { rpps = null, familyName, givenName } = declared;
  const { rows } = await db.raw(FIND_LOOK_ALIKES, { accountId, rpps, familyName, givenName });
  // biome-ignore lint/suspicious/noExplicitAny: a row of the query above
  return rows.map((row: any) => ({
    accountId: row.id,
    displayName: row.title ?? displayNameOf({ givenName: row.given_name, familyName: row.family_name }),
    kind: row.kind,
    state: row.state,
    rpps: row.rpps ?? undefined,
    likenesses: (['rpps', 'email', 'name'] as const).filter((one) => row.likenesses.includes(one)),
  }));
}

/** Reads only; two calls on unchanged data give the same answer. */
export async function evidenceOf(db: Db, accountId: string, declared: Declared): Promise<Evidence> {
  const identity = asIdentity(declared);
  const rpps = declared.rpps && isRpps(declared.rpps) ? declared.rpps : undefined;
  const registers = [await ask(db, 'ordinal', identity, rpps), await ask(db, 'directory', identity, rpps)];
  return {
    declared: identity,
    rppsKey: declared.rpps === undefined ? 'absent' : rpps ? 'right' : 'wrong',
    registers,
    lookAlikes: await findLookAlikes(db, accountId, declared),
  };
}
