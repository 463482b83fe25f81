/** Addresses of our pages that other pages and mails point to. */
const from = (path: string, interaction: string | undefined): string =>
  interaction ? `${path}?connexion=${interaction}` : path;

const REQUEST_PATHS = { doctor: '/inscription/medecin', secretary: '/inscription/secretariat' } as const;

export const addresses = {
  home: '/',
  signIn: '/connexion',
  /** @param interaction the sign-in to go on with, if any. */
  signInTo: (interaction?: string): string => (interaction ? `/connexion/${interaction}` : '/connexion'),
  /** @param interaction the sign-in to come back to, if any. */
  signUp: (interaction?: string): string => from('/inscription', interaction),
  signUpOrdre: (interaction?: string): string => from('/inscription/ordre', interaction),
  signUpRequest: (kind: keyof typeof REQUEST_PATHS, interaction?: string): string =>
    from(REQUEST_PATHS[kind], interaction),
  requestJourney: (kind: keyof typeof REQUEST_PATHS, id: string): string => `${REQUEST_PATHS[kind]}/${id}`,
  ordreJourney: (id: string): string => `/inscription/ordre/${id}`,
  passwordForgotten: '/mot-de-passe-oublie',
  identifierForgotten: '/identifiants-oublies',
  terms: '/conditions-generales',
} as const;
