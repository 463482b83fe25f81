/** Names as people declare them: of persons, and the title of a shared account. */
import { accept, type Result, refuse } from '../lib/fault.ts';

const MAX_NAME_LENGTH = 80;
const MAX_TITLE_LENGTH = 100;
/** Far above both; keeps normalisation from working on a long text. */
const MAX_INPUT_LENGTH = 1000;

/** Letters of any script, what stands between the parts of a name, and the figures of the ANS's test identities. */
const PERSON = /^\p{L}[\p{L}\p{M}0-9\s'’.-]*$/u;
/** A title may count and punctuate: « Secrétariat du 3e étage (cardiologie) ». No markup, no control character. */
const TITLE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}\s'’.,:;&/()«»+°-]*$/u;

/** Letters that show nothing, or marks piled up: what an administrator could not read. */
const UNREADABLE = /\p{Default_Ignorable_Code_Point}|\p{Co}|\p{M}{4}/u;
/** These names go into mails to people who know nothing of Caducée yet: no address of a site in them. */
const SITE = /\/\/|www\.|\p{L}\.\p{L}{2}/iu;

/** Whether a mail program would make a link of what is in this text. */
export const namesSite = (text: string): boolean => SITE.test(text);

const isReadable = (name: string): boolean => !UNREADABLE.test(name) && !namesSite(name);

const tidy = (input: string): string =>
  input.slice(0, MAX_INPUT_LENGTH).normalize('NFC').replace(/\s+/gu, ' ').trim();

/** Faults: `fault.required.familyName`, `fault.required.givenName`, `fault.name.tooLong`, `fault.name.characters`. */
export function parsePersonName(input: string, part: 'familyName' | 'givenName'): Result<string> {
  const name = tidy(input);
  if (name === '')
    return refuse(part === 'familyName' ? 'fault.required.familyName' : 'fault.required.givenName');
  if (name.length > MAX_NAME_LENGTH) return refuse('fault.name.tooLong', { max: MAX_NAME_LENGTH });
  return PERSON.test(name) && isReadable(name) ? accept(name) : refuse('fault.name.characters');
}

/** « Intitulé du compte ». Faults: `fault.required.title`, `fault.name.tooLong`, `fault.title.characters`. */
export function parseAccountTitle(input: string): Result<string> {
  const title = tidy(input);
  if (title === '') return refuse('fault.required.title');
  if (title.length > MAX_TITLE_LENGTH) return refuse('fault.name.tooLong', { max: MAX_TITLE_LENGTH });
  return TITLE.test(title) && isReadable(title) ? accept(title) : refuse('fault.title.characters');
}

/** A given name as a greeting says it: registers write them all in capitals. `JEAN-ÉMILE` → `Jean-Émile`. */
export const nameInGreeting = (name: string): string =>
  /\p{Ll}/u.test(name)
    ? name
    : name.replace(/\p{L}[\p{L}\p{M}]*/gu, (part) => part.charAt(0) + part.slice(1).toLowerCase());
