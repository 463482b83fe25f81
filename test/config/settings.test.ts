import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { exampleEnvironment, readSettings, SETTINGS, SettingsError } from '../../config/settings.ts';

type Environment = Readonly<Record<string, string>>;

const key = () => randomBytes(32).toString('base64url');
const DEMO_KEY = SETTINGS.SECRET_KEYS.default as string;

const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  ISSUER: 'https://identite.example.fr',
  DATABASE_URL: 'postgres://caducee:database-secret@db.example.fr/caducee',
  SECRET_KEYS: key(),
  SMTP_URL: 'smtps://caducee:smtp-secret@smtp.example.fr:465',
};

function faultsOf(environment: Environment): readonly string[] {
  try {
    readSettings(environment);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const fault of error.faults) expect(error.message).to.contain(fault);
    return error.faults;
  }
  return [];
}

const without = (environment: Environment, name: string): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([one]) => one !== name));

describe('settings', () => {
  it('are what config/example.env documents', async () => {
    const text = await readFile(new URL('../../config/example.env', import.meta.url), 'utf8');
    expect(text, 'write it again: npm run --silent caducee -- settings > config/example.env').to.equal(
      exampleEnvironment(),
    );
  });

  it('can be read back from the example, which holds no secret', () => {
    const lines = exampleEnvironment()
      .split('\n')
      .filter((line) => line && !line.startsWith('#'));
    const example = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    expect(Object.keys(example)).to.deep.equal(Object.keys(SETTINGS));
    expect(readSettings(example)).to.deep.equal(readSettings({}));
    for (const [name, { secret }] of Object.entries(SETTINGS) as [string, { secret?: true }][]) {
      if (secret) expect(example[name], name).to.equal('');
    }
  });

  it('tell all faults at once', () => {
    const faults = faultsOf({ PORT: 'x', TRUSTED_PROXIES: '6', SMTP_URL: 'http://h', ISSUER: 'nowhere' });
    expect(faults.map((fault) => fault.split(':')[0])).to.have.members([
      'PORT',
      'TRUSTED_PROXIES',
      'SMTP_URL',
      'ISSUER',
    ]);
  });

  it('refuse an allowed host that is neither a name, an address nor a network', () => {
    const allowed = (hosts: string) => readSettings({ OUTGOING_ALLOWED_HOSTS: hosts }).OUTGOING_ALLOWED_HOSTS;
    expect(allowed('')).to.deep.equal([]);
    expect(allowed('messagerie.chu.example, 10.20.0.0/16,::1')).to.have.length(3);
    for (const hosts of ['*', '10.0.0.0/8,http://a.test', '0.0.0.0/40'])
      expect(faultsOf({ OUTGOING_ALLOWED_HOSTS: hosts }).join(), hosts).to.match(
        /^OUTGOING_ALLOWED_HOSTS: neither/,
      );
  });

  it('keep the values of secrets out of the faults', () => {
    const secrets = {
      DATABASE_URL: 'mysql://caducee:hush-database@db/caducee',
      SECRET_KEYS: 'hush-too-short,hush-again',
      SMTP_URL: 'ftp://caducee:hush-smtp@smtp',
      SMS_HTTPS_SECRET: 'hush-short',
    };
    const faults = faultsOf(secrets);
    expect(faults.map((fault) => fault.split(':')[0])).to.have.members(Object.keys(secrets));
    expect(faults.join('\n')).not.to.contain('hush');
    const inProduction = faultsOf({
      ...PRODUCTION,
      ISSUER: 'http://identite.example.fr',
      SECRET_KEYS: DEMO_KEY,
    });
    expect(inProduction.join('\n')).not.to.match(/database-secret|smtp-secret/);
    expect(inProduction.join('\n')).not.to.contain(DEMO_KEY);
  });

  it('refuse a key of another length than 32 bytes, in any place', () => {
    for (const keys of [
      '',
      `${key()}A`,
      `${key()},short`,
      `,${key()}`,
      randomBytes(16).toString('base64url'),
    ]) {
      const faults = faultsOf({ ...PRODUCTION, SECRET_KEYS: keys || ' ' });
      expect(faults.join(), keys).to.match(/^SECRET_KEYS: each key must be 32 bytes/);
    }
    const [first, second] = [key(), key()];
    const { SECRET_KEYS } = readSettings({ ...PRODUCTION, SECRET_KEYS: `${first}, ${second}` });
    expect(SECRET_KEYS.map((one) => one.toString('base64url'))).to.deep.equal([first, second]);
  });

  describe('in production', () => {
    it('are accepted when complete', () => {
      expect(faultsOf(PRODUCTION)).to.deep.equal([]);
    });

    for (const name of ['ISSUER', 'DATABASE_URL', 'SECRET_KEYS', 'SMTP_URL']) {
      it(`refuse to do without ${name}, absent or empty`, () => {
        for (const environment of [without(PRODUCTION, name), { ...PRODUCTION, [name]: '' }]) {
          expect(faultsOf(environment)).to.include(`${name}: required in production`);
        }
      });
    }

    it('refuse the demo key, alone or beside another', () => {
      for (const keys of [DEMO_KEY, `${key()},${DEMO_KEY}`, `${DEMO_KEY},${key()}`]) {
        expect(faultsOf({ ...PRODUCTION, SECRET_KEYS: keys })).to.deep.equal([
          'SECRET_KEYS: holds the demo key, which everybody knows',
        ]);
      }
    });

    it('refuse an http issuer, on this machine too', () => {
      for (const issuer of ['http://identite.example.fr', 'http://localhost:3000', 'http://127.0.0.1']) {
        expect(faultsOf({ ...PRODUCTION, ISSUER: issuer })).to.deep.equal([
          'ISSUER: must be https in production',
        ]);
      }
    });

    it('refuse to hand SMS to an http address', () => {
      const sms = { SMS_DRIVER: 'https', SMS_HTTPS_SECRET: 'sixteen characters' };
      expect(faultsOf({ ...PRODUCTION, ...sms, SMS_HTTPS_URL: 'http://sms.example.fr/' })).to.deep.equal([
        'SMS_HTTPS_URL: must be https in production',
      ]);
      expect(faultsOf({ ...PRODUCTION, ...sms, SMS_HTTPS_URL: 'https://sms.example.fr/' })).to.deep.equal([]);
    });
  });

  it('need an address and a secret for SMS by https', () => {
    expect(faultsOf({ SMS_DRIVER: 'https' })).to.deep.equal([
      'SMS_HTTPS_URL: required when SMS_DRIVER is https',
      'SMS_HTTPS_SECRET: required when SMS_DRIVER is https',
    ]);
    expect(faultsOf({ SMS_DRIVER: 'https', SMS_HTTPS_URL: 'http://localhost/' })).to.have.length(1);
  });

  it('refuse second factors that do not exist, and to let an administrator in by e-mail', () => {
    const all = ['PROFESSIONAL', 'SECRETARY', 'SHARED', 'ADMINISTRATOR'];
    for (const whose of all) {
      const name = `SECOND_FACTORS_${whose}`;
      for (const list of ['carrier-pigeon', 'sms;totp', 'sms,', 'SMS'])
        expect(faultsOf({ [name]: list }).join(), list).to.match(new RegExp(`^${name}: unknown: `));
      expect(faultsOf({ [name]: 'recovery-code' }).join()).to.match(new RegExp(`^${name}: `));
      expect(faultsOf({ [name]: 'totp, sms,totp' })).to.deep.equal([]);
    }
    for (const list of ['email', 'email,sms', 'sms,email,passkey'])
      expect(faultsOf({ SECOND_FACTORS_ADMINISTRATOR: list }).join(), list).to.contain(
        'SECOND_FACTORS_ADMINISTRATOR: an administrator never signs in with a code by e-mail',
      );
    expect(readSettings({ SECOND_FACTORS_SHARED: 'totp, sms,totp' }).SECOND_FACTORS_SHARED).to.deep.equal([
      'totp',
      'sms',
    ]);
  });

  it('refuse an issuer that is more than a scheme and a host', () => {
    for (const issuer of [
      'https://identite.example.fr/',
      'https://identite.example.fr/oidc',
      'https://identite.example.fr?a',
      'https://identite.example.fr#a',
      'https://user@identite.example.fr',
      'https://user:password@identite.example.fr',
      'https://Identite.example.fr',
      'https://identite.example.fr:443',
      'https:identite.example.fr',
      ' https://identite.example.fr',
      'ftp://identite.example.fr',
      'identite.example.fr',
    ]) {
      expect(faultsOf({ ...PRODUCTION, ISSUER: issuer }).join(), issuer).to.match(/^ISSUER: must /);
    }
  });

  it('leave http to this machine', () => {
    for (const issuer of ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000']) {
      expect(faultsOf({ ISSUER: issuer }), issuer).to.deep.equal([]);
    }
    for (const issuer of [
      'http://identite.example.fr',
      'http://localhost.example.fr',
      'http://127.0.0.1.nip.io',
    ]) {
      expect(faultsOf({ ISSUER: issuer }), issuer).to.deep.equal([
        'ISSUER: http is only for this machine (localhost)',
      ]);
    }
  });
});
