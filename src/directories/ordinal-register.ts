/** The Order's register: read by the exact pair of RPPS number and birthdate, never searched. */
import type { Db } from '../lib/database.ts';

export interface OrdinalEntry {
  readonly rpps: string;
  readonly familyName: string;
  readonly givenName: string;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  /** TRE_R11. */
  readonly civiliteExerciceCode: string | undefined;
  /** TRE_G15. */
  readonly professionCode: string;
  readonly birthdate: string;
  /** Correspondence phone, E.164. */
  readonly phone: string | undefined;
  /** Correspondence e-mail address. */
  readonly email: string | undefined;
}

/** @param birthdate ISO date. @returns undefined for an unknown pair and for a doctor who left the register. */
export async function findOrdinalEntry(
  db: Db,
  rpps: string,
  birthdate: string,
  today: Date,
): Promise<OrdinalEntry | undefined> {
  const row = await db('ordinal_register').where({ rpps, birthdate }).first();
  if (!row || (row.ended_on && new Date(row.ended_on) <= today)) return undefined;
  return {
    rpps: row.rpps,
    familyName: row.family_name,
    givenName: row.given_name,
    civiliteCode: row.civilite_code ?? undefined,
    civiliteExerciceCode: row.civilite_exercice_code ?? undefined,
    professionCode: row.profession_code,
    birthdate: row.birthdate,
    phone: row.phone ?? undefined,
    email: row.email ?? undefined,
  };
}

/** What may be shown of a doctor to an administrator: neither birthdate nor contacts. */
export interface OrdinalIdentity {
  readonly rpps: string;
  readonly familyName: string;
  readonly givenName: string;
  /** TRE_R81. */
  readonly civiliteCode: string | undefined;
  /** TRE_G15. */
  readonly professionCode: string;
  /** ISO date of leaving the register. */
  readonly endedOn: string | undefined;
}

/** Those who left the register are found too. */
export async function findOrdinalIdentity(db: Db, rpps: string): Promise<OrdinalIdentity | undefined> {
  const row = await db('ordinal_register')
    .where({ rpps })
    .first('family_name', 'given_name', 'civilite_code', 'profession_code', 'ended_on');
  return (
    row && {
      rpps,
      familyName: row.family_name,
      givenName: row.given_name,
      civiliteCode: row.civilite_code ?? undefined,
      professionCode: row.profession_code,
      endedOn: row.ended_on ?? undefined,
    }
  );
}
