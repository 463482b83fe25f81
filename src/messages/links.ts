/** Addresses that mails lead to, after the issuer. */
export const MAIL_PATHS = {
  signIn: '/connexion',
  signUp: '/inscription',
  approvals: '/administration/demandes',
  approval: (id: string): string => `/administration/demandes/${id}`,
} as const;
