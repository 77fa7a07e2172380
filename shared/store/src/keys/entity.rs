//! How callers name the entities that have audit records: `allocation:<id>` for `ALLOC#<id>`.

use super::Pk;

/// The kinds of entities that leave audit records, and how their keys begin.
const KINDS: [(&str, &str); 8] = [
    ("allocation", "ALLOC#"),
    ("credential", "CREDENTIAL#"),
    ("document", "DOC#"),
    ("finding", "FINDING#"),
    ("pool", "POOL#"),
    ("product", "PRODUCT#"),
    ("run", "RUN#"),
    ("system", "SYSTEM#"),
];

impl Pk {
    /// The key of an entity by its name; `None` for a text that names none.
    #[must_use]
    pub fn of_entity(name: &str) -> Option<Self> {
        let (kind, id) = name.split_once(':')?;
        let (_, prefix) = KINDS.iter().find(|(known, _)| *known == kind)?;
        format!("{prefix}{id}").parse().ok()
    }
}

/// The name of the entity with this key text; `None` where it is no entity that callers can name.
#[must_use]
pub fn entity_name(key: &str) -> Option<String> {
    let known = KINDS.iter().find_map(|(kind, prefix)| Some((kind, key.strip_prefix(prefix)?)));
    known.map(|(kind, id)| format!("{kind}:{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_keys_and_back_and_other_texts_lead_nowhere() {
        for name in [
            format!("allocation:{}", "A".repeat(26)),
            format!("pool:{}", "B".repeat(26)),
            format!("document:{}", "ab".repeat(32)),
            "credential:abcdefgh".to_owned(),
            "finding:abc".to_owned(),
            "product:00313000007772".to_owned(),
            format!("run:{}-{:020}", "B".repeat(26), 7),
            "system:L1".to_owned(),
        ] {
            let key = Pk::of_entity(&name).unwrap();
            assert_eq!(entity_name(&key.to_string()), Some(name));
        }
        for name in ["", "pool", "pool:", "pool:a", "seals:", "session:ab", "ALLOC:A", "system:a#b"]
        {
            assert_eq!(Pk::of_entity(name), None, "{name}");
        }
        assert_eq!(entity_name("REGISTRY"), None);
    }
}
