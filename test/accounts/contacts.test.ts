import { expect } from 'chai';
import fc from 'fast-check';
import { maskEmail, maskPhone, parseEmailAddress, parsePhoneNumber } from '../../src/accounts/contacts.ts';

const atext = fc.stringMatching(/^[a-z0-9+_-]{1,20}$/);
const anAddress = fc
  .tuple(atext, fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.constantFrom('fr', 'test', 'sante.fr'))
  .map(([local, host, suffix]) => `${local}@${host}.${suffix}`);

describe('e-mail address', () => {
  const accepted: [string, string, string][] = [
    ['john.medecin@cn.medecin.fr', 'john.medecin@cn.medecin.fr', 'john.medecin@cn.medecin.fr'],
    ['  Zoe.Essai@Example.TEST ', 'Zoe.Essai@example.test', 'zoe.essai@example.test'],
    ["o'essai+ordre@example.test", "o'essai+ordre@example.test", "o'essai+ordre@example.test"],
    ['a.b.c@gmail.com', 'a.b.c@gmail.com', 'a.b.c@gmail.com'],
    ['a@médecin.example', 'a@xn--mdecin-bva.example', 'a@xn--mdecin-bva.example'],
    ['a@me\u0301decin.example', 'a@xn--mdecin-bva.example', 'a@xn--mdecin-bva.example'],
    ['zoe＠example.test', 'zoe@example.test', 'zoe@example.test'],
    ['\u212Aelvin@example.test', 'Kelvin@example.test', 'kelvin@example.test'],
    ['\u00a0a@x.fr\u202f', 'a@x.fr', 'a@x.fr'],
    [`${'l'.repeat(64)}@example.test`, `${'l'.repeat(64)}@example.test`, `${'l'.repeat(64)}@example.test`],
  ];
  for (const [input, address, canonical] of accepted)
    it(`reads ${JSON.stringify(input)}`, () => {
      expect(parseEmailAddress(input)).to.deep.equal({ ok: true, value: { address, canonical } });
    });

  const longDomain = `${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.test`;
  const refused: [string, string][] = [
    ['', 'fault.required.email'],
    ['   ', 'fault.required.email'],
    ['a@x.fr\r\nBcc: b@evil.example', 'fault.characters'],
    ['a@x.fr\n', 'fault.characters'],
    ['a\u0000@x.fr', 'fault.characters'],
    ['a\u0085@x.fr', 'fault.characters'],
    ['a@x.fr\u2028', 'fault.characters'],
    ['a', 'fault.email.format'],
    ['a@', 'fault.email.format'],
    ['@x.fr', 'fault.email.format'],
    ['a@b@x.fr', 'fault.email.format'],
    ['a@good.example, b@evil.example', 'fault.email.format'],
    ['a@good.example;b@evil.example', 'fault.email.format'],
    ['a@good.example b@evil.example', 'fault.email.format'],
    ['"a b"@x.fr', 'fault.email.format'],
    ['"xclow3n@gmail.com x"@internal.example', 'fault.email.format'],
    ['a(comment)@x.fr', 'fault.email.format'],
    ['a@x.fr(comment)', 'fault.email.format'],
    ['Ana <a@x.fr>', 'fault.email.format'],
    ['<a@x.fr>', 'fault.email.format'],
    ['group: a@x.fr, b@x.fr;', 'fault.email.format'],
    [`${'g:'.repeat(100)}a@x.fr;`, 'fault.email.format'],
    ['@relay.example:a@x.fr', 'fault.email.format'],
    ['a@[127.0.0.1]', 'fault.email.format'],
    ['a@[IPv6:::1]', 'fault.email.format'],
    ['a@127.0.0.1', 'fault.email.format'],
    ['a@0x7f.1', 'fault.email.format'],
    ['a@localhost', 'fault.email.format'],
    ['a@x.fr.', 'fault.email.format'],
    ['a@x..fr', 'fault.email.format'],
    ['a@-x.fr', 'fault.email.format'],
    ['a@x_y.fr', 'fault.email.format'],
    ['a@x%2efr.test', 'fault.email.format'],
    ['a@x。fr', 'fault.email.format'],
    ['a@x.1', 'fault.email.format'],
    ['.a@x.fr', 'fault.email.format'],
    ['a.@x.fr', 'fault.email.format'],
    ['a..b@x.fr', 'fault.email.format'],
    ['zoé@x.fr', 'fault.email.format'],
    ['а@x.fr', 'fault.email.format'],
    ['a\u200b@x.fr', 'fault.email.format'],
    [`${'l'.repeat(65)}@x.fr`, 'fault.email.format'],
    [`abcdefghijk@${longDomain}`, 'fault.email.format'],
    [`a@${'d'.repeat(64)}.fr`, 'fault.email.format'],
    [`a@${'d.'.repeat(100_000)}fr`, 'fault.email.format'],
  ];
  for (const [input, key] of refused)
    it(`refuses ${JSON.stringify(input.slice(0, 50))}: ${key}`, () => {
      expect(parseEmailAddress(input)).to.deep.equal({ ok: false, fault: { key } });
    });

  it('has one canonical form, whatever the case, and that form is its own', () => {
    fc.assert(
      fc.property(anAddress, (address) => {
        const upper = parseEmailAddress(address.toUpperCase());
        const again = upper.ok ? parseEmailAddress(upper.value.canonical) : upper;
        expect(again.ok && again.value.canonical).to.equal(address);
      }),
    );
  });

  it('never throws, and what it accepts has one @ and only visible ASCII', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.emailAddress());
    fc.assert(
      fc.property(text, (input) => {
        const result = parseEmailAddress(input);
        return !result.ok || /^[\x21-\x3f\x41-\x7e]+@[a-z0-9.-]+$/.test(result.value.address);
      }),
    );
  });
});

describe('masked e-mail address', () => {
  const table: [string, string][] = [
    ['john.medecin@cn.medecin.fr', 'j***n@c***.fr'],
    ['jn@cn.medecin.fr', 'j***n@c***.fr'],
    ['a@x.fr', 'a***a@x***.fr'],
    ['zoe@example.test', 'z***e@e***.test'],
    ['not an address', '***'],
    ['', '***'],
    ['@x.fr', '***'],
  ];
  for (const [address, masked] of table)
    it(`shows ${JSON.stringify(address)} as ${masked}`, () => {
      expect(maskEmail(address)).to.equal(masked);
    });

  it('never shows the local part, the domain or their lengths', () => {
    fc.assert(
      fc.property(anAddress, (address) => {
        const [local = '', domain = ''] = address.split('@');
        const masked = maskEmail(address);
        expect(masked).to.match(/^.\*{3}.@.\*{3}\.[a-z]+$/);
        expect(masked).not.to.include(domain);
        if (local.length > 1) expect(masked).not.to.include(local);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (input) => typeof maskEmail(input) === 'string'));
  });
});

describe('telephone number', () => {
  const accepted: [string, string][] = [
    ['0780000022', '+33780000022'],
    ['07 80 00 00 22', '+33780000022'],
    ['07.80.00.00.22', '+33780000022'],
    ['07-80-00-00-22', '+33780000022'],
    ['07\u00a080\u00a000\u00a000\u00a022', '+33780000022'],
    ['+33780000022', '+33780000022'],
    ['+33 (0)7 80 00 00 22', '+33780000022'],
    ['0033 7 80 00 00 22', '+33780000022'],
    ['06 39 98 00 12', '+33639980012'],
    ['+33 6 39 98 00 12', '+33639980012'],
    ['0690 00 12 34', '+590690001234'],
    ['0696 01 23 45', '+596696012345'],
    ['0694 20 12 34', '+594694201234'],
    ['0692 12 34 56', '+262692123456'],
    ['0639 02 34 56', '+262639023456'],
    ['+262 692 12 34 56', '+262692123456'],
    ['+687 75 12 34', '+687751234'],
    ['+32 470 12 34 56', '+32470123456'],
  ];
  for (const [input, number] of accepted)
    it(`reads ${JSON.stringify(input)}`, () => {
      expect(parsePhoneNumber(input)).to.deep.equal({ ok: true, value: number });
    });

  const refused: [string, string][] = [
    ['', 'fault.required.phone'],
    ['  ', 'fault.required.phone'],
    ['01 99 00 12 34', 'fault.phone.format'],
    ['3615', 'fault.phone.format'],
    ['0899 12 34 56', 'fault.phone.format'],
    ['07 80 00 00 2', 'fault.phone.format'],
    ['07 80 00 00 222', 'fault.phone.format'],
    ['0780000022;ext=5', 'fault.phone.format'],
    ['0780000022 poste 5', 'fault.phone.format'],
    ['tel:+33780000022', 'fault.phone.format'],
    ['07 80 00 00 ２２', 'fault.phone.format'],
    ['++33780000022', 'fault.phone.format'],
    ['+999123456789', 'fault.phone.format'],
    ['0780000022\u0000', 'fault.phone.format'],
    ['0'.repeat(100_000), 'fault.phone.format'],
  ];
  for (const [input, key] of refused)
    it(`refuses ${JSON.stringify(input.slice(0, 30))}: ${key}`, () => {
      expect(parsePhoneNumber(input)).to.deep.equal({ ok: false, fault: { key } });
    });

  it('never throws, and what it accepts is E.164', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[+0-9 ().-]{0,20}$/));
    fc.assert(
      fc.property(text, (input) => {
        const result = parsePhoneNumber(input);
        return !result.ok || /^\+[1-9][0-9]{6,14}$/.test(result.value);
      }),
    );
  });
});

describe('masked telephone number', () => {
  const table: [string, string][] = [
    ['+33780000022', '3378***22'],
    ['33780000022', '3378***22'],
    ['+262692123456', '2626***56'],
    ['+687751234', '6877***34'],
    ['12345678', '***'],
    ['', '***'],
  ];
  for (const [number, masked] of table)
    it(`shows ${JSON.stringify(number)} as ${masked}`, () => {
      expect(maskPhone(number)).to.equal(masked);
    });

  it('never shows the whole number', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\+[1-9][0-9]{6,14}$/), (number) => {
        const masked = maskPhone(number);
        return !masked.includes(number.slice(1)) && masked.replace(/\*/g, '').length <= 6;
      }),
    );
  });
});
