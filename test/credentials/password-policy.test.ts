import { expect } from 'chai';
import fc from 'fast-check';
import { judgePassword, loadPasswordDictionaries } from '../../src/credentials/password-policy.ts';

const PERSONAL = ['Zoé-Anne', "D'Essai", 'zoe.essai@cabinet-soleil.example', '99700900014', '1980-06-17'];

describe('password policy', () => {
  before(() => loadPasswordDictionaries());

  const accepted = [
    'correct horse battery staple',
    'cheval agrafe pile',
    'tournesol 47 grenouille',
    'kX9#vB2!mQ7z',
    'Lampe/Verte,Ruelle',
    '4839201748362915',
    'éléphant-à-bicyclette',
    'vjqkxwzhfplm',
    '密码安全测试一二三四五六',
    'constructor hasOwnProperty',
    `${'a'.repeat(40)}kX9#vB2!mQ7zT4&w`,
    'x7'.concat('lapin fume verte '.repeat(7)),
  ];
  for (const password of accepted)
    it(`accepts ${password}`, () => {
      expect(judgePassword(password, { personal: PERSONAL })).to.have.property('ok', true);
    });

  const refused: [string, string, Record<string, number>?][] = [
    ['', 'fault.required.password'],
    ['kX9#vB2!mQ7', 'fault.password.tooShort', { min: 12 }],
    ['e\u0301'.repeat(11), 'fault.password.tooShort', { min: 12 }],
    ['kX9#vB2!'.repeat(16).concat('z'), 'fault.password.tooLong', { max: 128 }],
    ['z'.repeat(1_000_000), 'fault.password.tooLong', { max: 128 }],
    ['kX9#vB2!mQ7z\u0000', 'fault.characters'],
    ['kX9#vB2!mQ7z\n', 'fault.characters'],
    ['kX9#vB2!mQ7z\ud800', 'fault.characters'],
    ['483920174836', 'fault.password.weak'],
    ['aaaaaaaaaaaa', 'fault.password.weak'],
    ['1'.repeat(128), 'fault.password.weak'],
    ['é'.repeat(12), 'fault.password.weak'],
    ['abcabcabcabc', 'fault.password.weak'],
    ['Ab1!ab1!AB1!', 'fault.password.weak'],
    ['a1'.repeat(64), 'fault.password.weak'],
    ['12/12/1212'.repeat(12), 'fault.password.weak'],
    ['abcdefghijkl', 'fault.password.weak'],
    ['abcdefghijklmnopqrstuvwxyz', 'fault.password.weak'],
    ['1234567890123456', 'fault.password.common'],
    ['azertyuiopqs', 'fault.password.weak'],
    ['qsdfghjklmwx', 'fault.password.weak'],
    ['wxcvbnqsdfghj', 'fault.password.weak'],
    ['zaqwsxcderfv', 'fault.password.common'],
    ['qwertyuiopas', 'fault.password.common'],
    ['azertyazerty', 'fault.password.weak'],
    ['motdepasse12', 'fault.password.common'],
    ['MotDePasse2026', 'fault.password.common'],
    ['M0tD3P4ss3!!', 'fault.password.common'],
    ['p4ssw0rd1234', 'fault.password.common'],
    ['P@ssw0rd2026!', 'fault.password.common'],
    ['bonjourbonjour', 'fault.password.weak'],
    ['Marseille1234', 'fault.password.common'],
    ['iloveyou12345', 'fault.password.common'],
    ['Caducee-2026', 'fault.password.common'],
    ['Caducée-2026', 'fault.password.common'],
    ['c4duc33c4duc33', 'fault.password.weak'],
    ['Doctolib2026!', 'fault.password.common'],
    ['sagefemme!2026', 'fault.password.common'],
    ['cabinet-soleil', 'fault.password.personal'],
    ['zoe.essai.1980', 'fault.password.personal'],
    ['Zoé-Anne-2026', 'fault.password.personal'],
    ['zoeannedessai!', 'fault.password.personal'],
    ['Zoe-Essai-Z0e', 'fault.password.personal'],
    ['99700900014-kX', 'fault.password.personal'],
    ['899700900014zz', 'fault.password.personal'],
    ['17/06/1980-kX', 'fault.password.personal'],
    ['17061980essai', 'fault.password.personal'],
    ['1980-06-17!!a', 'fault.password.personal'],
    ['zoe.essai@cabinet-soleil.example', 'fault.password.personal'],
  ];
  for (const [password, key, vars] of refused)
    it(`refuses ${JSON.stringify(password.slice(0, 30))}: ${key}`, () => {
      const fault = vars === undefined ? { key } : { key, vars };
      expect(judgePassword(password, { personal: PERSONAL })).to.deep.equal({ ok: false, fault });
    });

  /** One word that many people choose, made long enough as many people do. */
  const decorated = [
    ['Azerty123456!', '1234azerty1234', 'Bienvenue2026!', 'vacances2026!', 'juillet2026!!', 'Chocolat!2024'],
    ['mamanpapa1234', 'toutlemonde12', 'lescopains12', '17061981soleil', '!!!septembre75', 'Papillon000000'],
    ['Nounours-2019!', 'Été2026!!!!!', 'Bretagne98765', 'jetaime777777'],
  ].flat();
  for (const password of decorated)
    it(`refuses « ${password} », a common word with something around it`, () => {
      expect(judgePassword(password, { personal: [] }).ok).to.equal(false);
    });

  it('accepts a word with something around it that no one would guess', () => {
    for (const password of ['chocolat7#Kq2xvW8!', 'ornithorynque!4718', 'jument bleue tranquille'])
      expect(judgePassword(password, { personal: [] }), password).to.have.property('ok', true);
  });

  it('accepts what a password manager draws', () => {
    const alphabet = [...'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%+:=?@'];
    const drawn = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 16, maxLength: 32 });
    fc.assert(
      fc.property(drawn, (password) => {
        fc.pre(new Set(password).size > 9);
        return judgePassword(password, { personal: PERSONAL }).ok;
      }),
      { numRuns: 300 },
    );
  });

  const strengths: [string, number, string][] = [
    ['vjqkxwzhfplm', 56.4, 'medium'],
    ['4839201748362915', 53.15, 'medium'],
    ['kX9#vB2!mQ7z', 78.84, 'medium'],
    ['kX9#vB2!mQ7zR', 85.41, 'strong'],
  ];
  for (const [password, bits, strength] of strengths)
    it(`counts ${bits} bits in ${password} (${strength})`, () => {
      const result = judgePassword(password, { personal: [] });
      expect(result.ok && result.value.bits).to.be.closeTo(bits, 0.01);
      expect(result.ok && result.value.strength).to.equal(strength);
    });

  it('judges two writings of one password alike (NFC)', () => {
    const composed = 'ruelle éclairée à vélo';
    const decomposed = composed.normalize('NFD');
    expect(judgePassword(decomposed, { personal: [] })).to.deep.equal(
      judgePassword(composed, { personal: [] }),
    );
  });

  it('never throws and never accepts fewer than 12 code points', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 3 }), (password, personal) => {
        const result = judgePassword(password, { personal });
        return !result.ok || (Array.from(password.normalize('NFC')).length >= 12 && result.value.bits >= 50);
      }),
    );
  });

  it('answers within 50 ms for the costliest 128 characters', () => {
    const costly = [
      '@4$310!'.repeat(19).slice(0, 127).concat('x'),
      '12/12/1212'.repeat(12).concat('12345678'),
      'kX9#vB2!mQ7zT4&w@4$310!+'.repeat(6).slice(0, 128),
    ];
    for (const password of costly) {
      const times = [1, 2, 3, 4, 5].map(() => {
        const start = performance.now();
        judgePassword(password, { personal: PERSONAL });
        return performance.now() - start;
      });
      expect(Math.min(...times)).to.be.lessThan(50);
    }
  });
});
