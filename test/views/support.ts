import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lang } from '../../src/http/texts.ts';
import { MY_ACCOUNT } from './my-account.ts';
import { STRONG_AUTHENTICATION } from './strong-authentication.ts';

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

const QUESTION = 'Quelle adresse email utiliser comme identifiant pour cette application ?';
const emails = ['camille@example.test', 'camille.cabinet@example.test'].map((address, index) => ({
  id: `e-${index}`,
  address,
  isNotification: index === 0,
}));

const promised = (usedHours: number, standing: string) => ({ usedHours, limitHours: 48, standing });
const administrator = {
  signedIn: { displayName: 'Andréa GESTION', administrationUrl: '/administration' },
  signOutUrl: '/deconnexion',
};
const request = {
  ...administrator,
  approval: { kind: 'sign-up', createdAt: '2026-11-24T08:05:00.000Z', proof: 'declared' },
  promised: promised(12, 'on-time'),
  changes: [],
  isWaiting: true,
  seenHash: 'abc',
  person: { displayName: 'Camille MARTIN', kind: 'professional', profession: 'Médecin' },
  rppsKey: 'right',
  columns: [{ kind: 'ordinal' }, { kind: 'directory' }],
  registers: [
    { kind: 'ordinal', answerKind: 'found', endedOn: '2025-06-30' },
    { kind: 'directory', answerKind: 'unknown' },
  ],
  fields: [
    {
      kind: 'familyName',
      declared: 'MARTIN',
      registers: [
        { kind: 'ordinal', value: 'MARTINE', verdictKind: 'differs' },
        { kind: 'directory', verdictKind: 'absent' },
      ],
    },
    {
      kind: 'givenName',
      declared: 'Camille',
      registers: [
        { kind: 'ordinal', value: 'Camille', verdictKind: 'same' },
        { kind: 'directory', verdictKind: 'absent' },
      ],
    },
  ],
  lookAlikes: [
    {
      displayName: 'Camille MARTIN',
      kind: 'professional',
      stateKind: 'refused',
      rpps: '99700900048',
      likenesses: [{ kind: 'rpps' }, { kind: 'name' }],
    },
  ],
  members: [],
  responsibleRpps: '99700900048',
  declaredPhones: ['+33639980021'],
  emails: [{ address: 'camille@example.test', verifiedAt: '2026-11-24T08:00:00.000Z' }],
  phones: [{ number: '+33639980001', verifiedAt: '2026-11-24T08:01:00.000Z' }],
  workplaces: [
    { name: 'Cabinet du port', town: 'Sète', finess: '340000017', gone: true, centre: 'Centre Étoile' },
    { name: 'Hôpital' },
  ],
  backUrl: '/administration/demandes',
  values: {},
};

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

const identity = {
  professions: [{ code: '10', label: 'Médecin' }],
  civilites: [{ code: 'MME', label: 'Madame' }],
};
const place = {
  name: 'HOPITAL GENERIQUE',
  address: '1 rue du Test',
  postalCode: '99000',
  town: 'Saint-Exemple',
  finess: '0B0190011',
};

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
          isFound: true,
        },
        {
          name: 'Laboratoire',
          description: 'Résultats',
          icon: 'no-such-icon',
          url: '/b',
          mustChoose: true,
          isFound: true,
        },
        {
          name: 'Imagerie',
          description: 'Clichés',
          icon: 'image',
          reserved: { professions: ['Médecin', 'Physicien médical'], kinds: [{ kind: 'professional' }] },
          isFound: true,
        },
      ],
    },
    says: [
      'Bonjour Camille',
      'Vos applications',
      'camille@example.test',
      'adresse à choisir',
      'Ne vous est pas ouverte',
      'Professions admises : Médecin, Physicien médical',
      'Comptes admis : professionnels de santé',
      'Se déconnecter',
    ],
  },
  ...[0, 1, 2].map((found) => ({
    template: 'portal/portal.njk',
    context: {
      givenName: 'Camille',
      signedIn: { displayName: 'Dr Camille Martin' },
      search: { field: 'recherche', value: 'messages' },
      found,
      applications: ['Messagerie', 'Courrier'].map((name, index) => ({
        name,
        description: 'Messages',
        icon: 'mail',
        url: '/a',
        isFound: index < found,
      })),
    },
    says: [
      'Rechercher une application',
      ['Aucune application ne correspond', '1 application trouvée', '2 applications trouvées'][
        found
      ] as string,
    ],
  })),
  {
    template: 'portal/email.njk',
    context: { application, emails, backUrl: '/' },
    says: ['Vous allez vers Messagerie', QUESTION, 'camille.cabinet@example.test', 'Continuer', 'Retour'],
  },
  {
    template: 'sign-in/application-email.njk',
    context: {
      application,
      emails,
      action: '/a',
      errors: { email: { key: 'fault.required.applicationEmail' } },
    },
    says: [QUESTION, 'reçoit vos notifications', "Choisissez l'une de vos adresses.", 'Continuer'],
  },
  {
    template: 'sign-in/no-access.njk',
    context: {
      application,
      displayName: 'Camille Martin',
      reserved: { professions: [], kinds: [{ kind: 'secretary' }, { kind: 'shared' }] },
      action: '/a',
      otherAccountUrl: '/autre',
      supportEmail: 'assistance@example.test',
    },
    says: [
      "Le compte Camille Martin n'a pas accès à Messagerie",
      'Professions admises : aucun',
      'Comptes admis : secrétaires, comptes partagés de secrétariat',
      'Retourner dans Messagerie',
      'Se connecter avec un autre compte',
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
    template: 'sign-up/request/doctor.njk',
    context: {
      ...identity,
      values: {
        rpps: '99700900089',
        familyName: 'DOC0090008',
        givenName: 'Zoé',
        profession: '10',
        civilite: 'MME',
      },
      action: '/inscription/medecin',
      searchUrl: '/inscription/medecin/recherche',
      application: { name: 'Messagerie', icon: 'mail' },
      results: {
        lines: [
          {
            choice: '10 899700900089',
            name: 'DOC0090008 ZOÉ',
            profession: 'Médecin',
            speciality: 'Médecine générale',
            town: 'Saint-Exemple',
            rpps: '99700900089',
          },
          { choice: '60 0123456789', name: 'INFIRM0090009 MAËL', profession: 'Infirmier' },
        ],
      },
      backUrl: '/inscription',
    },
    says: [
      'Nom',
      'Prénom',
      'N° RPPS',
      'Profession',
      'Civilité',
      'DOC0090008 ZOÉ',
      'Saint-Exemple · RPPS 99700900089',
      "Je ne me trouve pas dans la liste ou je souhaite m'inscrire manuellement",
      "Je renseigne mon lieu d'exercice",
    ],
  },
  {
    template: 'sign-up/request/doctor.njk',
    context: {
      ...identity,
      values: {},
      errors: { manual: { key: 'fault.required.manual' }, person: { key: 'fault.person.gone' } },
      results: { fault: { key: 'fault.search.tooShort', vars: { min: 3 } } },
    },
    says: ["Cette ligne n'est plus dans l'annuaire", 'Tapez au moins 3 lettres'],
  },
  {
    template: 'sign-up/request/doctor.njk',
    context: { ...identity, values: {}, results: { lines: [] } },
    says: ['Personne ne correspond'],
  },
  {
    template: 'sign-up/request/secretary.njk',
    context: {
      ...identity,
      values: { shared: 'yes', sharedTitle: 'Secrétariat' },
      action: '/inscription/secretariat',
    },
    says: [
      'Profession',
      'Civilité',
      'Je souhaite créer un compte partagé avec plusieurs secrétaires',
      'Intitulé du compte',
    ],
  },
  {
    template: 'sign-up/request/workplaces.njk',
    context: {
      action: '/lieux',
      searchUrl: '/lieux/recherche',
      suggested: true,
      chosen: [{ ...place, id: 'un' }],
      query: 'exemple',
      results: { lines: [{ ...place, id: 'deux' }] },
      backUrl: '/retour',
    },
    says: ["Vos lieux d'exercice", 'HOPITAL GENERIQUE', 'FINESS 0B0190011', 'Continuer', 'Rechercher'],
  },
  {
    template: 'sign-up/request/workplaces.njk',
    context: {
      action: '/lieux',
      chosen: [],
      results: { lines: [] },
      errors: { query: { key: 'fault.required.workplace' } },
    },
    says: ['Aucun établissement ne correspond', "Cochez au moins un lieu d'exercice"],
  },
  {
    template: 'sign-up/request/centres.njk',
    context: {
      action: '/laboratoires',
      workplaces: [{ ...place, id: 'un' }],
      centres: [{ code: 'centre', label: 'Laboratoire des Trois Rivières' }],
      picked: { un: 'none' },
      errors: { 'centre-un': { key: 'fault.required.centre', vars: { name: 'HOPITAL GENERIQUE' } } },
    },
    says: [
      'Laboratoire habituel : HOPITAL GENERIQUE',
      'Laboratoire des Trois Rivières',
      'Aucun laboratoire habituel',
      'Terminer',
    ],
  },
  {
    template: 'sign-up/request/address.njk',
    context: { action: '/adresse', email: 'zoe@example.test' },
    says: ['Email', 'Vérifier'],
  },
  {
    template: 'sign-up/request/address-code.njk',
    context: { ...code, email: 'zoe@example.test' },
    says: ['Code OTP', 'Valider mon adresse', 'Renvoyer le code', 'zoe@example.test'],
  },
  {
    template: 'sign-up/request/credentials.njk',
    context: {
      action: '/identifiants',
      email: 'zoe@example.test',
      termsUrl: '/conditions-generales',
      phones: '0639980001',
    },
    says: [
      'Mot de passe',
      'Confirmation du mot de passe',
      'Sécurité du mot de passe :',
      'Numéros de téléphone',
      'Valider',
    ],
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
  ...(['none', 'used', 'expired'] as const).map((endedKind) => ({
    template: 'sign-up/link-ended.njk',
    context: { endedKind, homeUrl: '/' },
    says: ["Retour à l'accueil"],
  })),
  {
    template: 'shared-accounts/members.njk',
    context: {
      title: 'Secrétariat du 3e étage',
      action: '/secretaires',
      members: [
        { displayName: 'Anne Martin', email: 'anne@example.test', isSelf: true, removeUrl: '/a/retirer' },
        { displayName: 'Basile Petit', email: 'basile@example.test', removeUrl: '/b/retirer' },
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
      'Quitter ce compte',
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
  ...[false, true].map((isSelf) => ({
    template: 'shared-accounts/remove.njk',
    context: {
      isSelf,
      title: 'Secrétariat',
      displayName: 'Basile Petit',
      email: 'basile@example.test',
      action: '/b/retirer',
      backUrl: '/secretaires',
    },
    says: isSelf
      ? ['Quitter ce compte ?', 'Vos sessions seront fermées']
      : ['Retirer Basile Petit ?', 'basile@example.test', 'Retirer de ce compte'],
  })),
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
      civilites: identity.civilites,
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
  ...(['none', 'used', 'expired', 'idle', 'meanwhile'] as const).map((endedKind) => ({
    template: 'shared-accounts/invitation-ended.njk',
    context: { endedKind, signInUrl: '/connexion' },
    says: ['Cette invitation ne sert plus'],
  })),
  { template: 'sign-up/expired.njk', context: { startUrl: '/inscription' }, says: ['effacé', 'Recommencer'] },
  {
    template: 'sign-in/password.njk',
    context: {
      ...everyWay,
      application,
      passkey: { action: '/p', options: { challenge: 'abc' } },
      values: { email: 'camille@example.test' },
      alert: { kind: 'refusal', key: 'fault.credentials' },
    },
    says: ['Vous allez vers Messagerie', 'Email', 'Mot de passe', "clé d'accès", 'Mot de passe oublié'],
  },
  {
    template: 'sign-in/channel.njk',
    context: { application, channels: ways, backUrl: '/retour' },
    says: ['Continuer', 'Par SMS', 'Par e-mail'],
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
      trust: { days: 30, checked: true },
    },
    says: [
      'Saisissez le code reçu',
      'Faire confiance à cet appareil pendant 30 jours',
      'Sur un ordinateur partagé, laissez cette case vide',
      'Valider mon code à usage unique',
      'Renvoyer le code',
      'Il vous reste 1 essai.',
    ],
  },
  {
    template: 'sign-in/recovery-code.njk',
    context: {
      application,
      action: '/a',
      otherChannelUrl: '/autre',
      errors: { code: { key: 'fault.recoveryCode.wrong' } },
      backUrl: '/retour',
    },
    says: ['Saisissez un code de secours', 'Utiliser un autre moyen', 'il a déjà servi'],
  },
  {
    template: 'sign-in/passkey.njk',
    context: {
      application,
      action: '/a',
      options: { challenge: 'abc' },
      otherChannelUrl: '/autre',
      alert: { kind: 'refusal', key: 'fault.passkey.refused' },
      backUrl: '/retour',
    },
    says: ["Confirmez avec votre clé d'accès", "Utiliser ma clé d'accès", 'Utiliser un autre moyen'],
  },
  {
    template: 'sign-in/totp.njk',
    context: {
      application,
      action: '/a',
      otherChannelUrl: '/autre',
      errors: { code: { key: 'fault.totp.wrong' } },
      trust: { days: 30, checked: false },
      backUrl: '/retour',
    },
    says: [
      'Saisissez le code de votre application',
      'Faire confiance à cet appareil',
      'Valider mon code à usage unique',
      'il a déjà servi',
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
      needKind: '2fa',
      setUpUrl: '/mon-compte/authentification-forte',
      action: '/renoncer',
      otherAccountUrl: '/autre',
      supportEmail: 'assistance@example.test',
    },
    says: [
      'Messagerie demande une authentification forte',
      'Ajoutez ce qui manque',
      'Retourner dans Messagerie',
    ],
  },
  {
    template: 'sign-in/unmet.njk',
    context: {
      application,
      needKind: 'passkey',
      action: '/renoncer',
      otherAccountUrl: '/autre',
      supportEmail: 'assistance@example.test',
    },
    says: ["qui résiste à l'hameçonnage", 'assistance@example.test', 'Retourner dans Messagerie'],
  },
  ...MY_ACCOUNT,
  ...STRONG_AUTHENTICATION,
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
  {
    template: 'administration/queue.njk',
    context: {
      ...administrator,
      accountsUrl: '/administration/comptes',
      count: 51,
      limitHours: 48,
      orders: [
        { kind: 'oldest', url: '/administration/demandes', current: true },
        { kind: 'newest', url: '/administration/demandes?ordre=recentes' },
      ],
      requests: [
        {
          kind: 'sign-up',
          accountKind: 'professional',
          proof: 'ordinal-register',
          displayName: 'Camille MARTIN',
          profession: 'Médecin',
          url: '/a',
          promised: promised(50, 'late'),
        },
        {
          kind: 'profile-change',
          accountKind: 'secretary',
          proof: 'declared',
          displayName: 'Sacha SECRETAIRE',
          url: '/b',
          promised: promised(36, 'soon'),
        },
      ],
      previousUrl: '/avant',
      nextUrl: '/apres',
    },
    says: [
      'Demandes en attente',
      '51 demandes attendent une décision.',
      "Les plus récentes d'abord",
      'Camille MARTIN',
      "Création de compte · Professionnel de santé · Médecin · Identité prouvée par les données de l'Ordre",
      'En retard : 50 h sur 48 h ouvrées',
      'Modification de profil · Secrétariat · Profession non renseignée',
      'Bientôt en retard : 36 h sur 48 h ouvrées',
      'Administration',
    ],
  },
  {
    template: 'administration/queue.njk',
    context: { ...administrator, accountsUrl: '/administration/comptes', count: 0, requests: [] },
    says: ["Aucune demande n'attend"],
  },
  {
    template: 'administration/account-search.njk',
    context: {
      ...administrator,
      values: { account: 'personne@example.test' },
      errors: { account: { key: 'fault.account.unknown' } },
      backUrl: '/administration/demandes',
    },
    says: [
      'Rechercher un compte',
      'Adresse mail ou numéro RPPS',
      "Aucun compte n'a cette adresse ou ce numéro.",
    ],
  },
  ...[
    {
      stoppedUntil: '2026-11-24T08:20:00.000Z',
      says: ["Bloquées jusqu'au 24 novembre 2026 à 09:20", 'Débloquer les tentatives de connexion'],
    },
    {
      stoppedUntil: '2026-11-24T08:20:00.000Z',
      isOwn: true,
      says: ['Ce compte est le vôtre. Un autre administrateur doit le débloquer.'],
    },
    { says: ['Aucun blocage en cours.'] },
  ].map(({ says, ...more }) => ({
    template: 'administration/account.njk',
    context: {
      ...administrator,
      account: {
        displayName: 'Camille MARTIN',
        kind: 'professional',
        stateKind: 'active',
        rpps: '99700900048',
        email: 'camille@example.test',
      },
      action: '/debloquer',
      backUrl: '/administration/comptes',
      ...more,
    },
    says: [
      'Camille MARTIN',
      'Professionnel de santé · actif',
      'camille@example.test',
      '99700900048',
      ...says,
    ],
  })),
  {
    template: 'administration/request.njk',
    context: {
      ...request,
      approval: { ...request.approval, kind: 'profile-change' },
      changes: [
        { kind: 'familyName', from: 'MARTIN', to: 'LEROY' },
        { kind: 'rpps', to: '99700900014' },
      ],
      changed: true,
    },
    says: [
      'Modification du profil de Camille MARTIN',
      'Ce qui changerait',
      "aujourd'hui MARTIN demandé LEROY",
      'elle ne peut plus être approuvée',
    ],
  },
  {
    template: 'administration/request.njk',
    context: request,
    says: [
      "Demande d'accès de Camille MARTIN",
      'Reçue le 24 novembre 2026 à 09:05',
      'Dans les temps : 12 h sur 48 h ouvrées',
      'Identité déclarée, sans preuve',
      'La clé du numéro RPPS est juste.',
      "Cette personne a quitté le tableau de l'Ordre le 30 juin 2025.",
      "L'annuaire national ne connaît pas ce numéro RPPS.",
      'MARTINE différent',
      'Camille identique',
      'Camille MARTIN · 99700900048 · Professionnel de santé, refusé même numéro RPPS, même nom et même prénom',
      'camille@example.test',
      "Cabinet du port, Sète · 340000017 n'est plus dans les registres · Laboratoire : Centre Étoile",
      'Motif communiqué à la personne',
      'Note interne',
      'Approuver',
      'Refuser',
    ],
  },
  {
    template: 'administration/request.njk',
    context: {
      ...request,
      changed: true,
      rppsKey: 'absent',
      columns: [],
      registers: [
        { kind: 'ordinal', answerKind: 'not-asked' },
        { kind: 'directory', answerKind: 'empty' },
      ],
      lookAlikes: [],
      values: { note: 'À rappeler' },
      errors: { reason: { key: 'fault.required.reason' } },
      alert: { kind: 'refusal', key: 'alert.approval.changed' },
    },
    says: [
      'Ce qui est déclaré',
      "Aucun numéro RPPS n'est déclaré",
      "L'annuaire national n'est pas encore chargé.",
      'Le compte a changé depuis la demande.',
      'Indiquez à la personne le motif du refus.',
      'À rappeler',
      "Aucun autre compte n'a ce numéro, cette adresse ou ce nom.",
      'Ces données ont changé pendant que vous les lisiez.',
    ],
  },
  {
    template: 'administration/request.njk',
    context: {
      ...request,
      person: { displayName: 'Secrétariat du port', kind: 'shared' },
      rppsKey: 'absent',
      columns: [],
      fields: [],
      members: [
        { displayName: 'Anne PETIT', civilite: 'Madame', civiliteKind: 'MME', email: 'anne@example.test' },
        { displayName: 'Noa SECRETAIRE', civiliteKind: 'M' },
      ],
      rppsTaken: true,
    },
    says: [
      'Intitulé',
      'Première secrétaireMadame Anne PETIT, anne@example.test',
      'ne peut pas être approuvée',
    ],
  },
  {
    template: 'administration/request.njk',
    context: {
      ...request,
      members: [{ displayName: 'Luc', civiliteKind: 'M' }],
      person: { displayName: 'S', kind: 'shared' },
      columns: [],
    },
    says: ['Premier secrétaire'],
  },
  {
    template: 'administration/request.njk',
    context: { ...request, isOwn: true },
    says: ['Cette demande est la vôtre.'],
  },
  {
    template: 'administration/request.njk',
    context: {
      ...request,
      promised: undefined,
      isWaiting: false,
      nextUrl: '/suivante',
      decided: {
        decision: 'refused',
        at: '2026-12-01T10:00:00.000Z',
        by: 'Andréa GESTION',
        reason: 'Pièce illisible',
        note: 'Rappeler lundi',
      },
    },
    says: [
      'Demande refusée par Andréa GESTION le 1er décembre 2026 à 11:00.',
      'Pièce illisible',
      'Rappeler lundi',
      'Demande suivante',
    ],
  },
];
