import { expect } from 'chai';
import { createKeyring } from '../../src/lib/keyring.ts';
import { createEngineStore } from '../../src/openid/store.ts';
import { UnitOfWork } from '../../src/openid/unit-of-work.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const PERSON = '11111111-1111-4111-8111-111111111111';
const exp = Math.floor(Date.now() / 1000) + 600;

describe('unit of work', () => {
  let database: TestDatabase;
  const keyring = createKeyring([Buffer.alloc(32, 7)]);
  const begin = () => new UnitOfWork(createEngineStore(database.pool), keyring);

  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('shows a request its own changes before they are written', async () => {
    const unit = begin();
    unit.upsert('Interaction', 'one', { jti: 'one', exp }, 600);
    expect(await unit.find('Interaction', 'one')).to.include({ jti: 'one' });
    expect(await begin().find('Interaction', 'one')).to.equal(undefined);
    unit.destroy('Interaction', 'one');
    expect(await unit.find('Interaction', 'one')).to.equal(undefined);
  });

  it('reads a token and its grant at once, and sees what happens to the grant', async () => {
    const setup = begin();
    setup.upsert('Grant', 'grant', { jti: 'grant', accountId: PERSON, exp }, 600);
    setup.upsert('AccessToken', 'granted', { jti: 'granted', grantId: 'grant', exp }, 600);
    setup.upsert('AccessToken', 'orphan', { jti: 'orphan', grantId: 'gone', exp }, 600);
    await setup.flush();

    let reads = 0;
    const store = createEngineStore(database.pool);
    const counting = {
      ...store,
      find(idHash: Buffer) {
        reads += 1;
        return store.find(idHash);
      },
    };
    const unit = new UnitOfWork(counting, keyring);
    expect(await unit.find('AccessToken', 'granted')).to.include({ jti: 'granted' });
    expect(await unit.find('Grant', 'grant')).to.include({ jti: 'grant', accountId: PERSON });
    expect(reads).to.equal(1);
    expect(await unit.find('AccessToken', 'orphan')).to.include({ jti: 'orphan' });
    expect(await unit.find('Grant', 'gone')).to.equal(undefined);

    unit.upsert('Grant', 'grant', { jti: 'grant', changed: true, exp }, 600);
    expect(await unit.find('Grant', 'grant')).to.include({ changed: true });
    unit.destroy('Grant', 'grant');
    expect(await unit.find('Grant', 'grant')).to.equal(undefined);
    await unit.flush();
    const after = begin();
    expect(await after.find('AccessToken', 'granted')).to.include({ jti: 'granted' });
    expect(await after.find('Grant', 'grant')).to.equal(undefined);
  });

  it('stores nothing of the request that consumed second', async () => {
    const setup = begin();
    setup.upsert('AuthorizationCode', 'code', { jti: 'code', exp }, 60);
    await setup.flush();
    const [first, second] = [begin(), begin()];
    for (const [unit, token] of [
      [first, 'token-1'],
      [second, 'token-2'],
    ] as const) {
      await unit.consume('AuthorizationCode', 'code');
      unit.upsert('AccessToken', token, { jti: token, exp }, 60);
    }
    expect(await first.flush()).to.equal(true);
    expect(await second.flush()).to.equal(false);
    expect(await begin().find('AccessToken', 'token-1')).to.include({ jti: 'token-1' });
    expect(await begin().find('AccessToken', 'token-2')).to.equal(undefined);
  });

  it('stores nothing when what it consumed was revoked meanwhile', async () => {
    const setup = begin();
    setup.upsert('RefreshToken', 'rt', { jti: 'rt', grantId: 'g', exp }, 60);
    await setup.flush();
    const late = begin();
    await late.consume('RefreshToken', 'rt');
    late.upsert('RefreshToken', 'rt-2', { jti: 'rt-2', grantId: 'g', exp }, 60);
    const revoking = begin();
    revoking.revokeGrant('g');
    await revoking.flush();
    expect(await late.flush()).to.equal(false);
    expect(await begin().find('RefreshToken', 'rt-2')).to.equal(undefined);
  });

  describe('of a session', () => {
    const session = (uid: string, jti: string, more: object = {}) => ({ uid, jti, exp, ...more });

    async function store(payload: ReturnType<typeof session>): Promise<void> {
      const unit = begin();
      unit.upsertSession(payload);
      await unit.flush();
    }

    async function rename(from: string, payload: ReturnType<typeof session>): Promise<void> {
      const unit = begin();
      await unit.findSession(from);
      await unit.destroySession(from);
      unit.upsertSession(payload);
      await unit.flush();
    }

    it('lets tabs of the same person follow a change of identifier', async () => {
      await store(session('u1', 'id-1', { accountId: PERSON }));
      await rename('id-1', session('u1', 'id-2', { accountId: PERSON }));
      expect(await begin().findSession('id-2')).to.include({ jti: 'id-2' });
      expect(await begin().findSession('id-1'), 'the former identifier leads to the new one').to.include({
        jti: 'id-2',
      });
      await database
        .knex('oidc_sessions')
        .update({ previous_until: database.knex.raw(`now() - interval '1 second'`) });
      expect(await begin().findSession('id-1')).to.equal(undefined);
    });

    it('gives nothing in a session that ended meanwhile', async () => {
      await store(session('u9', 'id-9', { accountId: PERSON }));
      const late = begin();
      await late.findSession('id-9');
      late.upsertSession(session('u9', 'id-10', { accountId: PERSON, authorizations: {} }));
      late.upsert('Grant', 'late-grant', { jti: 'late-grant', accountId: PERSON, exp }, 60);
      late.upsert('AuthorizationCode', 'late', { jti: 'late', grantId: 'late-grant', exp }, 60);
      late.upsert('Interaction', 'waiting', { jti: 'waiting', exp }, 60);
      const ending = begin();
      await ending.destroySession('id-9');
      await ending.flush();
      await late.flush();
      expect(await begin().findSession('id-10')).to.equal(undefined);
      expect(await begin().find('AuthorizationCode', 'late')).to.equal(undefined);
      expect(await begin().find('Grant', 'late-grant')).to.equal(undefined);
      expect(await begin().find('Interaction', 'waiting')).to.include({ jti: 'waiting' });
    });

    it('never opens by the identifier of before a sign-in (fixation)', async () => {
      await store(session('u2', 'planted'));
      await rename('planted', session('u2', 'id-3', { accountId: PERSON }));
      expect(await begin().findSession('planted')).to.equal(undefined);
      expect(await begin().findSession('id-3')).to.include({ accountId: PERSON });
    });

    it('never opens by an identifier of before another sign-in of the same person', async () => {
      const [before, after] = [
        { accountId: PERSON, loginTs: 100 },
        { accountId: PERSON, loginTs: 200 },
      ];
      await store(session('u5', 'first', before));
      await rename('first', session('u5', 'second', before));
      expect(await begin().findSession('first'), 'the same sign-in').to.include({ jti: 'second' });
      await rename('second', session('u5', 'third', after));
      expect(await begin().findSession('first')).to.equal(undefined);
      expect(await begin().findSession('second')).to.equal(undefined);
      expect(await begin().findSession('third')).to.include({ loginTs: 200 });
    });

    it('is followed by the former identifier after a change of something else, too', async () => {
      const same = { accountId: PERSON, loginTs: 100 };
      await store(session('u6', 'one', same));
      await rename('one', session('u6', 'two', same));
      const other = begin();
      await other.findSession('two');
      other.upsertSession(session('u6', 'two', { ...same, authorizations: { a: {} } }));
      await other.flush();
      expect(await begin().findSession('one')).to.include({ jti: 'two' });
    });

    it('stays signed out when a request that began before the sign-out writes last', async () => {
      await store(session('u3', 'id-4', { accountId: PERSON }));
      const late = begin();
      await late.findSession('id-4');
      const signOut = begin();
      await signOut.findSession('id-4');
      await signOut.destroySession('id-4');
      await signOut.flush();
      late.upsertSession(session('u3', 'id-4', { accountId: PERSON, authorizations: { a: {} } }));
      await late.flush();
      expect(await begin().findSession('id-4')).to.equal(undefined);
      expect(await begin().findSessionByUid('u3')).to.equal(undefined);
    });

    it('keeps what twenty requests add at once', async () => {
      await store(session('u4', 'id-5', { accountId: PERSON }));
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const unit = begin();
          const read = await unit.findSession('id-5');
          const known = read?.authorizations as object | undefined;
          const authorizations = { ...known, [`app-${index}`]: { sid: `s${index}` } };
          unit.upsertSession({ ...session('u4', 'id-5'), ...read, authorizations });
          await unit.flush();
        }),
      );
      const stored = await begin().findSession('id-5');
      expect(Object.keys(stored?.authorizations as object)).to.have.length(20);
    });
  });
});
