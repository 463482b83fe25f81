/**
 * Writes open-data files of the national directory at any size: invented people only, the same bytes for the same
 * options, and no more memory for more rows.
 *
 *   node bench/national-directory.ts --rows 2300000 [--changed-percent 1] FILE
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { NATIONAL_DIRECTORY_COLUMNS } from '../src/directories/national-directory/columns.ts';

export interface DirectoryFileOptions {
  readonly rows: number;
  /** Share of the people who differ from those of the same file at 0: half moved, a quarter gone, a quarter new. */
  readonly changedPercent?: number;
}

/** A small deterministic source (mulberry32), seeded per person so that a change leaves the others as they were. */
function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const COMMON_NAMES =
  'MARTIN BERNARD THOMAS PETIT ROBERT RICHARD DURAND DUBOIS MOREAU LAURENT SIMON MICHEL LEFEBVRE LEROY ROUX DAVID BERTRAND MOREL FOURNIER GIRARD'.split(
    ' ',
  );
const GIVEN_NAMES =
  'MARIE JEAN CAMILLE CLAUDE DOMINIQUE ALIX SACHA LOU MAXENCE ANDRÉA FRÉDÉRIQUE ZOÉ ÉLODIE CÉLINE SOPHIE JULIEN NICOLAS PIERRE THOMAS ANNE HÉLÈNE PHILIPPE SYLVIE NATHALIE LAURENT STÉPHANE AMÉLIE JEAN-PIERRE ANNE-MARIE MARIE-CLAUDE YANN LOÏC MAËLLE NOÉMIE AGATHE BASILE CHLOÉ DELPHINE EMMA FANNY GAËL HUGO INÈS JADE KARIM LÉA MANON NINA OSCAR PAUL'.split(
    ' ',
  );
const SYLLABLES =
  'BA BEL BON BRE CHA CHE COR DAN DEL DU FA FLO GAR GOU GUI HA HER JO KER LA LAM LE LOU MA MER MON NA NO PEL PO QUE RA RI ROU SA SOU TA TRE VA VER VIL VOI'.split(
    ' ',
  );
const ENDINGS = 'ARD AULT EAU EL ELLE ENC ET EUR IER IN IS ON OT OUX UET Y'.split(' ');
const TOWNS =
  'PARIS MARSEILLE LYON TOULOUSE NICE NANTES MONTPELLIER STRASBOURG BORDEAUX LILLE RENNES REIMS'.split(' ');
const PROFESSIONS = [
  ['60', 'Infirmier', 0.5],
  ['10', 'Médecin', 0.22],
  ['70', 'Masseur-Kinésithérapeute', 0.1],
  ['21', 'Pharmacien', 0.07],
  ['40', 'Chirurgien-Dentiste', 0.05],
  ['50', 'Sage-Femme', 0.03],
  ['91', 'Orthophoniste', 0.03],
] as const;
const SKILLS = [
  ['SM26', 'Qualifié en Médecine Générale'],
  ['SM54', 'Médecine Générale'],
  ['SM03', 'Biologie médicale'],
  ['SM01', 'Anatomie et cytologie pathologiques'],
  ['SM53', 'Spécialiste en Médecine Générale'],
] as const;
const SECTORS = [
  ['SA07', 'Cabinet individuel'],
  ['SA08', 'Cabinet de Groupe'],
  ['SA01', 'Etablissement public de santé'],
  ['SA33', 'Pharmacie d’officine'],
] as const;
const STREETS =
  'DE LA RÉPUBLIQUE|DU MOULIN|DES ÉCOLES|DE L’ÉGLISE|VICTOR NOIR|DES LILAS|DU PORT|PASTEUR'.split('|');

type Pick = <T>(list: readonly T[]) => T;

function familyName(random: () => number, pick: Pick): string {
  // A twentieth bears one of the commonest names, the first of them most often.
  if (random() < 0.05) return COMMON_NAMES[Math.floor(random() ** 3 * COMMON_NAMES.length)] as string;
  const one = () => pick(SYLLABLES) + (random() < 0.5 ? pick(SYLLABLES) : '') + pick(ENDINGS);
  const kind = random();
  if (kind < 0.08) return `${one()}-${one()}`;
  if (kind < 0.1) return `D'${one()}`;
  if (kind < 0.12) return `LE ${one()}`;
  return one();
}

function town(random: () => number, pick: Pick): { name: string; code: string } {
  if (random() < 0.3) {
    const rank = Math.floor(random() ** 2 * TOWNS.length);
    return { name: TOWNS[rank] as string, code: String(10 + rank * 7).padEnd(5, '0') };
  }
  const name = `${random() < 0.3 ? 'SAINT-' : ''}${pick(SYLLABLES)}${pick(SYLLABLES)}${pick(ENDINGS)}`;
  return { name, code: String(10_000 + Math.floor(random() * 80_000)) };
}

type Fields = Record<string, string>;

function structure(number: number): Fields {
  const random = randomSource(number * 7 + 3);
  const pick: Pick = (list) => list[Math.floor(random() * list.length)] as never;
  const place = town(random, pick);
  const hospital = number % 5 === 0;
  const id = String(number).padStart(7, '0');
  return {
    'Numéro SIRET site': hospital ? `9${id}000014` : '',
    'Numéro SIREN site': hospital ? `9${id}0` : '',
    'Numéro FINESS site': hospital ? `0B${id}` : '',
    'Numéro FINESS établissement juridique': hospital ? `1B${id}` : '',
    'Identifiant technique de la structure': `${hospital ? 'F0B' : 'R9'}${id}`,
    'Raison sociale site': `${hospital ? 'HOPITAL FICTIF DE' : 'CABINET'} ${place.name}`,
    'Enseigne commerciale site': random() < 0.3 ? `MAISON DE SANTE ${pick(SYLLABLES)}${pick(ENDINGS)}` : '',
    'Complément destinataire (coord. structure)': random() < 0.2 ? `BATIMENT ${pick(SYLLABLES)}` : '',
    'Numéro Voie (coord. structure)': String(1 + Math.floor(random() * 200)),
    'Code type de voie (coord. structure)': 'R',
    'Libellé type de voie (coord. structure)': 'Rue',
    'Libellé Voie (coord. structure)': pick(STREETS),
    'Bureau cedex (coord. structure)': `${place.code} ${place.name}`,
    'Code postal (coord. structure)': place.code,
    'Code commune (coord. structure)': place.code,
    'Libellé commune (coord. structure)': place.name,
    'Code pays (coord. structure)': '99000',
    'Libellé pays (coord. structure)': 'France',
    'Téléphone (coord. structure)': `019900${String(number % 10_000).padStart(4, '0')}`,
    'Adresse e-mail (coord. structure)': random() < 0.15 ? `contact${id}@cabinet.example` : '',
    'Code Département (structure)': place.code.slice(0, 2),
    'Libellé Département (structure)': `Fictif ${place.code.slice(0, 2)}`,
    'Ancien identifiant de la structure': `4997${id}001`,
    "Autorité d'enregistrement": 'CNOM/CNOM/CNOM',
  };
}

function rppsOf(number: number): string {
  const body = `997${String(number).padStart(7, '0')}`;
  let sum = 0;
  for (let rank = 0; rank < body.length; rank += 1) {
    const digit = Number(body[rank]) * (rank % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return body + String((10 - (sum % 10)) % 10);
}

/** The lines of one person: one per activity and savoir-faire. */
function person(number: number, structures: number, moved: boolean): Fields[] {
  const random = randomSource(number);
  const pick: Pick = (list) => list[Math.floor(random() * list.length)] as never;
  let draw = random();
  const [code, label] = PROFESSIONS.find(([, , share]) => {
    draw -= share;
    return draw <= 0;
  }) ?? ['60', 'Infirmier'];
  const rpps = rppsOf(number);
  const identity: Fields = {
    "Type d'identifiant PP": '8',
    'Identifiant PP': rpps,
    'Identification nationale PP': `8${rpps}`,
    "Code civilité d'exercice": code === '10' ? 'DR' : '',
    "Libellé civilité d'exercice": code === '10' ? 'Docteur' : '',
    'Code civilité': random() < 0.6 ? 'MME' : 'M',
    "Nom d'exercice": familyName(random, pick),
    "Prénom d'exercice": pick(GIVEN_NAMES),
    'Code profession': code,
    'Libellé profession': label,
    'Code catégorie professionnelle': 'C',
    'Libellé catégorie professionnelle': 'Civil',
  };
  identity['Libellé civilité'] = identity['Code civilité'] === 'M' ? 'Monsieur' : 'Madame';
  const skills = code === '10' ? SKILLS.slice(0, 1 + Math.floor(random() * 3)) : [undefined];
  const activities = Math.min(5, Math.floor(-Math.log(1 - random()) * 1.05) + 1);
  const rows: Fields[] = [];
  for (let rank = 0; rank < activities; rank += 1) {
    // Small places have a few people, hospitals many.
    let place = Math.floor(random() ** 1.5 * structures);
    if (moved && rank === 0) place = (place + 1) % structures;
    const [sector, sectorLabel] = pick(SECTORS);
    const employed = random() < 0.5;
    for (const skill of skills) {
      rows.push({
        ...identity,
        ...structure(place),
        'Code type savoir-faire': skill ? 'S' : '',
        'Libellé type savoir-faire': skill ? 'Spécialité ordinale' : '',
        'Code savoir-faire': skill?.[0] ?? '',
        'Libellé savoir-faire': skill?.[1] ?? '',
        'Code mode exercice': employed ? 'S' : 'L',
        'Libellé mode exercice': employed ? 'Salarié' : 'Libéral, indépendant, artisan, commerçant',
        "Code secteur d'activité": sector,
        "Libellé secteur d'activité": sectorLabel,
        'Code genre activité': 'GENR01',
        'Libellé genre activité': 'Activité standard de soin ou de pharmacien',
      });
    }
  }
  return rows;
}

/** The lines of the file, header first, each with its line feed. */
export function* directoryLines({ rows, changedPercent = 0 }: DirectoryFileOptions): Generator<string> {
  yield `${NATIONAL_DIRECTORY_COLUMNS.join('|')}|\n`;
  const structures = Math.max(12, Math.round(rows / 6));
  const newcomers = 5_000_000;
  let written = 0;
  for (let number = 1; written < rows; number += 1) {
    const draw = randomSource(number + 77)() * 100;
    const change = draw < changedPercent ? Math.floor((draw / changedPercent) * 4) : undefined;
    const here = person(number, structures, change === 0 || change === 1);
    // Who leaves still counts, so that both files end with the same person.
    written += here.length;
    if (change === 2) continue;
    const coming = change === 3 ? person(newcomers + number, structures, false) : [];
    for (const row of [...here, ...coming]) {
      yield `${NATIONAL_DIRECTORY_COLUMNS.map((name) => row[name] ?? '').join('|')}|\n`;
    }
  }
}

/** Writes the file. @returns the number of rows, header apart. */
export async function writeDirectoryFile(path: string, options: DirectoryFileOptions): Promise<number> {
  const file = createWriteStream(path);
  let text = '';
  let lines = -1;
  for (const line of directoryLines(options)) {
    text += line;
    lines += 1;
    if (text.length > 1 << 20) {
      if (!file.write(text)) await once(file, 'drain');
      text = '';
    }
  }
  file.end(text);
  await once(file, 'finish');
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '100000' },
      'changed-percent': { type: 'string', default: '0' },
    },
  });
  const path = positionals[0];
  if (!path) throw new Error('usage: node bench/national-directory.ts --rows N [--changed-percent P] FILE');
  const lines = await writeDirectoryFile(path, {
    rows: Number(values.rows),
    changedPercent: Number(values['changed-percent']),
  });
  console.log(`${lines} rows in ${path}`);
}
