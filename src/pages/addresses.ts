/** Addresses of our pages that other pages and mails point to. */
import { MAIL_PATHS } from '../messages/links.ts';

export const addresses = {
  home: '/',
  signIn: MAIL_PATHS.signIn,
  /** Signs in anew, although there is a session. */
  signInAgain: `${MAIL_PATHS.signIn}?prompt=login`,
  /** @param interaction the sign-in to go on with, if any. */
  signInTo: (interaction?: string): string => (interaction ? `/connexion/${interaction}` : '/connexion'),
  /** @param interaction the sign-in to come back to, if any. */
  signUp: (interaction?: string): string => `/inscription${interaction ? `?connexion=${interaction}` : ''}`,
  signUpOrdre: (interaction?: string): string =>
    `/inscription/ordre${interaction ? `?connexion=${interaction}` : ''}`,
  ordreJourney: (id: string): string => `/inscription/ordre/${id}`,
  passwordForgotten: '/mot-de-passe-oublie',
  identifierForgotten: '/identifiants-oublies',
  terms: '/conditions-generales',
  administration: '/administration',
  approvals: MAIL_PATHS.approvals,
  approval: MAIL_PATHS.approval,
} as const;
