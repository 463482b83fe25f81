/** Invented people: fictive RPPS numbers (99700…), phones of the ranges kept for fiction, addresses of example.test. */

/** Password of every demo account. */
export const DEMO_PASSWORD = 'demo-caducee-2026';

export interface DemoAccount {
  readonly email: string;
  readonly otherEmails?: readonly string[];
  readonly kind: 'professional' | 'secretary';
  readonly state: 'active' | 'pending';
  readonly rpps?: string;
  /** Of someone without an RPPS number: TRE_A00. */
  readonly professionCode?: string;
  readonly familyName: string;
  readonly givenName: string;
  readonly civiliteCode: string;
  /** Phone that is the second factor. */
  readonly smsFactor?: string;
  readonly administrator?: true;
}

export const DEMO_ACCOUNTS: readonly DemoAccount[] = [
  {
    email: 'admin@example.test',
    kind: 'professional',
    state: 'active',
    familyName: 'GESTION0090100',
    givenName: 'Andréa',
    civiliteCode: 'MME',
    smsFactor: '+33639980099',
    administrator: true,
  },
  {
    email: 'camille@example.test',
    otherEmails: ['camille.cabinet@example.test'],
    kind: 'professional',
    state: 'active',
    rpps: '99700900048',
    familyName: 'DOC0090004',
    givenName: 'Camille',
    civiliteCode: 'MME',
  },
  {
    email: 'sacha@example.test',
    kind: 'secretary',
    state: 'pending',
    professionCode: 'SECRETARIAT_MEDICAL',
    familyName: 'SECRETAIRE0090101',
    givenName: 'Sacha',
    civiliteCode: 'M',
  },
  {
    email: 'dominique@example.test',
    kind: 'professional',
    state: 'active',
    rpps: '99700900071',
    familyName: 'DOC0090007',
    givenName: 'Dominique',
    civiliteCode: 'M',
    smsFactor: '+33639980007',
  },
];

export interface DemoOrdinalEntry {
  readonly rpps: string;
  readonly familyName: string;
  readonly givenName: string;
  readonly civiliteCode: string;
  readonly birthdate: string;
  readonly phone?: string;
  readonly email?: string;
  readonly endedOn?: string;
}

export const DEMO_ORDINAL_REGISTER: readonly DemoOrdinalEntry[] = [
  {
    rpps: '99700900014',
    familyName: 'DOC0090001',
    givenName: 'Alix',
    civiliteCode: 'MME',
    birthdate: '1980-06-17',
    phone: '+33639980001',
    email: 'alix@example.test',
  },
  {
    rpps: '99700900022',
    familyName: 'DOC0090002',
    givenName: 'Frédérique',
    civiliteCode: 'MME',
    birthdate: '1984-02-29',
    phone: '+33639980002',
  },
  {
    rpps: '99700900030',
    familyName: 'D’ESSAI0090003',
    givenName: 'Claude',
    civiliteCode: 'M',
    birthdate: '1975-12-01',
    email: 'claude@example.test',
  },
  {
    rpps: '99700900048',
    familyName: 'DOC0090004',
    givenName: 'Camille',
    civiliteCode: 'MME',
    birthdate: '1979-06-17',
    phone: '+33639980004',
    email: 'camille@example.test',
  },
  {
    rpps: '99700900055',
    familyName: 'DOC0090005',
    givenName: 'Maxence',
    civiliteCode: 'M',
    birthdate: '1965-05-05',
  },
  {
    rpps: '99700900063',
    familyName: 'DOC0090006',
    givenName: 'Lou-Anne',
    civiliteCode: 'MME',
    birthdate: '1958-11-23',
    email: 'lou-anne@example.test',
    endedOn: '2025-06-30',
  },
  {
    rpps: '99700900071',
    familyName: 'DOC0090007',
    givenName: 'Dominique',
    civiliteCode: 'M',
    birthdate: '1971-03-09',
    phone: '+33639980007',
    email: 'dominique@example.test',
  },
];
