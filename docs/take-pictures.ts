/** Takes the README's pictures from a demo that runs: `npm exec -- node docs/take-pictures.ts [http://localhost:3000]`. */
import { fileURLToPath } from 'node:url';
import { closeBrowser, newPage } from '../test/support/browser.ts';

const issuer = new URL(process.argv[2] ?? 'http://localhost:3000');
const at = (offset: number, path = '/') => `http://localhost:${Number(issuer.port) + offset}${path}`;
const file = (name: string) => fileURLToPath(new URL(`pictures/${name}.png`, import.meta.url));
const PERSON = 'camille@example.test';

interface Message {
  readonly to: string;
  readonly text: string;
  readonly sentAt: string;
}

async function newestCode(since: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const messages = (await (await fetch(at(4, '/messages.json'))).json()) as Message[];
    const code = messages
      .filter(({ to, sentAt }) => to === PERSON && sentAt >= since)
      .map(({ text }) => /\b\d{6}\b/.exec(text)?.[0])
      .find(Boolean);
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no code arrived in the mailbox');
}

const page = await newPage({ width: 1120, height: 760 });
const since = new Date(Date.now() - 1_000).toISOString();
await page.goto(at(1, '/login'));
await page.screenshot({ path: file('sign-in') });
await page.getByLabel('Email').fill(PERSON);
await page.getByLabel('Mot de passe', { exact: true }).fill('demo-caducee-2026');
await page.getByRole('button', { name: 'Connectez-vous' }).click();
const code = page.getByLabel('Saisissez le code reçu');
await code.waitFor();
await code.fill(await newestCode(since));
await page.getByRole('button', { name: 'Valider mon code à usage unique' }).click();
await page.getByRole('heading', { name: /Bonjour/ }).waitFor();
await page.goto(issuer.href);
await page.getByRole('heading', { name: /Bonjour/ }).waitFor();
await page.screenshot({ path: file('portal') });
await closeBrowser();
