import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lang } from '../../src/http/texts.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export const filesUnder = (folder: string, extensions: string[]): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => extensions.some((extension) => name.endsWith(extension)))
    .map((name) => join(folder, name));

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Every text of a catalogue, by its key. */
export function catalogue(lang: Lang): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (node: unknown, path: string) => {
    if (typeof node === 'string') found.set(path, node);
    else
      for (const [name, child] of Object.entries(node as object))
        walk(child, path ? `${path}.${name}` : name);
  };
  walk(JSON.parse(read(`views/locales/${lang}.json`)), '');
  return found;
}

const PLURAL = /_(one|other)$/;
export const withoutPlural = (key: string): string => key.replace(PLURAL, '');

const application = { name: 'Messagerie', icon: 'mail' };
const ways = [
  { id: 'c1', channel: 'sms', masked: '3378***22' },
  { id: 'c2', channel: 'email', masked: 'j***n@c***.fr', checked: true },
];
const home = {
  signInUrl: '/connexion',
  signUpUrl: '/inscription',
  passwordForgottenUrl: '/mot-de-passe-oublie',
  identifierForgottenUrl: '/identifiants-oublies',
};
const everyWay = { ...home, proSanteConnectUrl: '/psc', cardUrl: '/cpx' };
const code = { resendAction: '/renvoyer', backUrl: '/retour', minutes: 10 };

/** One page in one situation. `says` is what a person must find there, in French. */
export type Sample = { template: string; context: Record<string, unknown>; says: string[] };

export const SAMPLES: Sample[] = [
  {
    template: 'home/home.njk',
    context: home,
    says: [
      'Connectez-vous',
      'Créez votre compte en quelques clics',
      'Mot de passe oublié',
      'Identifiants oubliés ?',
    ],
  },
  { template: 'home/home.njk', context: everyWay, says: ['Pro Santé Connect', 'Carte CPx'] },
  {
    template: 'portal/portal.njk',
    context: {
      givenName: 'Camille',
      signedIn: { displayName: 'Dr Camille Martin' },
      signOutUrl: '/deconnexion',
      applications: [
        {
          name: 'Messagerie',
          description: 'Messages',
          icon: 'mail',
          url: '/a',
          email: 'camille@example.test',
        },
        { name: 'Laboratoire', description: 'Résultats', icon: 'no-such-icon', url: '/b' },
      ],
    },
    says: [
      'Bonjour Camille',
      'Vos applications',
      'camille@example.test',
      'adresse à choisir',
      'Se déconnecter',
    ],
  },
  {
    template: 'portal/portal.njk',
    context: { givenName: 'Camille', signedIn: { displayName: 'Camille' }, applications: [] },
    says: ['Aucune application'],
  },
  {
    template: 'sign-up/choice.njk',
    context: {
      choices: ['ordre', 'doctor', 'secretary', 'pro-sante-connect'].map((kind) => ({
        kind,
        url: `/${kind}`,
      })),
      signInUrl: '/connexion',
    },
    says: [
      'Avec mon numéro RPPS et ma date de naissance',
      'Je suis un médecin',
      'Je crée un compte « Secrétariat »',
      'Pro Santé Connect',
    ],
  },
  {
    template: 'sign-up/ordre/identify.njk',
    context: {
      values: {},
      errors: {
        birthdate: { key: 'fault.birthdate.impossible' },
        rpps: { key: 'fault.rpps.length', vars: { count: 10 } },
        terms: { key: 'fault.required.terms' },
      },
    },
    says: [
      'Date de naissance',
      'Numéro RPPS',
      'Où trouver mon RPPS ?',
      "J'ai lu et j'accepte les Conditions générales d'utilisation et la Politique de confidentialité",
      'Valider',
      'après 10 minutes',
      '3 points sont à corriger',
      'vous en avez saisi 10',
    ],
  },
  {
    template: 'sign-up/ordre/identify.njk',
    context: {
      values: { birthdate: '17/06/1981', rpps: '99700427885', terms: true },
      refusal: 'unknown-pair',
      connexion: 'uid-1',
    },
    says: [
      "Les informations que vous avez saisies ne correspondent pas à celles connues de l'Ordre, veuillez les corriger ou vous rapprocher de votre conseil",
    ],
  },
  {
    template: 'sign-up/ordre/identify.njk',
    context: { values: {}, refusal: 'account-exists', passwordForgottenUrl: '/mot-de-passe-oublie' },
    says: [
      "Un compte est déjà associé à ce numéro RPPS, en cas d'oubli de mot de passe, demandez une récupération de mot de passe.",
    ],
  },
  {
    template: 'sign-up/ordre/contact.njk',
    context: {
      contacts: ways,
      backUrl: '/retour',
      errors: { contact: { key: 'fault.required.contact' } },
    },
    says: ['Sécuriser la création de votre espace', '3378***22', 'Recevoir votre code', 'Retour'],
  },
  {
    template: 'sign-up/ordre/no-contact.njk',
    context: { backUrl: '/retour' },
    says: ['conseil départemental'],
  },
  {
    template: 'sign-up/ordre/code.njk',
    context: {
      ...code,
      channel: 'sms',
      masked: '3378***22',
      alert: { kind: 'success', key: 'alert.code.resent', vars: { masked: '3378***22' } },
    },
    says: ['Veuillez saisir le code reçu', 'Saisir le code', 'Valider', 'Renvoyer le code', 'Retour'],
  },
  {
    template: 'sign-up/ordre/credentials-by-sms.njk',
    context: {
      values: { email: 'camille@example.test' },
      errors: { password: { key: 'fault.password.tooShort', vars: { min: 12 } } },
    },
    says: [
      'Finaliser la création de votre espace',
      'Email',
      'Confirmation Email',
      'Mot de passe',
      'Confirmation du mot de passe',
      'Sécurité du mot de passe :',
      'Activer',
    ],
  },
  {
    template: 'sign-up/ordre/credentials-by-email.njk',
    context: { email: 'camille@example.test' },
    says: ['Créer mon compte', 'Mot de passe', 'Confirmation du mot de passe', 'Créer'],
  },
  {
    template: 'sign-up/ordre/address-code.njk',
    context: { ...code, email: 'camille@example.test' },
    says: ['camille@example.test', 'Saisir le code', 'Valider', 'Renvoyer le code', 'Retour'],
  },
  {
    template: 'sign-up/ordre/done.njk',
    context: { email: 'camille@example.test', signInUrl: '/connexion' },
    says: ['Retour à la connexion', 'camille@example.test'],
  },
  {
    template: 'sign-up/ordre/address-proved.njk',
    context: { email: 'camille@example.test', action: '/activer', backUrl: '/retour' },
    says: ['Votre adresse est vérifiée', 'camille@example.test', 'Activer', 'Retour'],
  },
  {
    template: 'sign-up/confirm-address.njk',
    context: { email: 'camille@example.test', action: '/confirmer' },
    says: ['Confirmer votre adresse', 'camille@example.test', 'Confirmer mon adresse'],
  },
  {
    template: 'sign-up/address-confirmed.njk',
    context: { email: 'camille@example.test' },
    says: ['Revenez à la fenêtre de votre inscription', 'camille@example.test'],
  },
  ...(['none', 'used', 'expired'] as const).map((reason) => ({
    template: 'sign-up/link-ended.njk',
    context: { reason, homeUrl: '/' },
    says: ["Retour à l'accueil"],
  })),
  {
    template: 'shared-accounts/members.njk',
    context: {
      title: 'Secrétariat du 3e étage',
      action: '/secretaires',
      members: [
        { displayName: 'Anne Martin', email: 'anne@example.test', isSelf: true, removeAction: '/a/retirer' },
        { displayName: 'Basile Petit', email: 'basile@example.test', removeAction: '/b/retirer' },
      ],
      invitations: [{ address: 'chloe@example.test', until: '2026-12-01', revokeAction: '/c/annuler' }],
      values: { email: 'pas une adresse' },
      errors: { email: { key: 'fault.email.format' } },
      backUrl: '/',
    },
    says: [
      'Inviter un secrétaire',
      "Envoyer l'invitation",
      'Anne Martin (vous)',
      'Retirer Basile Petit',
      "valable jusqu'au 1er décembre 2026",
      "Annuler l'invitation chloe@example.test",
    ],
  },
  {
    template: 'shared-accounts/members.njk',
    context: {
      title: 'Secrétariat',
      action: '/secretaires',
      members: [{ displayName: 'Anne Martin', email: 'anne@example.test', isSelf: true }],
      invitations: [],
      values: {},
      alert: { kind: 'refusal', key: 'alert.member.last' },
    },
    says: ['Ce compte doit garder au moins un secrétaire.'],
  },
  {
    template: 'shared-accounts/invitation.njk',
    context: { inviter: 'Anne Martin', title: 'Secrétariat', email: 'chloe@example.test', action: '/i' },
    says: ['Anne Martin vous invite à rejoindre le compte Secrétariat.', 'chloe@example.test', 'Continuer'],
  },
  {
    template: 'shared-accounts/join.njk',
    context: {
      title: 'Secrétariat',
      email: 'chloe@example.test',
      action: '/j',
      termsUrl: '/conditions-generales',
      values: { givenName: 'Chloé', civilite: 'MME' },
      errors: { civilite: { key: 'fault.required.civilite' }, familyName: { key: 'fault.name.characters' } },
    },
    says: ['Civilité', 'Madame', 'Prénom', 'Nom', 'Confirmation du mot de passe', 'Créer mon accès'],
  },
  {
    template: 'shared-accounts/joined.njk',
    context: { title: 'Secrétariat', email: 'chloe@example.test', signInUrl: '/connexion' },
    says: ['Votre accès est créé', 'Connectez-vous'],
  },
  ...(['none', 'used', 'expired', 'idle', 'meanwhile'] as const).map((reason) => ({
    template: 'shared-accounts/invitation-ended.njk',
    context: { reason, signInUrl: '/connexion' },
    says: ['Cette invitation ne sert plus'],
  })),
  { template: 'sign-up/expired.njk', context: { startUrl: '/inscription' }, says: ['effacé', 'Recommencer'] },
  {
    template: 'sign-in/password.njk',
    context: {
      ...everyWay,
      application,
      values: { email: 'camille@example.test' },
      alert: { kind: 'refusal', key: 'fault.credentials' },
    },
    says: ['Vous allez vers Messagerie', 'Email', 'Mot de passe', 'Connectez-vous', 'Mot de passe oublié'],
  },
  {
    template: 'sign-in/channel.njk',
    context: { application, channels: ways, backUrl: '/retour' },
    says: ['Recevoir mon code', 'Par SMS', 'Par e-mail'],
  },
  {
    template: 'sign-in/code.njk',
    context: {
      ...code,
      application,
      channel: 'email',
      masked: 'j***n@c***.fr',
      otherChannelUrl: '/autre',
      errors: { code: { key: 'fault.code.wrong', vars: { remaining: 1 } } },
    },
    says: [
      'Saisissez le code reçu',
      'Valider mon code à usage unique',
      'Renvoyer le code',
      'Il vous reste 1 essai.',
    ],
  },
  {
    template: 'sign-in/consent.njk',
    context: {
      application,
      scopes: ['profile', 'email', 'phone', 'rpps', 'workplaces', 'offline_access'].map((name) => ({
        name,
        isNew: name === 'phone',
      })),
      account: { displayName: 'Dr Camille Martin', email: 'camille@example.test' },
    },
    says: ['Messagerie demande à connaître', 'camille@example.test', 'nouveau', 'Autoriser', 'Refuser'],
  },
  {
    template: 'sign-in/consent.njk',
    context: { application, scopes: [], account: { displayName: 'Dr Camille Martin' } },
    says: ['Un identifiant technique'],
  },
  {
    template: 'sign-in/unmet.njk',
    context: {
      application,
      byPhone: true,
      action: '/renoncer',
      otherAccountUrl: '/autre',
      supportEmail: 'assistance@example.test',
    },
    says: ['Messagerie demande une authentification forte', 'Retourner dans Messagerie'],
  },
  {
    template: 'sign-out/confirm.njk',
    context: { action: '/fin', xsrf: 'jeton', application },
    says: ['Me déconnecter', 'Rester connecté'],
  },
  { template: 'sign-out/done.njk', context: { homeUrl: '/' }, says: ['Vous êtes déconnecté'] },
  {
    template: 'rescue/assistance.njk',
    context: { supportEmail: 'assistance@example.test', topic: 'password' },
    says: ['Mot de passe oublié', 'assistance@example.test', 'un mot de passe, même ancien'],
  },
  {
    template: 'rescue/assistance.njk',
    context: { supportEmail: 'assistance@example.test', topic: 'identifier' },
    says: ['Identifiants oubliés'],
  },
  {
    template: 'legal/terms.njk',
    context: { version: '1.0', date: '2025-12-01' },
    says: [
      "Conditions générales d'utilisation et Politique de confidentialité",
      'Version 1.0, en vigueur depuis le 1er décembre 2025',
      'Vos droits',
    ],
  },
  {
    template: 'error.njk',
    context: {
      titleKey: 'error.internal.title',
      messageKey: 'error.internal.message',
      adviceKey: 'error.internal.advice',
      vars: { supportEmail: 'assistance@example.test' },
      reference: 'R-123',
      actions: [{ url: '/', labelKey: 'error.action.home' }],
    },
    says: ['Un problème est survenu', 'R-123', 'assistance@example.test', "Retour à l'accueil"],
  },
];
