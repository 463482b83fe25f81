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

export const MY_ACCOUNT: Sample[] = [
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
