/**
 * Writes FINESS files of any size in the Etalab shape: invented sites only, the same bytes for the same options.
 *
 *   node bench/finess.ts --rows 105000 FILE
 */
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const COLUMNS =
  'nofinesset;nofinessej;rs;rslongue;numvoie;typvoie;voie;compvoie;lieuditbp;codepostal;libelle_routage;ligneacheminement;categetab;libcategetab';
const KINDS = [
  ['620', 'Pharmacie d’Officine', 'PHARMACIE', 'PHARMACIE'],
  ['500', 'EHPAD', 'EHPAD', 'ETABLISSEMENT D’HEBERGEMENT'],
  ['611', 'Laboratoire de Biologie Médicale', 'LBM', 'LABORATOIRE DE BIOLOGIE MEDICALE'],
  ['355', 'Centre Hospitalier', 'CH', 'CENTRE HOSPITALIER'],
  ['124', 'Centre de Santé', 'CDS', 'CENTRE DE SANTE'],
  ['603', 'Maison de santé', 'MSP', 'MAISON DE SANTE PLURIPROFESSIONNELLE'],
] as const;
const SYLLABLES =
  'BA BEL BON BRE CHA CHE COR DAN DEL DU FA FLO GAR GOU GUI HA HER JO KER LA LAM LE LOU MA MER MON NA NO PEL PO RA RI ROU SA SOU TA TRE VA VER VIL VOI'.split(
    ' ',
  );
const ENDINGS = 'ARD AULT EAU EL ELLE ENC ET EUR IER IN IS ON OT OUX UET Y'.split(' ');
const STREETS = 'DE LA REPUBLIQUE|DU MOULIN|DES ECOLES|DE L’EGLISE|DES LILAS|DU PORT'.split('|');

/** A small deterministic source (mulberry32). */
function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The file, header first. */
export function finessText(rows: number): string {
  const lines = [COLUMNS];
  for (let number = 1; number <= rows; number += 1) {
    const random = randomSource(number);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const [category, label, short, long] = KINDS[Math.floor(random() ** 1.5 * KINDS.length)] ?? KINDS[0];
    const place = () => pick(SYLLABLES) + pick(SYLLABLES) + pick(ENDINGS);
    const town = `${random() < 0.3 ? 'ST ' : ''}${place()}`;
    const code = String(10_000 + Math.floor(random() * 80_000));
    const name = random() < 0.5 ? `DE ${town}` : place();
    lines.push(
      [
        `0B${String(number).padStart(7, '0')}`,
        `1B${String(Math.ceil(number / 3)).padStart(7, '0')}`,
        `${short} ${name}`,
        `${long} ${name}`,
        1 + Math.floor(random() * 200),
        'R',
        pick(STREETS),
        '',
        '',
        code,
        town,
        `${code} ${town}`,
        category,
        label,
      ].join(';'),
    );
  }
  return `${lines.join('\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: 'string', default: '105000' } },
  });
  const path = positionals[0];
  if (!path) throw new Error('usage: node bench/finess.ts --rows N FILE');
  await writeFile(path, finessText(Number(values.rows)));
  console.log(`${values.rows} rows in ${path}`);
}
