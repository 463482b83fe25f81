/** Addresses of our pages that other pages and mails point to. */
import { MAIL_PATHS } from '../messages/links.ts';

const from = (path: string, interaction: string | undefined): string =>
  interaction ? `${path}?connexion=${interaction}` : path;

const REQUEST_PATHS = { doctor: '/inscription/medecin', secretary: '/inscription/secretariat' } as const;

export const addresses = {
  home: '/',
  /** Where a tile leads whose application has no address of the person yet. */
  openApplication: (clientId: string): string => `/ouvrir/${encodeURIComponent(clientId)}`,
  signIn: MAIL_PATHS.signIn,
  /** @param interaction the sign-in to go on with, if any. */
  signInTo: (interaction?: string): string => (interaction ? `/connexion/${interaction}` : '/connexion'),
  /** @param interaction the sign-in to come back to, if any. */
  signUp: (interaction?: string): string => from('/inscription', interaction),
  signUpOrdre: (interaction?: string): string => from('/inscription/ordre', interaction),
  signUpRequest: (kind: keyof typeof REQUEST_PATHS, interaction?: string): string =>
    from(REQUEST_PATHS[kind], interaction),
  /** The first form again, as the journey `id` keeps it. */
  signUpRequestAgain: (kind: keyof typeof REQUEST_PATHS, id: string, interaction?: string): string => {
    const query = new URLSearchParams({ ...(interaction && { connexion: interaction }), reprise: id });
    return `${REQUEST_PATHS[kind]}?${query}`;
  },
  requestJourney: (kind: keyof typeof REQUEST_PATHS, id: string): string => `${REQUEST_PATHS[kind]}/${id}`,
  ordreJourney: (id: string): string => `/inscription/ordre/${id}`,
  /** Page of a link that proves an address. */
  confirmAddress: (token: string): string => `/confirmer-mon-adresse/${token}`,
  members: '/secretaires',
  /** Page of a link that invites to a shared account. */
  invitation: (token: string): string => `/invitation/${token}`,
  invitationJourney: (id: string): string => `/invitation/acceptee/${id}`,
  passwordForgotten: MAIL_PATHS.passwordForgotten,
  identifierForgotten: '/identifiants-oublies',
  myAccount: '/mon-compte',
  contacts: '/mon-compte/coordonnees',
  emailAddition: '/mon-compte/coordonnees/emails/ajouter',
  emailJourney: (id: string): string => `/mon-compte/coordonnees/emails/verifier/${id}`,
  emailUses: (id: string): string => `/mon-compte/coordonnees/emails/${id}`,
  emailRemoval: (id: string): string => `/mon-compte/coordonnees/emails/${id}/retirer`,
  settings: '/mon-compte/parametres',
  signInEmail: '/mon-compte/parametres/adresse-de-connexion',
  sessions: '/mon-compte/sessions',
  otherSessionsEnd: '/mon-compte/sessions/fermer-les-autres',
  sessionEnd: (id: string): string => `/mon-compte/sessions/${id}/fermer`,
  grantedApplications: '/mon-compte/applications',
  applicationRevocation: (clientId: string): string =>
    `/mon-compte/applications/${encodeURIComponent(clientId)}/retirer`,
  activity: '/mon-compte/activite',
  profileEdition: '/mon-compte?edition=1',
  /** @param id of the request. */
  profileWithdrawal: (id: string): string => `/mon-compte/demandes/${id}/annuler`,
  workplaces: '/mon-compte/lieux',
  workplaceSearch: '/mon-compte/lieux/recherche',
  workplaceCentres: '/mon-compte/lieux/laboratoires',
  personalData: '/mon-compte/donnees',
  personalDataDownload: '/mon-compte/donnees/telecharger',
  closing: '/mon-compte/fermeture',
  strongAuthentication: '/mon-compte/authentification-forte',
  totp: '/mon-compte/authentification-forte/application',
  totpJourney: (id: string): string => `/mon-compte/authentification-forte/application/activer/${id}`,
  totpRemoval: '/mon-compte/authentification-forte/application/retirer',
  passkeys: '/mon-compte/authentification-forte/cles-d-acces',
  passkeyName: (id: string): string => `/mon-compte/authentification-forte/cles-d-acces/${id}/renommer`,
  passkeyRemoval: (id: string): string => `/mon-compte/authentification-forte/cles-d-acces/${id}/retirer`,
  emailCode: '/mon-compte/authentification-forte/code-par-e-mail',
  phones: '/mon-compte/authentification-forte/telephones',
  phoneJourney: (id: string): string => `/mon-compte/authentification-forte/telephones/verifier/${id}`,
  phoneRemoval: (id: string): string => `/mon-compte/authentification-forte/telephones/${id}/retirer`,
  recoveryCodes: '/mon-compte/authentification-forte/codes-de-secours',
  trustedDevices: '/mon-compte/authentification-forte/appareils',
  trustedDeviceRemoval: (id: string): string => `/mon-compte/authentification-forte/appareils/${id}/retirer`,
  trustedDevicesRemoval: '/mon-compte/authentification-forte/appareils/retirer',
  terms: '/conditions-generales',
  administration: '/administration',
  approvals: MAIL_PATHS.approvals,
  approval: MAIL_PATHS.approval,
  accounts: '/administration/comptes',
  /** @param id a principal's (accounts/principals.ts). */
  account: (id: string): string => `/administration/comptes/${id}`,
  unblockAccount: (id: string): string => `/administration/comptes/${id}/debloquer`,
} as const;

/** Our own pages that a sign-in may come back to, by the `state` that it carries; anything else comes back home. */
export const RETURNS = {
  secretaires: addresses.members,
  administration: addresses.administration,
  'mon-compte': addresses.myAccount,
  coordonnees: addresses.contacts,
  'ajouter-une-adresse': addresses.emailAddition,
  parametres: addresses.settings,
  'adresse-de-connexion': addresses.signInEmail,
  sessions: addresses.sessions,
  applications: addresses.grantedApplications,
  activite: addresses.activity,
  lieux: addresses.workplaces,
  donnees: addresses.personalData,
  fermeture: addresses.closing,
  'authentification-forte': addresses.strongAuthentication,
  'application-d-authentification': addresses.totp,
  'cles-d-acces': addresses.passkeys,
  telephones: addresses.phones,
  'codes-de-secours': addresses.recoveryCodes,
  'appareils-de-confiance': addresses.trustedDevices,
} as const;

export type ReturnPage = keyof typeof RETURNS;

/** @returns the page that `state` names, if it is one of ours. */
export const findReturn = (state: unknown): string | undefined =>
  typeof state === 'string' && Object.hasOwn(RETURNS, state) ? RETURNS[state as ReturnPage] : undefined;

/** Address that asks for a sign-in again, however recent the last one, and comes back to one of {@link RETURNS}. */
export const signInAgainFor = (page: ReturnPage): string => `${addresses.signIn}?vers=${page}`;

/**
 * Address that asks for a second factor, and for nothing more of who has one in this session already; comes back to one of
 * {@link RETURNS}.
 */
export const stepUpFor = (page: ReturnPage): string => `${addresses.signIn}?pour=${page}`;

/** Both: a whole sign-in again, with a second factor. */
export const signInStronglyFor = (page: ReturnPage): string => `${signInAgainFor(page)}&pour=${page}`;
