import { expect } from 'chai';
import { happeningOf } from '../../src/audit/activity.ts';
import { type JournalEvent, record, verifyChain } from '../../src/audit/journal.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { signIn, Visitor, wordsOf } from '../support/visitor.ts';
import { ADMIN, accountIdOf, CAMILLE, DOMINIQUE, signedIn } from './support.ts';

const PAGE = '/mon-compte/activite';

describe('what happened, as an entry of the journal tells it', () => {
  it('is something that a person understands, or nothing', () => {
    for (const [event, details, expected] of [
      [
        'sign-in.completed',
        { amr: ['pwd'], application: 'm' },
        { kind: 'signed-in', amr: ['pwd'], application: 'm' },
      ],
      [
        'sign-in.completed',
        { amr: 'x', steppedUp: true },
        { kind: 'stepped-up', amr: [], application: undefined },
      ],
      ['sign-in.refused', { step: 'password' }, { kind: 'refused-password' }],
      ['sign-in.refused', { step: 'current-password' }, { kind: 'refused-current-password' }],
      ['notification-email.changed', { email: 'x' }, { kind: 'notification-email-changed' }],
      [
        'application-email.removed',
        { application: 'm' },
        { kind: 'application-email-removed', application: 'm' },
      ],
      ['sign-in.refused', { step: 'constructor' }, undefined],
      ['sign-in.refused', {}, undefined],
      ['code.sent', { channel: 'sms', purpose: 'sign-in' }, { kind: 'code-sent-sms' }],
      [
        'security.changed',
        { change: 'totp-added' },
        { kind: 'security-changed', change: 'totp-added', name: undefined },
      ],
      ['security.changed', {}, undefined],
      ['session.ended', { others: true, count: 2 }, { kind: 'sessions-ended' }],
      ['session.ended', { device: 'Firefox' }, { kind: 'session-ended', name: 'Firefox' }],
      ['consent.given', { application: 'm' }, { kind: 'consent-given', application: 'm' }],
      ['consent.given', {}, undefined],
      ['logout.undelivered', { application: 'm' }, undefined],
      ['directory.imported', {}, undefined],
      ['toString', {}, undefined],
    ] as const)
      expect(happeningOf(event, details), event).to.deep.equal(expected);
  });
});

describe('recent activity', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  it('tells sign-ins, refusals and changes, in both languages, and nothing of anybody else', async () => {
    const wrong = new Visitor(app.issuer);
    await wrong.submit(await wrong.get('/connexion'), {
      email: DOMINIQUE.email,
      password: 'not-the-password',
    });
    await signedIn(app, CAMILLE);
    const visitor = await signedIn(app, DOMINIQUE);
    await visitor.submit(await visitor.get('/mon-compte/authentification-forte'), { preferred: 'email' });
    const page = await visitor.get(PAGE);
    const words = wordsOf(page);
    expect(words).to.match(
      /Votre moyen de confirmation a changé.*Connexion \(mot de passe, code par SMS\).*Code envoyé par SMS.*Connexion refusée : mot de passe faux.*adresse 127\.0\.0\.1/,
    );
    expect(words).not.to.include('code par e-mail)');
    expect(page.text).not.to.match(/\b\d{6}\b/);
    const english = wordsOf(await visitor.get(`${PAGE}?langue=en`));
    expect(english)
      .to.include('Sign-in refused: wrong password')
      .and.to.include('password, code by text message');
  });

  it('has a text for every event and detail, in both languages', async () => {
    const { knex } = app.database;
    const subject = await accountIdOf(app, CAMILLE);
    const visitor = await signedIn(app, CAMILLE);
    const all: [JournalEvent, object[]][] = [
      ...(
        ['account.approved', 'account.counters-cleared', 'account.created', 'account.restored'] as const
      ).map((event): [JournalEvent, object[]] => [event, [{}]]),
      ...(
        ['account.suspended', 'code.refused', 'invitation.revoked', 'member.added', 'member.invited'] as const
      ).map((event): [JournalEvent, object[]] => [event, [{}]]),
      ...(['recovery-code.used', 'sign-in.blocked', 'sign-out.completed'] as const).map(
        (event): [JournalEvent, object[]] => [event, [{}]],
      ),
      ['code.sent', [{ channel: 'email' }, { channel: 'sms' }]],
      ...(['consent.given', 'consent.refused', 'grant.revoked', 'token.replayed'] as const).map(
        (event): [JournalEvent, object[]] => [
          event,
          [{ application: 'messagerie' }, { application: 'gone' }],
        ],
      ),
      [
        'sign-in.completed',
        [
          { amr: ['pwd', 'otp', 'mfa'], application: 'messagerie' },
          { amr: ['pop', 'user'], application: 'caducee', steppedUp: true },
          { amr: ['pwd', 'recovery'], application: 'messagerie', steppedUp: true },
        ],
      ],
      [
        'sign-in.refused',
        ['assurance', 'passkey', 'password', 'recovery-code', 'totp'].map((step) => ({ step })),
      ],
      ['session.ended', [{ others: true }, { device: 'Firefox, Android' }, { device: '' }]],
      [
        'security.changed',
        ['passkey-added', 'phone-removed', 'totp-added', 'recovery-codes-created'].map((change) => ({
          change,
        })),
      ],
    ];
    let count = 0;
    for (const [event, every] of all)
      for (const details of every) {
        count += 1;
        await record(knex, app.clock, { event, outcome: 'success', subject, details: { ...details } });
      }
    expect(count).to.be.above(30);
    const first = await visitor.get(PAGE);
    expect([first.status, first.text.match(/class="log__entry/g)?.length]).to.deep.equal([200, 30]);
    expect(wordsOf(first)).to.include('Accès autorisé pour Messagerie');
    const older = /href="([^"]*avant=\d+)"/.exec(first.text)?.[1] ?? '';
    const second = await visitor.get(older);
    expect(second.status).to.equal(200);
    expect(wordsOf(second)).to.include('Compte approuvé').and.to.include('Les plus récentes');
    expect(second.text).not.to.include('rel="next"');
    for (const path of [PAGE, older]) {
      const english = await visitor.get(`${path}${path.includes('?') ? '&' : '?'}langue=en`);
      expect(english.status).to.equal(200);
      expect(wordsOf(english)).to.include('Recent activity');
    }
  });

  it('leaves out what an administrator did to others, and what is not about a person', async () => {
    const { knex } = app.database;
    const [admin, camille] = [await accountIdOf(app, ADMIN), await accountIdOf(app, CAMILLE)];
    await record(knex, app.clock, {
      event: 'account.suspended',
      outcome: 'success',
      actor: admin,
      subject: camille,
    });
    await record(knex, app.clock, { event: 'logout.undelivered', outcome: 'failure', subject: admin });
    const visitor = new Visitor(app.issuer);
    await signIn(app, visitor, '/connexion', ADMIN);
    expect(wordsOf(await visitor.get(PAGE))).not.to.include('suspendu');
    expect((await verifyChain(knex)).brokenAt).to.equal(undefined);
  });

  it('is read by an index, for an account and for a member', async () => {
    const { knex } = app.database;
    await knex.raw(
      `INSERT INTO journal (entry) SELECT json_build_object('at', now(), 'event', 'sign-in.completed',
         'subject', gen_random_uuid(), 'actor', gen_random_uuid(), 'details', json_build_object('member', gen_random_uuid()))::text
       FROM generate_series(1, 3000)`,
    );
    await knex.raw('ANALYZE journal');
    const plan = async (condition: string) => {
      const { rows } = await knex.raw(
        `EXPLAIN SELECT seq FROM journal WHERE ${condition} ORDER BY seq DESC LIMIT 31`,
      );
      return JSON.stringify(rows);
    };
    expect(await plan(`subject = 'x'`)).to.include('journal_subject');
    expect(await plan(`actor = 'x'`)).to.include('journal_actor');
    expect(await plan(`entry::jsonb -> 'details' ->> 'member' = 'x'`)).to.include('journal_member');
  });
});
