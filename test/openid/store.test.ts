import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createKeyring, UnsealError } from '../../src/lib/keyring.ts';
import { type Payload, UnitOfWork } from '../../src/openid/unit-of-work.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { signIn, Visitor } from '../support/visitor.ts';

const HOUR = 3_600;
const [ONE, TWO] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];

describe('the engine’s rows', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  const seconds = () => Math.floor(Date.now() / 1000);
  const unit = () => new UnitOfWork(app.deps.engineStore, app.deps.keyring);

  async function write(model: string, id: string, payload: Payload): Promise<void> {
    const one = unit();
    one.upsert(model, id, payload, undefined);
    await one.flush();
  }

  it('hold no identifier, token, code or person in clear', async () => {
    const visitor = new Visitor(app.issuer);
    const client = await createTestClient(app.issuer, 'messagerie');
    const authorization = await client.authorize();
    const interaction = await visitor.get(authorization.url);
    const back = await signIn(app, visitor, authorization.url, { email: 'camille@example.test' });
    const location = back.headers.get('location') as string;
    const tokens = await client.exchange(authorization, location);
    const cookies = await visitor.jar.getCookies(app.issuer);
    const secrets = [
      new URL(interaction.url).pathname.split('/').at(-1),
      new URL(location).searchParams.get('code'),
      authorization.state,
      authorization.nonce,
      tokens.access_token,
      tokens.refresh_token,
      'camille',
      '99700900048',
      ...cookies.map(({ value }) => value),
    ].filter((secret): secret is string => typeof secret === 'string' && secret !== 'fr');
    expect(secrets.length).to.be.greaterThan(8);

    const rows: Record<string, unknown>[] = [
      ...(await app.database.knex('oidc_payloads')),
      ...(await app.database.knex('oidc_sessions')),
      ...(await app.database.knex('journeys')),
      ...(await app.database.knex('signing_keys')),
    ];
    expect(new Set(rows.map(({ model }) => model)))
      .to.include('Interaction')
      .and.include('RefreshToken');
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value) ?? '');
        for (const secret of secrets) {
          const what = `${row.model ?? 'row'}.${column}`;
          expect(bytes.includes(secret), what).to.equal(false);
          expect(bytes.includes(Buffer.from(secret, 'base64url')), what).to.equal(false);
          // Nor a digest that anybody could compute from a token that leaked elsewhere.
          expect(bytes.includes(createHash('sha256').update(secret).digest()), what).to.equal(false);
        }
        if (/hash$/.test(column) && value) expect(value, column).to.have.length(32);
      }
    }
    for (const { private_jwk: sealed } of await app.database.knex('signing_keys')) {
      expect(sealed.toString('latin1')).not.to.match(/"kty"|"d":/);
    }
  });

  it('open in their own place only, under the installation’s own key', async () => {
    const { keyring } = app.deps;
    await write('Grant', 'one', { exp: seconds() + HOUR, accountId: ONE, scope: 'openid' });
    await write('Grant', 'two', { exp: seconds() + HOUR, accountId: TWO, scope: 'openid rpps' });
    const hash = (id: string) => unit().hash('Grant', id);
    const row = (id: string) => app.database.knex('oidc_payloads').where({ id_hash: hash(id) });
    const find = (id: string) =>
      unit()
        .find('Grant', id)
        .then(
          (payload) => payload?.accountId,
          (error: Error) => error.name,
        );
    expect([await find('one'), await find('two')]).to.deep.equal([ONE, TWO]);

    const { payload } = await row('two').first('payload');
    await row('one').update({ payload });
    expect(await find('one'), 'moved from another row').to.equal('UnsealError');

    const place = `engine/${hash('two').toString('hex')}`;
    for (const index of [0, 5, payload.length - 1]) {
      const changed = Buffer.from(payload);
      changed[index] = (changed[index] as number) ^ 1;
      expect(() => keyring.unseal(place, changed), `byte ${index}`).to.throw(UnsealError);
    }
    expect(() => keyring.unseal(place, payload.subarray(0, 20))).to.throw(UnsealError);
    expect(() => createKeyring([randomBytes(32)]).unseal(place, payload)).to.throw(UnsealError);
    await row('one').delete();
  });

  it('are named by a digest of the model and the identifier, under the key', () => {
    const one = unit();
    expect(one.hash('Grant', 'x').equals(one.hash('AccessToken', 'x'))).to.equal(false);
    expect(one.hash('Grant', 'x').equals(unit().hash('Grant', 'x'))).to.equal(true);
    const other = new UnitOfWork(app.deps.engineStore, createKeyring([randomBytes(32)]));
    expect(one.hash('Grant', 'x').equals(other.hash('Grant', 'x'))).to.equal(false);
  });

  it('open after the master key was rotated, and are found', async () => {
    const [old, fresh] = [randomBytes(32), randomBytes(32)];
    const before = new UnitOfWork(app.deps.engineStore, createKeyring([old]));
    before.upsert('Grant', 'rotated', { exp: seconds() + HOUR, accountId: null }, undefined);
    await before.flush();
    const after = new UnitOfWork(app.deps.engineStore, createKeyring([fresh, old]));
    expect(await after.find('Grant', 'rotated')).to.include({ accountId: null });
  });

  describe('swept', () => {
    const addPayloads = (count: number, expiresIn: string) =>
      app.database.knex.raw(
        `INSERT INTO oidc_payloads (id_hash, model, payload, expires_at)
         SELECT sha256(gen_random_uuid()::text::bytea), 'Swept', '', now() + ?::interval FROM generate_series(1, ?)`,
        [expiresIn, count],
      );
    const addSessions = (count: number, expiresIn: string) =>
      app.database.knex.raw(
        `INSERT INTO oidc_sessions (uid_hash, id_hash, payload, expires_at)
         SELECT sha256(gen_random_uuid()::text::bytea), sha256(gen_random_uuid()::text::bytea), '\\x00', now() + ?::interval
         FROM generate_series(1, ?)`,
        [expiresIn, count],
      );

    it('go when they have been expired for a while, in batches, and no others', async () => {
      await app.deps.engineStore.sweep();
      const [payloads, sessions] = [await count('oidc_payloads'), await count('oidc_sessions')];
      await addPayloads(4_500, '-11 minutes');
      await addPayloads(7, '-9 minutes');
      await addPayloads(5, '1 minute');
      await addSessions(30, '-11 minutes');
      await addSessions(3, '-9 minutes');
      await addSessions(4, '1 minute');

      const statements: number[] = [];
      const { pool } = app.deps;
      const { query } = pool;
      const watched = async (...args: unknown[]) => {
        const result = await (query as (...all: unknown[]) => Promise<{ rowCount: number }>).apply(
          pool,
          args,
        );
        if (String(args[0]).includes('DELETE FROM oidc_')) statements.push(result.rowCount);
        return result;
      };
      pool.query = watched as typeof pool.query;
      try {
        expect(await app.deps.engineStore.sweep()).to.equal(4_530);
      } finally {
        pool.query = query;
      }
      expect(statements).to.deep.equal([2_000, 2_000, 500, 30]);
      expect(await count('oidc_payloads')).to.equal(payloads + 12);
      expect(await count('oidc_sessions')).to.equal(sessions + 7);
      expect(await app.deps.engineStore.sweep(), 'nothing is left to do').to.equal(0);
    });

    it('go once when two nodes sweep at the same time', async () => {
      await addPayloads(3_000, '-1 hour');
      const [one, two] = await Promise.all([app.deps.engineStore.sweep(), app.deps.engineStore.sweep()]);
      expect(one + two).to.equal(3_000);
    });

    it('stop between batches when the node stops', async () => {
      await addPayloads(2_500, '-1 hour');
      const aborted = AbortSignal.abort();
      expect(await app.deps.engineStore.sweep(aborted)).to.equal(2_000);
      expect(await app.deps.engineStore.sweep()).to.equal(500);
    });

    const count = async (table: string) => Number((await app.database.knex(table).count())[0]?.count);
  });
});
