import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/mobile';
import { accept, type Result, refuse } from '../lib/fault.ts';

/** RFC 5321 §4.5.3.1.3 bounds the path, angle brackets included, to 256 octets. */
const MAX_ADDRESS_LENGTH = 254;
/** RFC 5321 §4.5.3.1.1. */
const MAX_LOCAL_PART_LENGTH = 64;
/** Far above both bounds; keeps normalisation from working on a long text. */
const MAX_INPUT_LENGTH = 1000;

/** Control characters and line separators, before any trimming could drop them. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;
/** RFC 5322 §3.2.3 `dot-atom-text`: no quotes, comments, groups, routes or lists can be written with it. */
const DOT_ATOM = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
/** RFC 1123 §2.1 labels, at least two, the last not a number. */
const HOST_NAME =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9](?:[a-z0-9-]{0,57}[a-z0-9])?)$/;

/**
 * Reads one e-mail address.
 *
 * `address` is where to send: the local part as typed and the domain in ASCII (punycode, RFC 5891), lower case.
 * `canonical` is the key of comparisons and uniqueness: the same, all in lower case. Both come from the NFKC
 * form, so that two writings a mail server would take for one another are one key. No provider's own rule
 * (dots, `+` suffixes) is applied. The local part is an ASCII `dot-atom` (RFC 5321 §4.1.2): delivery of others
 * needs SMTPUTF8 at each hop, and look-alike letters would make distinct keys.
 *
 * Faults: `fault.required.email`, `fault.characters` (control characters, CR and LF included),
 * `fault.email.format`.
 */
export function parseEmailAddress(input: string): Result<{ address: string; canonical: string }> {
  if (CONTROLS.test(input)) return refuse('fault.characters');
  if (input.length > MAX_INPUT_LENGTH) return refuse('fault.email.format');
  const typed = input.normalize('NFKC').trim();
  if (typed === '') return refuse('fault.required.email');

  const at = typed.lastIndexOf('@');
  const local = typed.slice(0, Math.max(at, 0));
  const written = typed.slice(at + 1);
  if (local.length > MAX_LOCAL_PART_LENGTH || !DOT_ATOM.test(local)) return refuse('fault.email.format');
  // domainToASCII decodes percent escapes and reads 0x7f.1 as an address: only letters, digits, . and - reach it.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(written)) return refuse('fault.email.format');
  const domain = domainToASCII(written);
  if (isIP(domain) !== 0 || !HOST_NAME.test(domain)) return refuse('fault.email.format');

  const address = `${local}@${domain}`;
  if (address.length > MAX_ADDRESS_LENGTH) return refuse('fault.email.format');
  return accept({ address, canonical: address.toLowerCase() });
}

/**
 * The address as shown to someone who has not yet proved it: `john.medecin@cn.medecin.fr` → `j***n@c***.fr`.
 *
 * First and last character of the local part, first character and last label of the domain. The shape is the
 * same for every length, one-character local parts included (`a@x.fr` → `a***a@x***.fr`), so it tells no length.
 */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  const local = Array.from(address.slice(0, Math.max(at, 0)));
  const domain = Array.from(address.slice(at + 1));
  const dot = domain.lastIndexOf('.');
  if (local.length === 0 || dot < 1) return '***';
  return `${local[0]}***${local.at(-1)}@${domain[0]}***${domain.slice(dot).join('')}`;
}

/**
 * Overseas departments and collectivities that share France's national form `0X XX XX XX XX` under a country
 * code of their own (ARCEP numbering plan, decision 2018-0881).
 */
const FRENCH_NUMBERING_PLAN: CountryCode[] = ['FR', 'GP', 'MQ', 'GF', 'RE', 'YT', 'PM', 'BL', 'MF'];
/** Mobile numbers set aside for works of fiction: 06 39 98 xx xx (ARCEP decision 2018-0881, annex). */
const FICTION = /^(?:\+33|0)63998[0-9]{4}$/;

/**
 * Reads a mobile telephone number and returns it in E.164 (`+33612345678`).
 *
 * A number without a country code is read in `defaultCountry`; for France also in the overseas parts of the
 * national plan (`0690…` → `+590690…`). Only numbers of a mobile range are accepted: they must receive an SMS.
 *
 * Faults: `fault.required.phone`, `fault.phone.format`.
 */
export function parsePhoneNumber(input: string, defaultCountry: CountryCode = 'FR'): Result<string> {
  const typed = input.trim();
  if (typed === '') return refuse('fault.required.phone');
  // The library also reads letters, extensions and text around a number: none of these is wanted.
  if (typed.length > 40 || !/^\+?[0-9\s().\-/\u2010-\u2013]+$/u.test(typed))
    return refuse('fault.phone.format');
  const digits = typed.replace(/[^+0-9]/g, '').replace(/^00/, '+');
  const compact = digits.replace(/^(\+33)0/, '$1');
  if (FICTION.test(compact)) return accept(`+33${compact.replace(/^(?:\+33|0)/, '')}`);

  const countries = defaultCountry === 'FR' ? FRENCH_NUMBERING_PLAN : [defaultCountry];
  for (const country of countries) {
    const number = parsePhoneNumberFromString(compact, { defaultCountry: country, extract: false });
    if (number?.isValid()) return accept(number.number);
  }
  return refuse('fault.phone.format');
}

/**
 * The number as shown to someone who has not yet proved it: `+33780000022` → `3378***22`.
 *
 * First four and last two digits, without the `+`; `***` alone below nine digits, where these would be most of it.
 */
export function maskPhone(number: string): string {
  const digits = number.replace(/[^0-9]/g, '');
  return digits.length < 9 ? '***' : `${digits.slice(0, 4)}***${digits.slice(-2)}`;
}

/** The number as its owner reads it, `+33639980007` → `+33 6 39 98 00 07`; one that cannot be read stays as it is. */
export const showPhone = (number: string): string =>
  parsePhoneNumberFromString(number)?.formatInternational() ?? number;
