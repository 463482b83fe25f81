/**
 * `caducee import ordre`: the extraction in the shape of ANS's restricted one (`Extraction_ProSanteConnect_Personne_activite`),
 * one line per activity, as the Order's register. Only doctors; a contact that cannot be used is left out, not its doctor.
 */
import { parseEmailAddress, parsePhoneNumber } from '../accounts/contacts.ts';
import type { Clock } from '../lib/clock.ts';
import type { Db } from '../lib/database.ts';
import type { Result } from '../lib/fault.ts';
import { parseBirthdate } from './birthdate.ts';
import { copyNullable } from './import/copy-writer.ts';
import {
  type ApplyContext,
  bytesOf,
  type ImportCounts,
  type ImportDefinition,
  type RowWriter,
  type Stager,
  textOf,
} from './import/types.ts';
import { isRpps } from './rpps.ts';

const STAGE = 'ordinal_stage';
/** TRE_G08. */
const RPPS_TYPE = '8';
/** TRE_G15. */
const MEDECIN = '10';
/** No published shape of this extraction tells who left: a source that does adds this column, DD/MM/YYYY. */
const END_COLUMN = 'Date de fin';

const COLUMNS = [
  "Type d'identifiant PP",
  'Identifiant PP',
  'Code profession',
  'Nom de famille',
  'Prénoms',
  "Nom d'exercice",
  "Prénom d'exercice",
  'Date de naissance',
  'Téléphone (coord. correspondance)',
  'Adresse e-mail (coord. correspondance)',
  'Code civilité',
  "Code civilité d'exercice",
  END_COLUMN,
] as const;

const STAGED =
  'rpps family_name given_name birthdate phone email civilite_code civilite_exercice_code ended_on'.split(
    ' ',
  );
const STORED = [...STAGED, 'profession_code'];

/** One entry per doctor; those whose lines disagree on the birthdate, which proves them, are nobody's entry. */
const ENTRIES = `
  SELECT rpps,
         (array_agg(family_name ORDER BY family_name, given_name))[1] AS family_name,
         (array_agg(given_name ORDER BY family_name, given_name))[1] AS given_name,
         min(birthdate)::date AS birthdate, min(phone) AS phone, min(email) AS email,
         min(civilite_code) AS civilite_code, min(civilite_exercice_code) AS civilite_exercice_code,
         CASE WHEN count(*) = count(ended_on) THEN max(ended_on)::date END AS ended_on,
         '${MEDECIN}' AS profession_code
    FROM ${STAGE} GROUP BY rpps HAVING count(DISTINCT birthdate) = 1`;

export const ordinalRegisterImport = (clock: Clock): ImportDefinition => ({
  kind: 'ordre',
  format: {
    separator: '|',
    encoding: 'utf-8',
    trailingSeparator: true,
    columns: COLUMNS,
    optional: [END_COLUMN],
  },
  archiveEntry: /personne[_-]activite/i,
  staging: { [STAGE]: STAGED.map((column) => `${column} text COLLATE "C"`).join(', ') },
  createStager: (writers) => createStager(writers[STAGE] as RowWriter, clock.now()),
  apply,
});

function createStager(stage: RowWriter, today: Date): Stager {
  const notes = { otherProfessions: 0, unusablePhones: 0, unusableEmails: 0 };
  let last = '';
  const readDate = remembered((text) => parseBirthdate(text, today));
  const readPhone = remembered((text) => parsePhoneNumber(text));
  const readEmail = remembered((text) => parseEmailAddress(text));
  return {
    take(fields) {
      const cells = fields.map((field) => textOf(field).trim());
      const [type, rpps, profession, birthName, firstNames, family, given, born, phoneCell, emailCell] =
        cells as [string, string, string, string, string, string, string, string, string, string];
      const [civilite, civiliteExercice, end] = cells.slice(10) as [string, string, string];
      if (profession === '') return 'no profession';
      if (profession !== MEDECIN) {
        notes.otherProfessions += 1;
        return undefined;
      }
      if (type !== RPPS_TYPE || !isRpps(rpps)) return 'not an RPPS number';
      const familyName = family || birthName;
      // « Prénoms » holds all of them, an apostrophe between two.
      const givenName = given || (firstNames.split("'")[0] as string);
      if (familyName === '' || givenName === '') return `RPPS ${rpps}: no name`;
      const birthdate = readDate(born);
      if (!birthdate.ok) return `RPPS ${rpps}: no usable birthdate`;
      const endedOn = end === '' ? undefined : readDay(end);
      if (end !== '' && endedOn === undefined) return `RPPS ${rpps}: no usable end date`;
      const phone = phoneCell === '' ? undefined : readPhone(phoneCell);
      const email = emailCell === '' ? undefined : readEmail(emailCell);
      // The lines of one doctor follow each other and repeat the contacts.
      if (rpps !== last) {
        if (phone?.ok === false) notes.unusablePhones += 1;
        if (email?.ok === false) notes.unusableEmails += 1;
      }
      last = rpps;
      const row = [
        rpps,
        familyName,
        givenName,
        birthdate.value,
        phone?.ok ? phone.value : '',
        email?.ok ? email.value.address : '',
        civilite,
        civiliteExercice,
        endedOn ?? '',
      ];
      stage.write(row.map((value) => copyNullable(bytesOf(value))).join('\t'));
      return undefined;
    },
    end() {},
    notes: () => notes,
  };
}

/** Dates and a doctor's contacts come again and again: reading them once is most of the time of an import. */
function remembered<T>(read: (text: string) => Result<T>): (text: string) => Result<T> {
  const known = new Map<string, Result<T>>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    const result = read(text);
    if (known.size >= 50_000) known.clear();
    known.set(text, result);
    return result;
  };
}

/** DD/MM/YYYY, past or to come, as an ISO date. */
function readDay(text: string): string | undefined {
  const parts = /^([0-9]{2})\/([0-9]{2})\/([0-9]{4})$/.exec(text);
  if (!parts) return undefined;
  const iso = `${parts[3]}-${parts[2]}-${parts[1]}`;
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso) ? iso : undefined;
}

async function apply(db: Db, context: ApplyContext): Promise<ImportCounts> {
  await db.raw(`CREATE TEMPORARY TABLE ordinal_entries ON COMMIT DROP AS ${ENTRIES}`);
  await db.raw('ANALYZE ordinal_entries');
  const list = (of: string) => STORED.map((column) => `${of}.${column}`).join(', ');
  const changes = `FROM ordinal_entries e LEFT JOIN ordinal_register r ON r.rpps = e.rpps
    WHERE r.rpps IS NULL OR (${list('r')}) IS DISTINCT FROM (${list('e')})`;
  const { rows } = await db.raw(
    `SELECT (SELECT count(*) FROM ordinal_register) AS present,
            (SELECT count(*) FROM ordinal_register r
              WHERE NOT EXISTS (SELECT FROM ordinal_entries e WHERE e.rpps = r.rpps)) AS gone,
            (SELECT count(DISTINCT rpps) FROM ${STAGE}) - (SELECT count(*) FROM ordinal_entries) AS ambiguous,
            count(r.rpps) AS changed, count(*) - count(r.rpps) AS added
       ${changes}`,
  );
  const { present, gone, ambiguous, changed, added } = rows[0];
  context.guard(present, gone);
  await db.raw(
    `DELETE FROM ordinal_register r WHERE NOT EXISTS (SELECT FROM ordinal_entries e WHERE e.rpps = r.rpps)`,
  );
  await db.raw(
    `INSERT INTO ordinal_register (${STORED.join(', ')}) SELECT ${list('e')} ${changes}
         ON CONFLICT (rpps) DO UPDATE SET ${STORED.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  );
  return {
    added,
    changed,
    gone,
    unchanged: present - gone - changed,
    notes: { ambiguousBirthdates: ambiguous },
  };
}
