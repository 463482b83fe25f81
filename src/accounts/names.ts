/** Names as people declare them: of persons, and the title of a shared account. */
import { accept, type Result, refuse } from '../lib/fault.ts';

const MAX_NAME_LENGTH = 80;
const MAX_TITLE_LENGTH = 100;
/** Far above both; keeps normalisation from working on a long text. */
const MAX_INPUT_LENGTH = 1000;

/** Letters of any script, and what stands between the parts of a name. */
const PERSON = /^\p{L}[\p{L}\p{M}\s'’.-]*$/u;
/** A title may count and punctuate: « Secrétariat du 3e étage (cardiologie) ». No markup, no control character. */
const TITLE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}\s'’.,:;&/()«»+°-]*$/u;

const tidy = (input: string): string =>
  input.slice(0, MAX_INPUT_LENGTH).normalize('NFC').replace(/\s+/gu, ' ').trim();

/** Faults: `fault.required.familyName`, `fault.required.givenName`, `fault.name.tooLong`, `fault.name.characters`. */
export function parsePersonName(input: string, part: 'familyName' | 'givenName'): Result<string> {
  const name = tidy(input);
  if (name === '')
    return refuse(part === 'familyName' ? 'fault.required.familyName' : 'fault.required.givenName');
  if (name.length > MAX_NAME_LENGTH) return refuse('fault.name.tooLong', { max: MAX_NAME_LENGTH });
  return PERSON.test(name) ? accept(name) : refuse('fault.name.characters');
}

/** « Intitulé du compte ». Faults: `fault.required.title`, `fault.name.tooLong`, `fault.title.characters`. */
export function parseAccountTitle(input: string): Result<string> {
  const title = tidy(input);
  if (title === '') return refuse('fault.required.title');
  if (title.length > MAX_TITLE_LENGTH) return refuse('fault.name.tooLong', { max: MAX_TITLE_LENGTH });
  return TITLE.test(title) ? accept(title) : refuse('fault.title.characters');
}

/** A given name as a greeting says it: registers write them all in capitals. `JEAN-ÉMILE` → `Jean-Émile`. */
export const nameInGreeting = (name: string): string =>
  /\p{Ll}/u.test(name)
    ? name
    : name.replace(/\p{L}[\p{L}\p{M}]*/gu, (part) => part.charAt(0) + part.slice(1).toLowerCase());
