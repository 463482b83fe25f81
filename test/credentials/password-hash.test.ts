import { expect } from 'chai';
import {
  createPasswordHasher,
  HashQueueFullError,
  PasswordTooLongError,
} from '../../src/credentials/password-hash.ts';

const light = { memoryKiB: 1024, timeCost: 1, concurrency: 2, queueLimit: 100 };

/** Median of the milliseconds `task` takes. */
async function medianTime(task: () => Promise<unknown>, runs = 9): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await task();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
}

describe('password hash', () => {
  it('writes argon2id version 1.3 with 19 MiB, two passes and one lane by default', async () => {
    const phc = await createPasswordHasher({ concurrency: 1, queueLimit: 1 }).hash('kX9#vB2!mQ7z');
    const [, id, version, parameters = ''] = phc.split('$');
    expect([id, version]).to.deep.equal(['argon2id', 'v=19']);
    expect(parameters.split(',').sort()).to.deep.equal(['m=19456', 'p=1', 't=2']);
  });

  it('verifies its own hashes, salted anew each time', async () => {
    const hasher = createPasswordHasher(light);
    const [one, two] = [await hasher.hash('kX9#vB2!mQ7z'), await hasher.hash('kX9#vB2!mQ7z')];
    expect(one).not.to.equal(two);
    expect(await hasher.verify(one, 'kX9#vB2!mQ7z')).to.equal(true);
    expect(await hasher.verify(one, 'kX9#vB2!mQ7Z')).to.equal(false);
    expect(await hasher.verify(one, '')).to.equal(false);
  });

  it('verifies a hash whose parameters are in the other order', async () => {
    const hasher = createPasswordHasher(light);
    const phc = await hasher.hash('kX9#vB2!mQ7z');
    const other = phc.replace(/m=\d+,[pt]=\d+,[pt]=\d+/, 'm=1024,t=1,p=1');
    expect(await hasher.verify(other, 'kX9#vB2!mQ7z')).to.equal(true);
    expect(hasher.needsRehash(other)).to.equal(false);
  });

  it('takes the composed and the decomposed writing for one password, and does not cut it', async () => {
    const hasher = createPasswordHasher(light);
    const phc = await hasher.hash('ruelle éclairée'.normalize('NFD'));
    expect(await hasher.verify(phc, 'ruelle éclairée'.normalize('NFC'))).to.equal(true);
    const long = await hasher.hash(`${'密'.repeat(127)}a`);
    expect(await hasher.verify(long, `${'密'.repeat(127)}b`)).to.equal(false);
  });

  const malformed = [
    '',
    'x',
    '$2b$10$abcdefghijklmnopqrstuv',
    '$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=1024,m=1024,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2i$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=9999999,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=4,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ];
  for (const phc of malformed)
    it(`answers false for the malformed ${JSON.stringify(phc.slice(0, 36))}`, async () => {
      const hasher = createPasswordHasher(light);
      expect(await hasher.verify(phc, 'kX9#vB2!mQ7z')).to.equal(false);
      expect(hasher.needsRehash(phc)).to.equal(true);
    });

  it('does the same work for nobody, for a malformed hash and for a wrong password', async () => {
    const hasher = createPasswordHasher({ memoryKiB: 19_456, timeCost: 2, concurrency: 1, queueLimit: 1 });
    const phc = await hasher.hash('kX9#vB2!mQ7z');
    const known = await medianTime(() => hasher.verify(phc, 'wrong password'));
    const nobody = await medianTime(() => hasher.verify(undefined, 'wrong password'));
    const malformedTime = await medianTime(() => hasher.verify('x', 'wrong password'));
    expect(nobody / known).to.be.within(0.5, 2);
    expect(malformedTime / known).to.be.within(0.5, 2);
    expect(await hasher.verify(undefined, 'wrong password')).to.equal(false);
  });

  it('does the work of today for a wrong password against a hash of weaker parameters', async () => {
    const weak = await createPasswordHasher(light).hash('kX9#vB2!mQ7z');
    const hasher = createPasswordHasher({ memoryKiB: 19_456, timeCost: 4, concurrency: 1, queueLimit: 1 });
    const known = await medianTime(() => hasher.verify(weak, 'wrong password'));
    const nobody = await medianTime(() => hasher.verify(undefined, 'wrong password'));
    expect(known / nobody).to.be.within(0.4, 2.5);
    expect(await hasher.verify(weak, 'wrong password')).to.equal(false);
    expect(await hasher.verify(weak, 'kX9#vB2!mQ7z')).to.equal(true);
  });

  it('asks for a new hash when the parameters have changed', async () => {
    const phc = await createPasswordHasher(light).hash('kX9#vB2!mQ7z');
    expect(createPasswordHasher(light).needsRehash(phc)).to.equal(false);
    expect(createPasswordHasher({ ...light, memoryKiB: 2048 }).needsRehash(phc)).to.equal(true);
    expect(createPasswordHasher({ ...light, timeCost: 2 }).needsRehash(phc)).to.equal(true);
  });

  it('refuses more than 1024 bytes before hashing', async () => {
    const hasher = createPasswordHasher({ ...light, concurrency: 1, queueLimit: 0 });
    const phc = await hasher.hash('a'.repeat(1024));
    expect(await hasher.verify(phc, 'a'.repeat(1024))).to.equal(true);
    for (const password of ['a'.repeat(1025), 'é'.repeat(513), 'a'.repeat(1_000_000)]) {
      expect(await hasher.hash(password).catch((error) => error)).to.be.instanceOf(PasswordTooLongError);
      expect(await hasher.verify(phc, password)).to.equal(false);
    }
  });

  it('runs two, lets three wait, refuses the others and recovers', async () => {
    const hasher = createPasswordHasher({ ...light, concurrency: 2, queueLimit: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => hasher.hash('kX9#vB2!mQ7z')));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).to.have.length(4);
    for (const { reason } of refused) {
      expect(reason).to.be.instanceOf(HashQueueFullError);
      expect(reason.retryAfterSeconds).to.be.at.least(1);
    }
    expect(await hasher.hash('kX9#vB2!mQ7z')).to.match(/^\$argon2id\$/);
  });
});
