import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';
import type { Assets } from './assets.ts';
import type { Lang, Texts } from './texts.ts';

export type PageValues = { lang: Lang; nonce: string } & Record<string, unknown>;
export type Views = { page(template: string, context: PageValues): string };

export const VIEWS_FOLDER = fileURLToPath(new URL('../../views/', import.meta.url));

const require = createRequire(import.meta.url);
const ICONS = join(dirname(require.resolve('lucide-static/package.json')), 'icons');
const UNKNOWN_ICON = 'app-window';

const safe = (html: string) => new nunjucks.runtime.SafeString(html) as unknown as string;
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (value: unknown) => String(value ?? '').replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);

function createIcons() {
  const known = new Map<string, string>();
  const read = (name: string) => {
    const svg = readFileSync(join(ICONS, `${name}.svg`), 'utf8');
    return svg
      .replace(/<!--.*?-->/gs, '')
      .replace(/<svg[^>]*>/, '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">')
      .replace(/\s*\n\s*/g, '');
  };
  return (name: unknown) => {
    // The name may come from an application's own settings: never a path, and an unknown one is no failure.
    const asked = typeof name === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? name : UNKNOWN_ICON;
    let svg = known.get(asked);
    if (svg === undefined) {
      try {
        svg = read(asked);
      } catch {
        svg = known.get(UNKNOWN_ICON) ?? read(UNKNOWN_ICON);
      }
      known.set(asked, svg);
    }
    return safe(svg);
  };
}

/**
 * A text whose catalogue entry carries `<b>` or `<link>`: for a name to bring out, or a link in the middle of
 * a sentence. The entry is ours and trusted; the values in it are escaped first.
 */
function richText(texts: Texts, lang: Lang) {
  return (key: string, vars: Record<string, unknown> = {}, url?: string) => {
    const escaped = Object.fromEntries(
      Object.entries(vars).map(([name, value]) => [
        name,
        typeof value === 'number' ? value : escapeHtml(value),
      ]),
    );
    const html = texts.t(lang, key, escaped);
    return safe(html.replace(/<link>/g, `<a href="${escapeHtml(url ?? '')}">`).replace(/<\/link>/g, '</a>'));
  };
}

/** A calendar day in words; anything else is left as it is. */
export function dayInWords(lang: Lang) {
  const format = new Intl.DateTimeFormat(lang === 'fr' ? 'fr-FR' : 'en-GB', {
    dateStyle: 'long',
    timeZone: 'UTC',
  });
  return (date: unknown) => {
    const text = String(date ?? '');
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
    const words = format.format(new Date(`${text}T00:00:00Z`));
    return lang === 'fr' ? words.replace(/^1 /, '1er ') : words;
  };
}

/** An instant (a Date, or ISO 8601) in words, by the clocks of Paris; anything else is left as it is. */
export function momentInWords(lang: Lang) {
  const format = new Intl.DateTimeFormat(lang === 'fr' ? 'fr-FR' : 'en-GB', {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'Europe/Paris',
  });
  return (instant: unknown) => {
    const text = instant instanceof Date ? instant.toISOString() : String(instant ?? '');
    if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text)) return text;
    const words = format.format(new Date(text));
    return lang === 'fr' ? words.replace(/^1 /, '1er ') : words;
  };
}

export function createViews({ texts, assets }: { texts: Texts; assets: Pick<Assets, 'url'> }): Views {
  const environment = new nunjucks.Environment(
    new nunjucks.FileSystemLoader(VIEWS_FOLDER, { watch: false, noCache: false }),
    { autoescape: true, throwOnUndefined: false, trimBlocks: true, lstripBlocks: true },
  );
  environment.addGlobal('icon', createIcons());
  environment.addGlobal('asset', (name: string) => assets.url(name));

  return {
    page(template, context) {
      const { lang } = context;
      return environment.render(template, {
        ...context,
        t: (key: string, vars?: Record<string, unknown>) => texts.t(lang, key, vars),
        rich: richText(texts, lang),
        day: dayInWords(lang),
        moment: momentInWords(lang),
      });
    },
  };
}
