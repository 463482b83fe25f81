import { expect } from 'chai';
import type { FindClient } from '../../src/openid/adapter.ts';
import { cacheClients } from '../../src/openid/client-cache.ts';

describe('client metadata kept for a second', () => {
  let time: number;
  let asked: string[];
  let answer: FindClient;
  let find: FindClient;
  beforeEach(() => {
    time = 0;
    asked = [];
    answer = async (clientId) => ({ client_id: clientId, client_name: `version ${asked.length}` });
    find = cacheClients(
      (clientId) => {
        asked.push(clientId);
        return answer(clientId);
      },
      () => time,
    );
  });

  it('is read once by all who ask at once and within that second, then again', async () => {
    const together = await Promise.all([find('one'), find('one')]);
    time = 999;
    expect([...together, await find('one')].map((client) => client?.client_name)).to.deep.equal(
      Array(3).fill('version 1'),
    );
    time = 1_000;
    expect((await find('one'))?.client_name).to.equal('version 2');
  });

  it('is one application’s only', async () => {
    await find('one');
    expect((await find('two'))?.client_id).to.equal('two');
    expect(asked).to.deep.equal(['one', 'two']);
  });

  it('is not kept for a name that nobody registered', async () => {
    answer = async () => undefined;
    expect(await find('new')).to.equal(undefined);
    answer = async () => ({ client_id: 'new' });
    expect(await find('new')).to.deep.equal({ client_id: 'new' });
  });

  it('is asked for again after a failure', async () => {
    answer = () => Promise.reject(new Error('the database is away'));
    expect(await find('one').catch((error: Error) => error.message)).to.equal('the database is away');
    answer = async () => ({ client_id: 'one' });
    expect(await find('one')).to.deep.equal({ client_id: 'one' });
  });
});
