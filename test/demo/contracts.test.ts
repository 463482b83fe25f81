import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePorts } from '../support/ports.ts';
import { type Running, run } from '../support/process.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';

describe('the demo', function () {
  this.timeout(60_000);
  let dataDir: string;
  let port: number;
  let demo: Running;
  const at = (offset: number) => `http://localhost:${port + offset}`;

  async function start(): Promise<void> {
    demo = run('demo/main.ts', { PORT: String(port), DATA_DIR: dataDir });
    const [line] = await demo.waitFor(/^ready .*$/m);
    expect(line).to.equal(`ready ${at(0)}`);
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'caducee-demo-'));
    port = await freePorts(8);
    await start();
  });
  after(async () => {
    await demo.end('SIGINT');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('listens where the contract says', async () => {
    const discovery = (await (await fetch(`${at(0)}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
    };
    expect(discovery.issuer).to.equal(at(0));
    expect((await fetch(`${at(0)}/healthz`)).status).to.equal(200);
    expect((await fetch(`${at(0)}/readyz`)).status).to.equal(200);
    expect(await (await fetch(at(1))).text()).to.contain('Messagerie');
    expect(await (await fetch(at(2))).text()).to.contain('Laboratoire');
    expect(await (await fetch(`${at(4)}/messages.json`)).json()).to.deep.equal([]);
  });

  it('stops cleanly on Ctrl-C, and starts again on the same data', async () => {
    const visitor = new Visitor(at(0));
    const form = await visitor.get('/connexion');
    const page = await visitor.submit(form, { email: 'camille@example.test', password: 'demo-caducee-2026' });
    expect(wordsOf(page)).to.contain('Saisissez le code reçu');
    expect(await demo.end('SIGINT')).to.equal(0);
    expect(demo.output()).not.to.match(/NOTICE|WARNING|Error/);

    await start();
    // The sign-in that was under way goes on: nothing of it lived in the process.
    const [message] = (await (await fetch(`${at(4)}/messages.json`)).json()) as unknown[];
    expect(message, 'the mailbox of the new run starts empty').to.equal(undefined);
    expect(wordsOf(await visitor.get(page.url))).to.contain('Saisissez le code reçu');
    const resent = await visitor.submit(form, {
      email: 'camille@example.test',
      password: 'demo-caducee-2026',
    });
    let messages: { channel: string; to: string; subject: string; text: string; sentAt: string }[] = [];
    for (let waited = 0; messages.length === 0 && waited < 100; waited += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      messages = (await (await fetch(`${at(4)}/messages.json`)).json()) as typeof messages;
    }
    expect(messages[0]).to.have.all.keys('channel', 'to', 'subject', 'text', 'sentAt');
    expect(messages[0]).to.include({ channel: 'email', to: 'camille@example.test' });
    const code = /\b(\d{6})\b/.exec(messages[0]?.text ?? '')?.[1] ?? '';
    const home = await visitor.submit(resent, { code }, '/code');
    expect(wordsOf(home)).to.contain('Bonjour Camille');
  });
});
