import { expect } from 'chai';
import { createAccount } from '../../src/accounts/accounts.ts';
import { parseEmailAddress } from '../../src/accounts/contacts.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  listAccountWorkplaces,
  MAX_ACCOUNT_WORKPLACES,
  setAccountWorkplaces,
  UnknownChoiceError,
} from '../../src/workplaces/account-workplaces.ts';
import {
  closeCentre,
  createCentre,
  DuplicateCentreError,
  findCentre,
  listCentres,
  renameCentre,
} from '../../src/workplaces/centres.ts';
import { createPlaces, type Places, site } from './support.ts';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const SITES = Array.from({ length: 25 }, (_, n) => site(`0B00000${n + 10}`, `SITE ${n}`));

describe('laboratory centres', () => {
  let places: Places;
  before(async () => {
    places = await createPlaces();
  });
  after(() => places.close());

  it('are created, renamed and closed, and listed by name while open', async () => {
    const { knex } = places;
    const nord = await createCentre(knex, systemClock, '  Centre \u00a0Nord ');
    const est = await createCentre(knex, systemClock, 'centre Est');
    const sud = await createCentre(knex, systemClock, 'Centre Sud');
    expect((await listCentres(knex)).map(({ name }) => name)).to.deep.equal([
      'centre Est',
      'Centre Nord',
      'Centre Sud',
    ]);
    expect(await renameCentre(knex, sud, 'Centre du Sud')).to.equal(true);
    expect(await closeCentre(knex, systemClock, est)).to.equal(true);
    expect(await closeCentre(knex, systemClock, est)).to.equal(false);
    expect(await listCentres(knex)).to.deep.equal([
      { id: sud, name: 'Centre du Sud', closed: false },
      { id: nord, name: 'Centre Nord', closed: false },
    ]);
    expect(await findCentre(knex, est)).to.deep.equal({ id: est, name: 'centre Est', closed: true });
  });

  it('have distinct names while open', async () => {
    const { knex } = places;
    const failure = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error) => error,
      );
    expect(await failure(createCentre(knex, systemClock, 'CENTRE  NORD'))).to.be.instanceOf(
      DuplicateCentreError,
    );
    const other = await createCentre(knex, systemClock, 'Centre Est');
    expect(await failure(renameCentre(knex, other, 'centre nord'))).to.be.instanceOf(DuplicateCentreError);
    expect(await failure(createCentre(knex, systemClock, '  '))).to.be.instanceOf(Error);
  });

  it('are unknown by another identifier', async () => {
    for (const id of [UNKNOWN, '', 'x', "' OR 1=1"]) {
      expect(await findCentre(places.knex, id)).to.equal(undefined);
      expect(await renameCentre(places.knex, id, 'X')).to.equal(false);
      expect(await closeCentre(places.knex, systemClock, id)).to.equal(false);
    }
  });
});

describe('workplaces of an account', () => {
  let places: Places;
  let account: string;
  let other: string;
  let ids: string[];
  let nord: string;
  let sud: string;
  const list = async (id = account) =>
    (await listAccountWorkplaces(places.knex, id)).map(
      ({ workplace, centre, gone }) => `${workplace.name}, ${centre?.name}${gone ? ', gone' : ''}`,
    );
  const refusal = (chosen: Parameters<typeof setAccountWorkplaces>[2]) =>
    setAccountWorkplaces(places.knex, account, chosen).then(
      () => 'kept',
      (error) => (error instanceof UnknownChoiceError ? error.field : error),
    );
  const at = (n: number, centreId: string | undefined = nord) => ({
    workplaceId: ids[n] as string,
    centreId,
  });

  async function person(address: string): Promise<string> {
    const email = parseEmailAddress(address);
    if (!email.ok) throw new Error(address);
    return createAccount(places.knex, systemClock, {
      kind: 'professional',
      state: 'active',
      familyName: 'DOC',
      givenName: 'Ange',
      identityProof: 'declared',
      passwordHash: 'none',
      termsVersion: 'test',
      emails: [email.value],
      phones: [],
    });
  }

  before(async () => {
    places = await createPlaces();
    await places.importFiness(SITES);
    ids = await places.knex('workplaces').orderBy('finess').pluck('id');
    account = await person('ange@example.test');
    other = await person('autre@example.test');
    nord = await createCentre(places.knex, systemClock, 'Nord');
    sud = await createCentre(places.knex, systemClock, 'Sud');
  });
  after(() => places.close());

  it('are several, each with its centre, in the person’s order', async () => {
    await setAccountWorkplaces(places.knex, account, [at(5, sud), at(2), at(9, sud)]);
    await setAccountWorkplaces(places.knex, other, [{ ...at(2), centreId: undefined }]);
    expect(await list()).to.deep.equal(['SITE 5, Sud', 'SITE 2, Nord', 'SITE 9, Sud']);
    expect(await list(other)).to.deep.equal(['SITE 2, undefined']);
    const [first] = await listAccountWorkplaces(places.knex, account);
    expect(first).to.deep.equal({
      workplace: {
        id: ids[5],
        name: 'SITE 5',
        address: '12 R DES LILAS',
        postalCode: '99100',
        town: 'TESTVILLE',
        finess: '0B0000015',
      },
      gone: false,
      centre: { id: sud, name: 'Sud', closed: false },
    });
  });

  it('are replaced as a whole', async () => {
    await setAccountWorkplaces(places.knex, account, [at(9), at(5, sud)]);
    expect(await list()).to.deep.equal(['SITE 9, Nord', 'SITE 5, Sud']);
    await setAccountWorkplaces(places.knex, account, []);
    expect(await list()).to.deep.equal([]);
    expect(await list(other)).to.deep.equal(['SITE 2, undefined']);
  });

  it('refuse what no form offers, and keep what they were', async () => {
    await setAccountWorkplaces(places.knex, account, [at(1)]);
    const refused: [string, Parameters<typeof setAccountWorkplaces>[2], string][] = [
      ['an unknown place', [at(2), { workplaceId: UNKNOWN, centreId: nord }], 'workplace'],
      ['no identifier', [{ workplaceId: "'; DROP TABLE accounts", centreId: nord }], 'workplace'],
      ['a place twice', [at(2), at(2, sud)], 'workplace'],
      [
        'a place twice in other capitals',
        [at(2), { ...at(2), workplaceId: ids[2]!.toUpperCase() }],
        'workplace',
      ],
      ['an unknown centre', [at(2, UNKNOWN)], 'centre'],
      ['a centre that is none', [at(2, 'x')], 'centre'],
      ['too many', SITES.slice(0, MAX_ACCOUNT_WORKPLACES + 1).map((_, n) => at(n)), 'workplace'],
    ];
    for (const [what, chosen, field] of refused) expect(await refusal(chosen), what).to.equal(field);
    expect(await list()).to.deep.equal(['SITE 1, Nord']);
    await setAccountWorkplaces(
      places.knex,
      account,
      SITES.slice(0, MAX_ACCOUNT_WORKPLACES).map((_, n) => at(n)),
    );
    expect(await list()).to.have.length(MAX_ACCOUNT_WORKPLACES);
  });

  it('never mix two lists sent at once', async () => {
    const lists = Array.from({ length: 8 }, (_, n) => [at(n), at(n + 8), at(n + 16)]);
    await Promise.all(lists.map((chosen) => setAccountWorkplaces(places.knex, account, chosen)));
    const kept = (await listAccountWorkplaces(places.knex, account)).map(({ workplace }) => workplace.id);
    expect(lists.map((chosen) => chosen.map(({ workplaceId }) => workplaceId))).to.deep.include(kept);
  });

  it('keep a place that vanished and a centre that closed, readable and for those who have them only', async () => {
    await setAccountWorkplaces(places.knex, account, [at(3, sud), at(4)]);
    await places.importFiness(SITES.filter((_, n) => n !== 3));
    await closeCentre(places.knex, systemClock, sud);
    expect(await list()).to.deep.equal(['SITE 3, Sud, gone', 'SITE 4, Nord']);
    expect((await listAccountWorkplaces(places.knex, account))[0]?.centre?.closed).to.equal(true);
    expect(await refusal([at(4), at(3, sud)])).to.equal('kept');
    expect(await list()).to.deep.equal(['SITE 4, Nord', 'SITE 3, Sud, gone']);
    const refusalOfOther = (chosen: ReturnType<typeof at>) =>
      setAccountWorkplaces(places.knex, other, [chosen]).catch((error) => error.field);
    expect(await refusalOfOther(at(3))).to.equal('workplace');
    expect(await refusalOfOther(at(4, sud))).to.equal('centre');
    await setAccountWorkplaces(places.knex, account, [at(4)]);
    expect(await refusal([at(3)])).to.equal('workplace');
  });

  it('go with their account, and belong to one transaction with it', async () => {
    const { knex } = places;
    await knex
      .transaction(async (trx) => {
        await setAccountWorkplaces(trx, other, [at(7)]);
        throw new Error('later failure');
      })
      .catch(() => undefined);
    expect(await list(other)).to.deep.equal(['SITE 2, undefined']);
    await knex('accounts').where({ id: other }).delete();
    expect(await list(other)).to.deep.equal([]);
  });
});
