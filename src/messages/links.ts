/** Addresses that mails lead to, after the issuer. */
export const MAIL_PATHS = {
  signIn: '/connexion',
  signUp: '/inscription',
  passwordForgotten: '/mot-de-passe-oublie',
  myAccount: '/mon-compte',
  approvals: '/administration/demandes',
  approval: (id: string): string => `/administration/demandes/${id}`,
} as const;
