/** What both servers have in common: the application, the people, and the addresses that only the measures use. */
import { asApplication, DEMO_APPLICATIONS } from '../../seeds/demo/applications.ts';

const [demo] = DEMO_APPLICATIONS;
if (!demo) throw new Error('no demo application');

/** Registered, and never asked for anything: the measures read the redirect that leads there. */
export const APPLICATION = asApplication(demo, 'http://127.0.0.1:1');
export const CLIENT_ID = APPLICATION.clientId;
export const CLIENT_SECRET = demo.secret;
export const REDIRECT_URI = (APPLICATION.metadata.redirect_uris as string[])[0] as string;

export const PEOPLE = 64;
export const emailOf = (person: number): string => `person-${person}@example.test`;
export const PASSWORD = 'a password of the measures only';

/** Below the interaction's address, where its cookie is sent: signs the person in without a question. */
export const withoutQuestion = (interaction: string, person: number): string =>
  `${interaction}/sans-question?person=${person}`;
export const WITHOUT_QUESTION = /^\/connexion\/[\w-]+\/sans-question$/;
