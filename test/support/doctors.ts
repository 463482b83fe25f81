/** Doctors of the register who have no account. */
import { isRpps } from '../../src/directories/rpps.ts';
import type { TestApp } from './app.ts';

export interface RegisteredDoctor {
  readonly rpps: string;
  /** As typed. */
  readonly birthdate: string;
  readonly phone: string;
  readonly email: string;
}

/** Puts a doctor with both contacts into the register; `rank`, below 1000, tells them apart. */
export async function registerDoctor(app: TestApp, rank: number): Promise<RegisteredDoctor> {
  const digits = String(rank).padStart(3, '0');
  const rpps = [...'0123456789'].map((key) => `9970092${digits}${key}`).find(isRpps) as string;
  const contacts = { phone: `+33639982${digits}`, email: `doc0092${digits}@example.test` };
  await app.database.knex('ordinal_register').insert({
    rpps,
    family_name: `DOC0092${digits}`,
    given_name: 'Noa',
    civilite_code: 'M',
    civilite_exercice_code: 'DR',
    profession_code: '10',
    birthdate: '1977-04-03',
    ...contacts,
  });
  return { rpps, birthdate: '03/04/1977', ...contacts };
}
