import { expect } from 'chai';
import {
  findConcept,
  isOffered,
  type ListName,
  labelOf,
  NOMENCLATURES,
  offered,
  SECRETARIAT_MEDICAL,
} from '../../src/nomenclatures/nomenclatures.ts';

const LISTS = Object.keys(NOMENCLATURES) as ListName[];
const codes = (list: ListName): string[] => offered(list).map(({ code }) => code);

/** JDV_J106-EnsembleProfession-RASS, version 20260330120000. */
const J106 = `10 21 26 28 31 32 40 50 60 70 80 81 82 83 84 85 86 91 92 94 95 96 98 71 72 73 93 41 99`.split(
  ' ',
);

const OFFERED: [ListName, number, readonly string[] | undefined][] = [
  ['professions', 29, J106],
  ['professionsEnFormation', 4, ['10', '21', '40', '50']],
  ['profilsNonPs', 1, ['SECRETARIAT_MEDICAL']],
  ['civilites', 2, ['M', 'MME']],
  ['civilitesExercice', 6, ['DR', 'MC', 'MG', 'PC', 'PG', 'PR']],
  ['categoriesProfessionnelles', 3, ['C', 'E', 'M']],
  ['typesSavoirFaire', 12, undefined],
  ['savoirFaire', 244, undefined],
  ['secteursActivite', 67, undefined],
  ['modesExercice', 3, ['S', 'L', 'B']],
  ['roles', 33, undefined],
  ['fonctions', 40, undefined],
  ['genresActivite', 10, undefined],
  ['sectionsPharmacien', 16, undefined],
];

describe('nomenclatures', () => {
  for (const list of LISTS) {
    const { name, oid, version, source, concepts } = NOMENCLATURES[list];
    describe(name, () => {
      it('has each code once, with a label and no stray space', () => {
        expect(concepts.length).to.be.greaterThan(0);
        expect(new Set(concepts.map(({ code }) => code)).size).to.equal(concepts.length);
        for (const { code, label } of concepts) {
          expect(code, label).to.match(/^\S+$/);
          expect(label, code).to.match(/^\S(.*\S)?$/);
        }
      });

      it('says its version or that it has none, its source, and where each code comes from', () => {
        if (version !== null) expect(version).to.match(/^20\d{6}(\d{6})?$/);
        expect(source).to.match(/^(TRE|JDV)_[A-Z]\d+/);
        for (const concept of concepts) {
          expect(concept.oid ?? oid, concept.code).to.match(/^1\.2\.250(\.\d+)+$/);
          if (typeof concept.ended === 'string') expect(concept.ended).to.match(/^20\d\d(-\d\d-\d\d)?$/);
        }
      });

      it('offers what is in force, and nothing else', () => {
        for (const { code, label, ended, offered: kept } of concepts) {
          const open = ended === undefined && kept !== false;
          expect(isOffered(list, code), code).to.equal(open);
          expect(codes(list).includes(code), code).to.equal(open);
          expect(labelOf(list, code)).to.equal(label);
        }
      });
    });
  }

  it('offer the expected lists', () => {
    expect(OFFERED.map(([list]) => list).sort()).to.deep.equal([...LISTS].sort());
    for (const [list, count, expected] of OFFERED) {
      expect(codes(list), list).to.have.length(count);
      if (expected) expect(codes(list), list).to.have.members([...expected]);
    }
  });

  const READABLE: [ListName, string, string][] = [
    ['professions', '35', 'Aide-soignant'],
    ['professions', '36', 'Ambulancier'],
    ['professions', '37', 'Auxiliaire de puériculture'],
    ['professions', '38', 'Préparateur en pharmacie hospitalière'],
    ['professions', '39', 'Préparateur en pharmacie (officine)'],
    ['professions', '97', 'Conseiller en génétique'],
    ['professions', '69', 'Infirmier psychiatrique'],
    ['professions', '53', 'Accompagnant éducatif et social'],
    ['civilites', 'MLLE', 'Mademoiselle'],
    ['categoriesProfessionnelles', 'F', 'Fonctionnaire'],
    ['secteursActivite', 'SA11', "Entreprise d'intérim"],
    ['genresActivite', 'GENR07', 'Activité intérimaire'],
  ];
  for (const [list, code, label] of READABLE)
    it(`read ${code} of ${list} and never offer it`, () => {
      expect(labelOf(list, code)).to.equal(label);
      expect(isOffered(list, code)).to.equal(false);
    });

  it('know nothing of another code, nor of an object’s own words', () => {
    for (const code of ['', '0', '010', ' 10', 'constructor', '__proto__', 'toString']) {
      expect(labelOf('professions', code), code).to.equal(undefined);
      expect(isOffered('professions', code), code).to.equal(false);
    }
    expect(isOffered('civilites', 'mme')).to.equal(false);
  });

  it('give a secretary a profile and no profession', () => {
    expect(offered('profilsNonPs')).to.deep.equal([
      { code: SECRETARIAT_MEDICAL, label: 'Secrétariat médical' },
    ]);
    expect(labelOf('professions', SECRETARIAT_MEDICAL)).to.equal(undefined);
  });

  it('keep the terminology of each profession', () => {
    expect(findConcept('professions', '10')?.oid).to.equal('1.2.250.1.71.1.2.7');
    expect(findConcept('professions', '93')?.oid).to.equal('1.2.250.1.213.1.6.1.109');
    expect(findConcept('professions', '99')?.oid).to.equal('1.2.250.1.213.1.6.1.140');
  });

  it('hand out lists that a caller may change without changing the nomenclature', () => {
    offered('civilites').pop();
    expect(codes('civilites')).to.have.length(2);
  });
});
