"""The report in German: each of its own words and sentences by the English one."""

from __future__ import annotations

_PAGE = {
    "Lung nodules: report": "Lungenrundherde: Bericht",
    "Case without a name": "Fall ohne Namen",
    "Read by": "Befundet von",
    "Nobody has said that the image is read.": "Das Bild ist noch von niemandem als befundet gekennzeichnet.",
    "without names, dates, notes and paths": "ohne Namen, Daten, Notizen und Pfade",
    "The image is not at hand: the report has no pictures.": "Das Bild liegt nicht vor: Der Bericht hat keine Bilder.",
    "Findings": "Befunde",
    "Finding": "Befund",
    "No findings are shown.": "Es werden keine Befunde gezeigt.",
    "Further findings": "Weitere Befunde",
    "and more": "und weitere",
    "Rejected": "Verworfen",
    "Further marks that are not shown (below the thresholds)": "Weitere Markierungen, nicht gezeigt (unter den Schwellen)",
    "Further marks that are not shown (not accepted)": "Weitere Markierungen, nicht gezeigt (nicht bestätigt)",
    "Other measurements": "Weitere Messungen",
    "Calculators (asked for by a person; they decide nothing)": (
        "Rechner (von einer Person angefordert; sie entscheiden nichts)"
    ),
    "Networks and weights": "Netze und Gewichte",
    "none": "keine",
    "Malignancy and attributes are what readers would say (LIDC), not a biopsy; score is how sure the detector is that there is a "
    "nodule.": (
        "Malignität und Merkmale sind, was Befunder sagen würden (LIDC), keine Histologie; der Score sagt, wie sicher der "
        "Detektor ist, dass dort ein Rundherd liegt."
    ),
    "Pictures: axial, coronal, sagittal, lung window; R right, A front, H head.": (
        "Bilder: axial, koronal, sagittal, Lungenfenster; R rechts, A vorn, H kopfwärts."
    ),
    "For research only: no medical device, not for diagnosis or treatment.": (
        "Nur für die Forschung: kein Medizinprodukt, nicht für Diagnose oder Therapie."
    ),
    "Report of": "Bericht vom",
    "radiograph": "Röntgenbild",
    "volume": "Volumen",
    "slice": "Schicht",
    "pixels": "Pixel",
}
_FINDINGS = {
    "Score": "Score",
    "Malignancy": "Malignität",
    "Measured": "Gemessen",
    "Corrected by": "Korrigiert von",
    "Note": "Notiz",
    "mean": "Mittel",
    "a nodule somewhere": "irgendwo ein Rundherd",
    "at a prevalence of": "bei einer Prävalenz von",
    "unreviewed": "nicht geprüft",
    "accepted": "bestätigt",
    "rejected": "verworfen",
    "drawn by a person": "von einer Person gezeichnet",
    "line": "Strecke",
    "angle": "Winkel",
    "ellipse": "Ellipse",
    "rectangle": "Rechteck",
    "axes": "Achsen",
    "at the detector": "in der Detektorebene",
    "vessel": "Gefäß",
    "scar": "Narbe",
    "bone": "Knochen",
    "artefact": "Artefakt",
    "lymph node": "Lymphknoten",
    "normal structure": "normale Struktur",
}
_ATTRIBUTES = {
    "Subtlety": "Auffälligkeit",
    "extremely subtle": "äußerst unauffällig",
    "obvious": "offensichtlich",
    "Internal structure": "Binnenstruktur",
    "soft tissue": "Weichgewebe",
    "fluid": "Flüssigkeit",
    "fat": "Fett",
    "air": "Luft",
    "Calcification": "Verkalkung",
    "popcorn": "popcornartig",
    "laminated": "lamellär",
    "non-central": "nicht zentral",
    "central": "zentral",
    "absent": "keine",
    "Sphericity": "Rundheit",
    "linear": "linear",
    "round": "rund",
    "Margin": "Rand",
    "poorly defined": "unscharf",
    "sharp": "scharf",
    "Lobulation": "Lobulierung",
    "marked": "ausgeprägt",
    "Spiculation": "Spikulierung",
    "Texture": "Textur",
    "ground glass": "Milchglas",
    "solid": "solide",
    "part-solid": "teilsolide",
    "non-solid": "nicht solide (Milchglas)",
}
_INPUTS = {
    "no result": "kein Ergebnis",
    "not given": "nicht angegeben",
    "measured": "gemessen",
    "of the mark, not measured": "von der Markierung, nicht gemessen",
    "a person": "eine Person",
    "yes": "ja",
    "no": "nein",
    "years": "Jahre",
    "mm": "mm",
    "mm³": "mm³",
    "Nobody has given, and nothing is assumed": "Niemand hat angegeben, und angenommen wird nichts",
    "Screening CT": "Screening-CT",
    "Age": "Alter",
    "Woman": "Frau",
    "Known cancer": "Bekannte Krebserkrankung",
    "Immunosuppressed": "Immunsupprimiert",
    "High risk of lung cancer": "Hohes Lungenkrebsrisiko",
    "Lung cancer in the family": "Lungenkrebs in der Familie",
    "Emphysema": "Emphysem",
    "Other significant finding": "Anderer bedeutsamer Befund",
    "Number of nodules": "Anzahl der Rundherde",
    "Mean diameter": "Mittlerer Durchmesser",
    "Longest diameter": "Größter Durchmesser",
    "Volume": "Volumen",
    "Mean diameter of the solid part": "Mittlerer Durchmesser des soliden Anteils",
    "Upper lobe": "Oberlappen",
    "Spiculated": "Spikuliert",
    "Benign calcification or fat": "Gutartige Verkalkung oder Fett",
    "Smooth at pleura or fissure": "Glatt an Pleura oder Fissur",
    "Course": "Verlauf",
    "Category before": "Vorige Kategorie",
    "Further suspicious features": "Weitere verdächtige Zeichen",
    "baseline": "erste CT",
    "new": "neu",
    "growing": "gewachsen (> 1,5 mm in 12 Monaten)",
    "growing slowly": "langsam gewachsen",
    "crossed": "in die nächste Größenklasse gekommen",
    "stable": "stabil oder kleiner",
}
_LUNG_RADS = {
    "Low-dose screening CT in 12 months.": "Niedrigdosis-Screening-CT in 12 Monaten.",
    "Low-dose CT in 6 months.": "Niedrigdosis-CT in 6 Monaten.",
    "Low-dose CT in 3 months; PET/CT may be considered if there is a solid nodule or part of 8 mm or more.": (
        "Niedrigdosis-CT in 3 Monaten; PET/CT kann erwogen werden, wenn ein Herd oder Anteil von 8 mm oder mehr solide ist."
    ),
    "Referral for further evaluation: chest CT with or without contrast, PET/CT (from 8 mm solid), or tissue sampling.": (
        "Überweisung zur weiteren Abklärung: Thorax-CT mit oder ohne Kontrastmittel, PET/CT (ab 8 mm solide) oder "
        "Gewebeentnahme."
    ),
    "Lung-RADS applies to screening only; for nodules found by chance there is Fleischner 2017.": (
        "Lung-RADS gilt nur für das Screening; für Zufallsbefunde gibt es Fleischner 2017."
    ),
    "Lung-RADS v2022 has no row for a non-solid nodule of 30 mm or more that grows.": (
        "Lung-RADS v2022 hat keine Zeile für einen wachsenden nicht soliden Rundherd von 30 mm oder mehr."
    ),
    "The solid part is given as larger than the nodule: look at both diameters.": (
        "Der solide Anteil ist größer angegeben als der Rundherd: beide Durchmesser prüfen."
    ),
    "Its mark or measurement is smaller or larger than any nodule that the calculators know: correct it.": (
        "Markierung oder Messung ist kleiner oder größer als jeder Rundherd, den die Rechner kennen: bitte korrigieren."
    ),
    "Lung-RADS v2022 has no row for a stable nodule of category 4B: its work-up decides.": (
        "Lung-RADS v2022 hat keine Zeile für einen stabilen Rundherd der Kategorie 4B: Seine Abklärung entscheidet."
    ),
    "S: another finding is, or may be, of clinical significance.": (
        "S: Ein anderer Befund ist oder könnte klinisch bedeutsam sein."
    ),
    "The most suspicious nodule gives the category of the CT.": (
        "Der verdächtigste Rundherd bestimmt die Kategorie der CT."
    ),
}
_FLEISCHNER = {
    "Fleischner 2017 does not apply to screening: use Lung-RADS.": (
        "Fleischner 2017 gilt nicht für das Screening: Dort gilt Lung-RADS."
    ),
    "Fleischner 2017 does not apply to patients with a known cancer.": (
        "Fleischner 2017 gilt nicht bei bekannter Krebserkrankung."
    ),
    "Fleischner 2017 does not apply to immunosuppressed patients.": (
        "Fleischner 2017 gilt nicht bei Immunsuppression."
    ),
    "Fleischner 2017 does not apply to patients younger than 35 years.": (
        "Fleischner 2017 gilt nicht für Patienten unter 35 Jahren."
    ),
    "No routine follow-up.": "Keine routinemäßige Kontrolle.",
    "CT at 12 months is optional.": "CT nach 12 Monaten ist möglich.",
    "CT at 6–12 months, then consider CT at 18–24 months.": "CT nach 6–12 Monaten, dann CT nach 18–24 Monaten erwägen.",
    "CT at 6–12 months, then CT at 18–24 months.": "CT nach 6–12 Monaten, dann CT nach 18–24 Monaten.",
    "CT at 3–6 months, then consider CT at 18–24 months.": "CT nach 3–6 Monaten, dann CT nach 18–24 Monaten erwägen.",
    "CT at 3–6 months, then CT at 18–24 months.": "CT nach 3–6 Monaten, dann CT nach 18–24 Monaten.",
    "Consider CT at 3 months, PET/CT, or tissue sampling.": "CT nach 3 Monaten, PET/CT oder Gewebeentnahme erwägen.",
    "CT at 6–12 months to confirm that it persists, then CT every 2 years until 5 years.": (
        "CT nach 6–12 Monaten, ob er fortbesteht, dann alle 2 Jahre CT bis 5 Jahre."
    ),
    "CT at 3–6 months to confirm that it persists. If unchanged and the solid part remains < 6 mm, annual CT for 5 years.": (
        "CT nach 3–6 Monaten, ob er fortbesteht. Wenn unverändert und der solide Anteil < 6 mm bleibt, 5 Jahre lang jährlich CT."
    ),
    "CT at 3–6 months. If stable, consider CT at 2 and 4 years.": (
        "CT nach 3–6 Monaten. Wenn stabil, CT nach 2 und 4 Jahren erwägen."
    ),
    "CT at 3–6 months. What follows depends on the most suspicious nodule.": (
        "CT nach 3–6 Monaten. Das Weitere richtet sich nach dem verdächtigsten Rundherd."
    ),
    "A solid part of 6 mm or more is highly suspicious.": "Ein solider Anteil von 6 mm oder mehr ist hochverdächtig.",
    "With several nodules, the most suspicious one decides.": "Bei mehreren Rundherden entscheidet der verdächtigste.",
}
_BROCK = {
    "The Brock model does not apply where a cancer is known: it was made from people without one.": (
        "Das Brock-Modell gilt nicht bei bekannter Krebserkrankung: Es stammt von Menschen ohne eine solche."
    ),
    "A calculator, not the truth: readers are better than it (MacMahon).": (
        "Ein Rechner, nicht die Wahrheit: Befunder sind besser als er (MacMahon)."
    ),
    "The age lies outside of the 50 to 75 years that the model was made from.": (
        "Das Alter liegt außerhalb der 50 bis 75 Jahre, aus denen das Modell stammt."
    ),
}
GERMAN: dict[str, str] = {
    **_PAGE,
    **_FINDINGS,
    **_ATTRIBUTES,
    **_INPUTS,
    **_LUNG_RADS,
    **_FLEISCHNER,
    **_BROCK,
}
"""English to German."""
