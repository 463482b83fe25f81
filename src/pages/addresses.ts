/** Addresses of our pages that other pages and mails point to. */
export const addresses = {
  home: '/',
  signIn: '/connexion',
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
} as const;
