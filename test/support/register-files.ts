/** Files of FINESS and of the Order, as their publishers write them, with invented content. */

export type Row = Readonly<Record<string, string>>;

/** Etalab CSV of FINESS. */
export const FINESS_HEADER =
  'nofinesset;nofinessej;rs;rslongue;complrs;compldistrib;numvoie;typvoie;voie;compvoie;lieuditbp;region;libregion;departement;libdepartement;cog;codepostal;libelle_routage;ligneacheminement;telephone;telecopie;categetab;libcategetab;liblongcategetab;categretab;libcategretab;siret;codeape;libcodeape;mft;libmft;liblongmft;sph;libsph;numen;coordx;coordy;sourcegeocod;dategeocod;dateautor;dateouvert;datemaj'.split(
    ';',
  );

/** Columns of `Extraction_ProSanteConnect_Personne_activite`. */
export const ORDRE_HEADER =
  "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom de famille|Prénoms|Date de naissance|Code commune de naissance|Code pays de naissance|Lieu de naissance|Code sexe|Téléphone (coord. correspondance)|Adresse e-mail (coord. correspondance)|Code civilité|Code profession|Code catégorie professionnelle|Code civilité d'exercice|Nom d'exercice|Prénom d'exercice|Code type savoir-faire|Code savoir-faire|Code mode exercice|Code secteur d'activité|Code section tableau pharmaciens|Code rôle|Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)|Code pays (coord. structure)|Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|Adresse e-mail (coord. structure)|Code département (coord. structure)|Ancien identifiant de la structure|Autorité d'enregistrement".split(
    '|',
  );

export function delimited(
  columns: readonly string[],
  rows: readonly Row[],
  { separator, trailing }: { separator: string; trailing: boolean },
): string {
  const end = trailing ? `${separator}\n` : '\n';
  const line = (cells: readonly string[]) => cells.join(separator) + end;
  return line(columns) + rows.map((row) => line(columns.map((name) => row[name] ?? ''))).join('');
}

export const finessFile = (rows: readonly Row[], columns: readonly string[] = FINESS_HEADER): string =>
  delimited(columns, rows, { separator: ';', trailing: false });

export const ordreFile = (rows: readonly Row[], columns: readonly string[] = ORDRE_HEADER): string =>
  delimited(columns, rows, { separator: '|', trailing: true });
