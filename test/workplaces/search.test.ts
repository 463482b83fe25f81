import { expect } from 'chai';
import { readWorkplaceQuery, searchTextOf } from '../../src/workplaces/search-text.ts';
import { findWorkplaces, searchWorkplaces } from '../../src/workplaces/workplaces.ts';
import { createPlaces, type Places, site } from './support.ts';

describe('text of a workplace search', () => {
  const texts: [Parameters<typeof searchTextOf>[0], string][] = [
    [
      { name: 'Clinique St-Éloi', town: 'NICE', postalCode: '06000' },
      ' clinique st eloi\t nice\t 06000\t saint\t',
    ],
    [{ name: 'HÔPITAL D’ŒUVRE' }, ' hopital d oeuvre\t'],
    [{ name: 'CH SAINTE ANNE', otherName: 'CH STE ANNE' }, ' ch sainte anne\t ch ste anne\t'],
    [{ name: 'SAINT-DENIS', town: 'SAINT-DENIS' }, ' saint denis\t st\t'],
    [{ name: 'A|B %_' }, ' a b\t'],
  ];
  for (const [place, text] of texts)
    it(`of ${place.name} is «${text}»`, () => {
      expect(searchTextOf(place)).to.equal(text);
    });

  const queries: [string, ReturnType<typeof readWorkplaceQuery>][] = [
    ['', undefined],
    [' a ', undefined],
    ['a b c', undefined],
    ['%', undefined],
    ['__', undefined],
    ['07', { finessPrefix: undefined, words: ['07'] }],
    ['Saint-É', { finessPrefix: undefined, words: ['saint', 'e'] }],
    ['75 071 218 4', { finessPrefix: '750712184', words: ['75', '071', '218', '4'] }],
    ['2a00', { finessPrefix: '2A00', words: ['2a00'] }],
    ['75071218444', { finessPrefix: undefined, words: ['75071218444'] }],
    ['a'.repeat(10_000), { finessPrefix: undefined, words: ['a'.repeat(120)] }],
    [`${'b '.repeat(50)}bb`, undefined],
  ];
  for (const [text, query] of queries)
    it(`${JSON.stringify(text.slice(0, 20))} is read as ${JSON.stringify(query)?.slice(0, 60)}`, () => {
      expect(readWorkplaceQuery(text)).to.deep.equal(query);
    });
});

describe('search of a workplace', () => {
  let places: Places;
  const names = async (text: string) => (await searchWorkplaces(places.knex, text)).map(({ name }) => name);

  before(async () => {
    places = await createPlaces();
    await places.importFiness([
      site('0B0000011', 'HÔPITAL DE LA MER', 'ESSAI-SUR-MER'),
      site('0B0000012', 'MER ET SOLEIL', 'ESSAI-SUR-MER'),
      site('0B0000013', 'MERCURE', 'BOURG'),
      site('0B0000014', 'MER', 'BOURG'),
      site('0B0000015', 'CLINIQUE DU PORT', 'MERVILLE'),
      site('0B0000016', "CABINET DE L'ÎLE D'ŒUF", 'SAINT-ZÉPHYR', { codepostal: '99700' }),
      site('750712184', 'CLINIQUE CHIFFRÉE', 'PARIS'),
      site('0B0000018', 'CENTRE HOSPITALIER DE BOURG', 'BOURG', { rslongue: 'GRAND HOPITAL DU BOURG' }),
      ...Array.from({ length: 30 }, (_, n) => site(`0B00001${n + 10}`, `PHARMACIE ${n + 1}`, 'NOMBREUSE')),
      site('0B0000300', 'PARTIE DEPUIS', 'BOURG'),
    ]);
  });
  after(() => places.close());

  const cases: [string, string, string[]][] = [
    [
      'a name, best first',
      'mer',
      ['MER', 'MER ET SOLEIL', 'MERCURE', 'HÔPITAL DE LA MER', 'CLINIQUE DU PORT'],
    ],
    ['without accents or case', 'hopital de la mer', ['HÔPITAL DE LA MER']],
    ['with other accents, apostrophes and hyphens', 'île d’oeuf saint zephyr', ["CABINET DE L'ÎLE D'ŒUF"]],
    ['abbreviated as FINESS does', 'oeuf st zephyr', ["CABINET DE L'ÎLE D'ŒUF"]],
    ['beginnings of words, in any order', 'zeph cab', ["CABINET DE L'ÎLE D'ŒUF"]],
    ['a town', 'merville', ['CLINIQUE DU PORT']],
    ['a name and a town', 'clin merv', ['CLINIQUE DU PORT']],
    ['a postal code', '99700', ["CABINET DE L'ÎLE D'ŒUF"]],
    ['the short name and the long one', 'centre hosp bourg', ['GRAND HOPITAL DU BOURG']],
    ['a FINESS number', '750712184', ['CLINIQUE CHIFFRÉE']],
    ['a FINESS number in groups', '75 071 218 4', ['CLINIQUE CHIFFRÉE']],
    ['a FINESS number with a letter', '0b 000 001 6', ["CABINET DE L'ÎLE D'ŒUF"]],
    ['the beginning of a FINESS number', '75 071', ['CLINIQUE CHIFFRÉE']],
    ['the middle of a word', 'pital', []],
    ['words that no place has together', 'mercure port', []],
    ['signs', "%_\\' --", []],
    ['nothing', '  ', []],
  ];
  for (const [what, text, expected] of cases)
    it(`by ${what}`, async () => {
      expect(await names(text)).to.deep.equal(expected);
    });

  it('gives 20 places at most, in the order of names', async () => {
    const found = await names('pharmacie nombreuse');
    expect(found).to.have.length(20);
    expect(found.slice(0, 3)).to.deep.equal(['PHARMACIE 1', 'PHARMACIE 10', 'PHARMACIE 11']);
  });

  it('gives the whole place, and only what is known of it', async () => {
    const [place] = await searchWorkplaces(places.knex, '0B0000015');
    expect(place).to.deep.equal({
      id: await places.idOf('CLINIQUE DU PORT'),
      name: 'CLINIQUE DU PORT',
      address: '12 R DES LILAS',
      postalCode: '99100',
      town: 'MERVILLE',
      finess: '0B0000015',
    });
  });

  it('finds by identifier what exists, in the order asked, each once', async () => {
    const [port, mer] = [await places.idOf('CLINIQUE DU PORT'), await places.idOf('MER')];
    const unknown = '00000000-0000-4000-8000-000000000000';
    const found = await findWorkplaces(places.knex, [
      port,
      'x',
      unknown,
      mer.toUpperCase(),
      port,
      "' OR 1=1",
    ]);
    expect(found.map(({ id }) => id)).to.deep.equal([port, mer]);
    expect(await findWorkplaces(places.knex, [])).to.deep.equal([]);
  });

  it('offers a place that vanished no more, and again once it is back', async () => {
    const id = await places.idOf('PARTIE DEPUIS');
    expect(await names('partie depuis')).to.deep.equal(['PARTIE DEPUIS']);
    await places.importFiness([site('0B0000011', 'HÔPITAL DE LA MER')], { force: true });
    expect(await names('partie depuis')).to.deep.equal([]);
    expect(await names('0B0000300')).to.deep.equal([]);
    expect(await findWorkplaces(places.knex, [id])).to.deep.equal([]);
    await places.importFiness([site('0B0000300', 'PARTIE DEPUIS')], { force: true });
    expect((await findWorkplaces(places.knex, [id])).map(({ name }) => name)).to.deep.equal([
      'PARTIE DEPUIS',
    ]);
  });
});
