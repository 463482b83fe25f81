/** Words that attackers of this service would try first, besides the dictionaries of zxcvbn (ASVS 5.0.0, 6.2.4, 6.2.11). */

/** Of this service and of its public's trade. */
// biome-ignore format: a plain list of words
export const CONTEXT_WORDS = [
  'caducee', 'caduceus', 'ordre', 'conseil', 'rpps', 'adeli', 'finess', 'prosante', 'prosanteconnect', 'ecps', 'carte',
  'cps', 'medecin', 'docteur', 'medical', 'medecine', 'sante', 'pharmacien', 'pharmacie', 'biologiste', 'biologie',
  'sagefemme', 'chirurgien', 'chirurgie', 'dentiste', 'infirmier', 'infirmiere', 'kine', 'kinesitherapeute',
  'masseur', 'pedicure', 'podologue', 'orthophoniste', 'orthoptiste', 'ergotherapeute', 'psychologue', 'hopital',
  'clinique', 'cabinet', 'laboratoire', 'patient', 'secretaire', 'secretariat', 'ameli', 'doctolib', 'medimail',
  'mssante', 'vitale', 'cartevitale', 'urgences', 'hippocrate', 'esculape', 'stethoscope', 'ordonnance',
];

/** What people in France choose, and English lists of passwords lack. */
// biome-ignore format: a plain list of words
export const FRENCH_CHOICES = [
  'azerty', 'motdepasse', 'monmotdepasse', 'motdepass', 'mdp', 'bonjour', 'bonsoir',
  'bienvenue', 'soleil', 'chocolat', 'chouchou', 'doudou', 'loulou', 'loulous', 'nounours', 'nounou', 'bouboule', 'titoune',
  'minou', 'minette', 'toutou', 'coucou', 'bisous', 'bisounours', 'jetaime', 'jetadore', 'moncoeur', 'monamour', 'monange',
  'monbebe', 'mabiche', 'mapuce', 'cheri', 'cherie', 'amour', 'toujours', 'pourtoujours', 'toutlemonde', 'lescopains',
  'maman', 'papa', 'mamie', 'papy', 'mamanpapa', 'mafamille', 'famille', 'lafamille', 'mesenfants', 'vacances', 'weekend',
  'liberte', 'egalite', 'fraternite', 'france', 'vivelafrance', 'allezlesbleus', 'lesbleus', 'marseille', 'allezlom',
  'olympique', 'olympiquedemarseille', 'parissaintgermain', 'allezpsg', 'toulouse', 'bordeaux', 'bretagne', 'normandie',
  'corse', 'camembert', 'fromage', 'saucisson', 'champagne', 'croissant', 'poisson', 'cheval', 'papillon', 'libellule',
  'coccinelle', 'etoile', 'arcenciel', 'princesse', 'licorne', 'pompier', 'gendarme', 'administrateur', 'utilisateur',
  'secret', 'securite', 'connexion', 'ordinateur', 'bureau', 'travail', 'boulot', 'provisoire', 'changezmoi', 'toutvabien',
  'printemps', 'automne', 'janvier', 'fevrier', 'mars', 'avril', 'juin', 'juillet', 'aout', 'septembre', 'octobre',
  'novembre', 'decembre', 'lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi', 'dimanche',
];
