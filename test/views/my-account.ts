/** Samples of the pages of « Mon compte » that are not about factors. */
import type { Sample } from './support.ts';

const FOLDER = 'my-account';
const signedIn = {
  signedIn: { displayName: 'Dr Camille Martin' },
  signOutUrl: '/deconnexion',
  myAccountUrl: '/mon-compte',
  myAccountMenu: [
    { key: 'sessions', url: '/mon-compte/sessions' },
    { key: 'activity', url: '/mon-compte/activite' },
  ],
};
const session = {
  deviceName: 'Firefox, Android',
  source: '192.0.2.7',
  signedInAt: '2026-11-24T08:00:00.000Z',
  lastSeenAt: new Date('2026-11-24T09:30:00Z'),
  methods: [{ kind: 'password' }, { kind: 'sms' }],
  endAction: '/mon-compte/sessions/1/fermer',
};

const profile = {
  ...signedIn,
  path: '/mon-compte',
  accountKind: 'professional',
  facts: [
    { kind: 'civilite', value: 'Madame' },
    { kind: 'familyName', value: 'MARTIN' },
    { kind: 'rpps', value: '99700900048' },
    { kind: 'profession' },
    { kind: 'civiliteExercice', value: 'Docteur' },
  ],
  waiting: {
    createdAt: '2026-11-24T08:00:00.000Z',
    changes: [
      { kind: 'familyName', from: 'MARTIN', to: 'LEROY' },
      { kind: 'rpps', to: '99700900014' },
    ],
    withdrawAction: '/mon-compte/demandes/1/annuler',
  },
  workplaces: [
    {
      name: 'Cabinet',
      address: '1 rue du Test',
      postalCode: '99000',
      town: 'Saint-Exemple',
      centre: 'Centre',
    },
    { name: 'Hôpital', finess: '0B0190011', gone: true },
  ],
  action: '/mon-compte',
  editUrl: '/mon-compte?edition=1',
  cancelUrl: '/mon-compte',
  workplacesUrl: '/mon-compte/lieux',
  civilites: [{ code: 'MME', label: 'Madame' }],
  professions: [{ code: '10', label: 'Médecin' }],
};
const place = {
  id: 'p1',
  name: 'HOPITAL GENERIQUE',
  address: '1 rue du Test',
  postalCode: '99000',
  town: 'Ville',
};

export const MY_ACCOUNT: Sample[] = [
  {
    template: `${FOLDER}/profile.njk`,
    context: profile,
    says: [
      "J'édite mon profil",
      "En attente d'approbation",
      'Nom : MARTIN → LEROY',
      'N° RPPS : non renseigné → 99700900014',
      'Demandé le 24 novembre 2026',
      'Annuler ma demande',
      'Laboratoire : Centre',
      "Ce lieu n'est plus dans les registres.",
    ],
  },
  {
    template: `${FOLDER}/profile.njk`,
    context: {
      ...profile,
      isEditing: true,
      waiting: undefined,
      errors: { rpps: { key: 'fault.rpps.key' } },
      values: {
        civilite: 'MME',
        familyName: 'MARTIN',
        givenName: 'Camille',
        rpps: '1',
        title: 'Secrétariat',
      },
      fields: ['civilite', 'givenName', 'familyName', 'rpps', 'title', 'profession'].map((kind) => ({
        kind,
        isApproved: kind !== 'profession',
      })),
    },
    says: [
      'Valider',
      "Change après l'accord d'un administrateur",
      'Intitulé du compte',
      'Revenir sans rien changer',
    ],
  },
  {
    template: `${FOLDER}/profile.njk`,
    context: { ...profile, isEditing: true, fields: [], accountKind: 'secretary' },
    says: ["Votre demande est en cours d'examen."],
  },
  {
    template: `${FOLDER}/workplaces.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/lieux',
      chosen: [place],
      action: '/a',
      searchUrl: '/b',
      backUrl: '/c',
    },
    says: ["Mes lieux d'exercice", 'Lieu retenu', 'HOPITAL GENERIQUE', 'Rechercher un établissement'],
  },
  {
    template: `${FOLDER}/personal-data.njk`,
    context: {
      ...signedIn,
      path: '/d',
      action: '/t',
      shown: 50,
      activityUrl: '/a',
      sections: [
        {
          kind: 'account',
          items: [
            [
              { kind: 'familyName', text: 'MARTIN' },
              { kind: 'state', text: 'active', wordsKind: 'state', valueKind: 'active' },
              { kind: 'refusesEmailCode', text: 'false', isTrue: false },
              { kind: 'createdAt', text: '2026-11-24T08:00:00.000Z', isMoment: true },
            ],
          ],
        },
        {
          kind: 'journal',
          isCut: true,
          count: 120,
          items: [[{ kind: 'by', text: 'you', wordsKind: 'by', valueKind: 'you' }]],
        },
      ],
      backUrl: '/mon-compte',
    },
    says: [
      'Télécharger mes données',
      'Créé le24 novembre 2026',
      'Refuse le code par e-mailnon',
      'Étatactif',
      'Les 50 plus récentes sur 120',
      'Parvous',
    ],
  },
  {
    template: `${FOLDER}/closing.njk`,
    context: { ...signedIn, path: '/f', days: 30, dataUrl: '/d', action: '/f', backUrl: '/mon-compte' },
    says: ['Fermer mon compte', "Vous avez 30 jours pour changer d'avis", "Télécharger d'abord mes données"],
  },
  {
    template: `${FOLDER}/closing.njk`,
    context: {
      ...signedIn,
      path: '/f',
      membersUrl: '/s',
      title: 'Secrétariat & Cie',
      supportEmail: 'a@b.test',
    },
    says: ['Secrétariat & Cie est un compte partagé', 'Quitter ce compte'],
  },
  {
    template: 'sign-in/reopen.njk',
    context: {
      email: 'camille@example.test',
      until: new Date('2026-12-24T08:00:00Z'),
      action: '/r',
      backUrl: '/',
    },
    says: ['Rouvrir mon compte', 'il sera effacé à partir du 24 décembre 2026', 'Le laisser fermé'],
  },
  {
    template: `${FOLDER}/centres.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/lieux',
      workplaces: [place],
      keepPlaces: true,
      centres: [{ code: 'c1', label: 'Centre des Quais' }],
      action: '/a',
      backUrl: '/c',
    },
    says: ['Vos laboratoires', 'Laboratoire habituel : HOPITAL GENERIQUE', 'Terminer'],
  },
  {
    template: `${FOLDER}/sessions.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/sessions',
      alert: { kind: 'success', key: 'alert.notice.session-ended' },
      sessions: [
        { ...session, isThis: true },
        { ...session, deviceName: '', methods: [] },
      ],
      othersAction: '/mon-compte/sessions/fermer-les-autres',
    },
    says: [
      'La session est fermée.',
      'Mon compte',
      'Sessions et appareils',
      'Firefox, Android',
      'cet appareil',
      'Connexion le 24 novembre 2026 à 09:00 (mot de passe, code par SMS).',
      "Vu pour la dernière fois le 24 novembre 2026 à 10:30, depuis l'adresse 192.0.2.7.",
      'Navigateur inconnu',
      'Fermer cette session (Navigateur inconnu',
      'Fermer toutes les autres',
    ],
  },
  {
    template: `${FOLDER}/sessions.njk`,
    context: { ...signedIn, path: '/mon-compte/sessions', sessions: [{ ...session, isThis: true }] },
    says: ["Votre compte n'est ouvert nulle part ailleurs."],
  },
  {
    template: `${FOLDER}/applications.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/applications',
      applications: [
        {
          name: 'Messagerie',
          icon: 'mail',
          scopes: ['profile', 'email', 'offline_access'],
          since: '2026-11-24T08:00:00.000Z',
          lastUsedAt: '2026-11-24T09:00:00.000Z',
          action: '/mon-compte/applications/messagerie/retirer',
        },
        {
          name: 'Imagerie',
          icon: 'scan',
          scopes: [],
          since: '2026-11-24T08:00:00.000Z',
          lastUsedAt: '2026-11-24T09:00:00.000Z',
          action: '/mon-compte/applications/imagerie/retirer',
        },
      ],
    },
    says: [
      'Depuis le 24 novembre 2026 à 09:00.',
      'Dernier accès obtenu le 24 novembre 2026 à 10:00.',
      'Votre identité prénom et nom',
      'Votre adresse mail',
      'Un accès qui dure',
      'Un identifiant technique',
      "Retirer l'accès de Messagerie",
    ],
  },
  {
    template: `${FOLDER}/applications.njk`,
    context: { ...signedIn, path: '/mon-compte/applications', applications: [] },
    says: ["Aucune application n'a d'accès en ce moment."],
  },
  {
    template: `${FOLDER}/activity.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/activite',
      supportEmail: 'assistance@example.test',
      activities: [
        {
          kind: 'signed-in',
          application: 'Messagerie',
          methods: [{ kind: 'password' }, { kind: 'email' }],
          at: '2026-11-24T08:00:00.000Z',
          source: '192.0.2.7',
        },
        { kind: 'signed-in', methods: [{ kind: 'passkey' }], at: '2026-11-24T08:00:00.000Z' },
        { kind: 'refused-password', isFailure: true, methods: [], at: '2026-11-24T07:00:00.000Z' },
        {
          kind: 'security-changed',
          changeKind: 'passkey-added',
          name: 'Clé bleue',
          methods: [],
          at: '2026-11-24T07:00:00.000Z',
        },
        { kind: 'session-ended', name: 'Firefox, Android', methods: [], at: '2026-11-24T07:00:00.000Z' },
      ],
      firstUrl: '/mon-compte/activite',
      nextUrl: '/mon-compte/activite?avant=12',
    },
    says: [
      'Connexion à Messagerie (mot de passe, code par e-mail)',
      '24 novembre 2026 à 09:00 · adresse 192.0.2.7',
      "Connexion (clé d'accès)",
      'Connexion refusée : mot de passe faux',
      "Une clé d'accès a été ajoutée à votre compte (Clé bleue)",
      'Session fermée à distance (Firefox, Android)',
      'Plus anciennes',
      'Les plus récentes',
    ],
  },
  {
    template: `${FOLDER}/activity.njk`,
    context: {
      ...signedIn,
      path: '/mon-compte/activite',
      supportEmail: 'assistance@example.test',
      activities: [],
      isFirst: true,
    },
    says: ['Rien à signaler.'],
  },
];
