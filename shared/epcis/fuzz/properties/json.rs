//! JSON against `serde_json`: what is read is JSON, what is JSON is not called broken, and of an
//! ordinary document every identifier is told, and no other.

use std::fmt;

use epcis::{Failure, Limits, ReadErrorCode};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::seen::{Call, seen};

pub fn holds(bytes: &[u8]) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let visible = bytes.iter().find(|byte| !b" \t\r\n".contains(byte));
    if !matches!(visible, Some(b'{' | b'[')) {
        return;
    }
    let (outcome, calls) = seen(bytes, &Limits::default(), u64::MAX);
    let tree = serde_json::from_slice::<Tree>(bytes);
    match outcome {
        Ok(summary) => {
            let loose = serde_json::from_slice::<IgnoredAny>(bytes);
            assert!(loose.is_ok(), "read, but {}", loose.unwrap_err());
            let events = calls.iter().filter(|call| matches!(call, Call::Event(_))).count();
            assert_eq!(u64::try_from(events), Ok(summary.events));
            if let Ok(tree) = tree {
                compare(&tree, &calls);
            }
        }
        Err(Failure::Read(error)) => {
            use ReadErrorCode::{NotJson, NotWellFormed, Truncated, WrongEncoding};
            let broken = [NotJson, NotWellFormed, Truncated, WrongEncoding].contains(&error.code);
            assert!(!broken || tree.is_err(), "JSON, but {error} at {:?}", error.column);
        }
        Err(Failure::Sink(())) => {}
    }
}

fn compare(tree: &Tree, calls: &[Call]) {
    let mut told: Vec<&str> = calls.iter().filter_map(identifier).collect();
    let mut written = Vec::new();
    let mut only_texts = true;
    tree.identifiers(false, &mut written, &mut only_texts);
    told.sort_unstable();
    written.sort_unstable();
    // Both are sorted: each text that was told is found in what was written, in order.
    let mut rest = written.iter();
    for text in told.iter().filter(|_| only_texts) {
        assert!(rest.any(|one| one == text), "{text} was told and not written");
    }
    let Some(listed) = tree.listed() else { return };
    let mut wanted = Vec::new();
    for event in listed {
        event.direct(&mut wanted);
    }
    wanted.sort_unstable();
    let mut rest = told.iter();
    for text in &wanted {
        assert!(rest.any(|one| one == text), "{text} stands in an event and was not told");
    }
}

fn identifier(call: &Call) -> Option<&str> {
    match call {
        Call::Epc(_, text) => Some(text),
        Call::Class(_) | Call::Event(_) => None,
    }
}

const LISTS: [&str; 4] = ["epcList", "childEPCs", "inputEPCList", "outputEPCList"];

/// JSON as it is written: members in order, doubles included.
enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Text(String),
    Other,
}

impl Tree {
    /// Strings that stand in a list of identifiers, at any depth. What is no string is told as its JSON
    /// text, which is a matter of its own.
    fn identifiers<'t>(&'t self, listed: bool, found: &mut Vec<&'t str>, only_texts: &mut bool) {
        match self {
            Self::Object(members) => {
                *only_texts &= !listed;
                for (name, value) in members {
                    value.identifiers(LISTS.contains(&name.as_str()), found, only_texts);
                }
            }
            Self::Array(values) => {
                for value in values {
                    *only_texts &= !(listed && matches!(value, Self::Array(_)));
                    value.identifiers(listed, found, only_texts);
                }
            }
            Self::Text(text) if listed => found.push(text.trim()),
            Self::Text(_) => {}
            Self::Other => *only_texts &= !listed,
        }
    }

    /// The events of an ordinary document.
    fn listed(&self) -> Option<&[Tree]> {
        let Self::Text(kind) = self.only("type")? else { return None };
        if kind != "EPCISDocument" || self.only("isA").is_some() {
            return None;
        }
        match self.only("epcisBody")?.only("eventList")? {
            Self::Array(events) => Some(events),
            Self::Object(_) | Self::Text(_) | Self::Other => None,
        }
    }

    /// The member of that name, if the object has only members of different names.
    fn only(&self, name: &str) -> Option<&Tree> {
        let Self::Object(members) = self else { return None };
        let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        let plain = name != "eventList" || members.iter().all(|(name, _)| name != "type");
        let found = members.iter().find(|(one, _)| one == name).map(|(_, value)| value);
        found.filter(|_| distinct && plain)
    }

    fn direct<'t>(&'t self, wanted: &mut Vec<&'t str>) {
        let Self::Object(members) = self else { return };
        for (name, value) in members {
            if !LISTS.contains(&name.as_str()) {
                continue;
            }
            if let Self::Array(values) = value {
                for value in values {
                    value.text(wanted);
                }
            } else {
                value.text(wanted);
            }
        }
    }

    fn text<'t>(&'t self, wanted: &mut Vec<&'t str>) {
        if let Self::Text(text) = self {
            wanted.push(text.trim());
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seer)
    }
}

struct Seer;

impl<'de> Visitor<'de> for Seer {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Tree, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Tree, S::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Tree::Array(values))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
}
