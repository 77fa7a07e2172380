//! Words of the Core Business Vocabulary: the bare word of its URN, web and prefixed forms.

/// The forms met in real files; the bare word of EPCIS 2.0 JSON is used everywhere in the hub.
const PREFIXES: [&str; 13] = [
    "urn:epcglobal:cbv:bizstep:",
    "urn:epcglobal:cbv:disp:",
    "https://ref.gs1.org/cbv/BizStep-",
    "https://ref.gs1.org/cbv/Disp-",
    "https://gs1.org/voc/Bizstep-",
    "https://gs1.org/voc/BizStep-",
    "https://gs1.org/voc/Disp-",
    "https://ns.gs1.org/cbv/BizStep-",
    "https://ns.gs1.org/cbv/Disp-",
    "cbv:BizStep-",
    "cbv:Disp-",
    "gs1:Bizstep-",
    "gs1:BizStep-",
];

/// The bare word of a business step or disposition; any other text as it is.
#[must_use]
pub fn word(text: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}
