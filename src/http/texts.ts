import { readFileSync } from 'node:fs';
import { createInstance } from 'i18next';

export const LANGUAGES = ['fr', 'en'] as const;
export type Lang = (typeof LANGUAGES)[number];

export type Texts = {
  t(lang: Lang, key: string, vars?: Record<string, unknown>): string;
};

export type TextFault = { lang: Lang; key: string; reason: 'missing-text' | 'missing-value'; name?: string };

const catalogue = (lang: Lang) =>
  JSON.parse(readFileSync(new URL(`../../views/locales/${lang}.json`, import.meta.url), 'utf8')) as Record<
    string,
    unknown
  >;

/** What a sentence counts, when the caller gave it its own name. */
const COUNTED = ['count', 'remaining', 'minutes', 'seconds'];

/**
 * The texts of both languages.
 *
 * Without `onFault`, a missing text or value throws: that is for development and tests. In production give a
 * callback that logs: a person then reads a neutral sentence, never the name of a key.
 */
export function createTexts({ onFault }: { onFault?: (fault: TextFault) => void } = {}): Texts {
  const report = (fault: TextFault) => {
    if (onFault === undefined)
      throw new Error(
        `${fault.reason} in ${fault.lang}: ${fault.key}${fault.name ? ` {{${fault.name}}}` : ''}`,
      );
    onFault(fault);
  };

  const i18n = createInstance();
  i18n.init({
    lng: 'fr',
    fallbackLng: false,
    supportedLngs: [...LANGUAGES],
    initAsync: false,
    nsSeparator: false,
    resources: { fr: { translation: catalogue('fr') }, en: { translation: catalogue('en') } },
    // The views escape; a mail in plain text must not be escaped.
    interpolation: { escapeValue: false, skipOnVariables: true },
  });

  return {
    t(lang, key, vars = {}) {
      const counted = COUNTED.map((name) => vars[name]).find((value) => typeof value === 'number');
      const count = typeof counted === 'number' ? { count: counted } : {};
      const isFamily = typeof i18n.getResource(lang, 'translation', key) === 'object';
      if (isFamily || !i18n.exists(key, { lng: lang, ...count })) {
        report({ lang, key, reason: 'missing-text' });
        return i18n.t('site.unsaid', { lng: lang });
      }
      return i18n.t(key, {
        lng: lang,
        ...count,
        // Values stay values: kept apart from the options, and « $t(…) » in one of them is not looked up.
        replace: { ...vars, ...count },
        nest: false,
        missingInterpolationHandler: (_text: string, match: RegExpExecArray) => {
          report({ lang, key, reason: 'missing-value', name: match[1]!.trim() });
          return '';
        },
      });
    },
  };
}
