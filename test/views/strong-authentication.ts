/** Samples of the pages under « Authentification forte ». */
import type { Sample } from './support.ts';

const FOLDER = 'my-account/strong-authentication';
const signedIn = { signedIn: { displayName: 'Dr Camille Martin' }, signOutUrl: '/deconnexion' };

const factor = (kind: string, count: number, more: object = {}) => ({
  kind,
  count,
  masked: [],
  isUsable: true,
  url: `/${kind}`,
  ...more,
});
const overview = {
  ...signedIn,
  action: '/a',
  emailAction: '/e',
  backUrl: '/',
  trustedDevices: { count: 2, url: '/appareils' },
};

export const STRONG_AUTHENTICATION: Sample[] = [
  {
    template: `${FOLDER}/overview.njk`,
    context: {
      ...overview,
      waiting: { url: '/connexion/uid-1', application: 'Messagerie' },
      adviceKind: 'recovery-code',
      adviceUrl: '/codes',
      factors: [
        factor('passkey', 1),
        factor('totp', 1),
        factor('sms', 2, { masked: ['3363***07', '3363***08'] }),
        factor('email', 1, { masked: ['c***e@e***.test'], emailKind: 'accepted', url: undefined }),
        factor('recovery-code', 0),
      ],
      preferred: [
        { id: 'passkey', channel: 'passkey', checked: true },
        { id: 'sms', channel: 'sms' },
      ],
      mayRefuseEmail: true,
      noRecoveryCodes: true,
      errors: { preferred: { key: 'fault.required.factor' } },
    },
    says: [
      'Vous alliez vers Messagerie. Continuer',
      'Préparez des codes de secours',
      "1 clé d'accès",
      "Résiste à l'hameçonnage",
      'En place',
      'Second facteur',
      '3363***07, 3363***08',
      'Un numéro peut être détourné',
      'Vérification en deux étapes',
      'Aucun code',
      '2 appareils enregistrés.',
      'Proposé en premier',
      'Choisissez un moyen de confirmation.',
      'Ne plus accepter le code par e-mail',
      "Préparez d'abord des codes de secours",
      'Enregistrer',
    ],
  },
  {
    template: `${FOLDER}/overview.njk`,
    context: {
      ...overview,
      waiting: { url: '/connexion/uid-1' },
      isAdministrator: true,
      adviceKind: 'none',
      trustedDevices: { count: 0, url: '/appareils' },
      factors: [
        factor('passkey', 2),
        factor('totp', 1, { isUsable: false }),
        factor('email', 1, {
          masked: ['a***n@e***.test'],
          emailKind: 'administrator',
          isUsable: false,
          url: undefined,
        }),
        factor('recovery-code', 8),
      ],
      preferred: [{ id: 'passkey', channel: 'passkey', checked: true }],
      confirmUrl: '/connexion?vers=authentification-forte',
    },
    says: [
      'Vous étiez en train de vous connecter. Continuer',
      'Vous êtes administrateur',
      'Votre compte est bien protégé',
      "2 clés d'accès",
      'Non accepté pour votre compte',
      'Jamais pour un administrateur',
      '8 codes restants',
      '0 appareil enregistré.',
      'Changer ces réglages',
    ],
  },
  {
    template: `${FOLDER}/overview.njk`,
    context: {
      ...overview,
      adviceKind: 'closed',
      factors: [factor('email', 1, { masked: ['c***e@e***.test'], emailKind: 'refused', url: undefined })],
      mayRefuseEmail: true,
      refusesEmail: true,
    },
    says: ['Le code par e-mail est votre seul moyen', "Vous ne l'acceptez plus"],
  },
  {
    template: `${FOLDER}/phones.njk`,
    context: {
      ...signedIn,
      alert: { kind: 'success', key: 'alert.phone.added', vars: { number: '+33 6 39 98 00 07' } },
      waiting: { url: '/connexion/uid-1', application: 'Messagerie' },
      phones: [
        { number: '+33 6 39 98 00 07', verifiedAt: '2026-11-24T08:00:00.000Z', removeUrl: '/retirer' },
      ],
      values: { number: '06' },
      errors: { number: { key: 'fault.phone.format' } },
      action: '/a',
      backUrl: '/retour',
    },
    says: [
      'Téléphones',
      'Le +33 6 39 98 00 07 est vérifié',
      'Vous alliez vers Messagerie. Continuer',
      'Un numéro peut être détourné',
      'vérifié le 24 novembre 2026 à 09:00',
      'Retirer',
      'Recevoir un code',
    ],
  },
  {
    template: `${FOLDER}/phones.njk`,
    context: {
      ...signedIn,
      phones: [{ number: '+33 6 39 98 00 07', verifiedAt: '2026-11-24T08:00:00.000Z' }],
      isFull: true,
      max: 5,
      backUrl: '/retour',
    },
    says: ["C'est votre seul moyen fort", 'déjà 5 numéros'],
  },
  ...[
    ['no-sms', "Aucun SMS n'est envoyé ici"],
    ['not-allowed', "n'est pas accepté pour votre compte"],
  ].map(([closedKind, words]) => ({
    template: `${FOLDER}/phones.njk`,
    context: { ...signedIn, phones: [], closedKind, backUrl: '/retour' },
    says: ["Aucun numéro n'est encore vérifié.", words as string],
  })),
  {
    template: `${FOLDER}/phone-code.njk`,
    context: {
      ...signedIn,
      number: '+33 6 39 98 00 07',
      minutes: 10,
      errors: { code: { key: 'fault.code.wrong', vars: { remaining: 4 } } },
      action: '/a',
      resendAction: '/r',
      backUrl: '/retour',
    },
    says: ['Vérifiez ce numéro', '+33 6 39 98 00 07', 'Vérifier', 'Renvoyer le code'],
  },
  {
    template: `${FOLDER}/remove-phone.njk`,
    context: {
      ...signedIn,
      number: '+33 6 39 98 00 07',
      isLastStrong: true,
      action: '/a',
      backUrl: '/retour',
    },
    says: ['Retirer ce numéro ?', '+33 6 39 98 00 07', 'il ne restera que le code par e-mail'],
  },
  {
    template: `${FOLDER}/totp.njk`,
    context: { ...signedIn, isAllowed: true, action: '/a', backUrl: '/retour' },
    says: ["Application d'authentification", 'Ajouter une application'],
  },
  {
    template: `${FOLDER}/totp.njk`,
    context: {
      ...signedIn,
      isAllowed: true,
      credential: { createdAt: '2026-11-24T08:00:00.000Z', lastUsedAt: '2026-11-25T08:00:00.000Z' },
      action: '/a',
      backUrl: '/retour',
    },
    says: [
      'Depuis le 24 novembre 2026 à 09:00',
      'Dernière utilisation',
      "Remplacer l'application",
      'garde toujours',
    ],
  },
  {
    template: `${FOLDER}/totp-seed.njk`,
    context: {
      ...signedIn,
      qrCode: 'data:image/png;base64,iVBORw0KGgo=',
      uri: 'otpauth://totp/x',
      seed: 'ABCD EFGH IJKL MNOP',
      replaces: true,
      errors: { code: { key: 'fault.totp.notShown' } },
      action: '/a',
      backUrl: '/retour',
    },
    says: ['ABCD EFGH', 'Saisissez le code affiché', 'Activer', 'ne servira plus', "Vérifiez l'heure"],
  },
  {
    template: `${FOLDER}/remove-totp.njk`,
    context: { ...signedIn, isLastStrong: true, action: '/a', backUrl: '/retour' },
    says: ["Retirer l'application d'authentification ?", 'Retirer'],
  },
  {
    template: `${FOLDER}/recovery-codes.njk`,
    context: { ...signedIn, isAllowed: true, total: 10, left: 0, action: '/a', backUrl: '/retour' },
    says: ['Codes de secours', 'Créer mes codes de secours'],
  },
  {
    template: `${FOLDER}/recovery-codes.njk`,
    context: {
      ...signedIn,
      isAllowed: true,
      total: 10,
      left: 1,
      createdAt: '2026-11-24T08:00:00.000Z',
      action: '/a',
      backUrl: '/retour',
    },
    says: ['Il vous reste 1 code sur 10', 'Remplacer mes codes'],
  },
  {
    template: `${FOLDER}/recovery-codes.njk`,
    context: { ...signedIn, codes: ['abcd-efgh-jkmn-pqrs', '0123-4567-89ab-cdef'], backUrl: '/retour' },
    says: ['abcd-efgh-jkmn-pqrs', 'ils ne seront plus jamais affichés'],
  },
];
