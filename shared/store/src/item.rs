//! Reading and building items: typed attributes, and `Corrupt` when an item is not what we write.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as DynamoDB gives it.
pub type Item = HashMap<String, AttributeValue>;

/// The version of the form of all items; another one is refused.
pub const SCHEMA: u32 = 1;

/// An item whose form this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the item {key} is corrupt: {attribute} {problem}")]
pub struct Corrupt {
    /// Partition and sort key.
    pub key: String,
    /// The attribute that is not as it must be.
    pub attribute: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A string attribute.
#[must_use]
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
#[must_use]
pub fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{value}"))
}

/// Begins an item: key, entity and schema number.
#[must_use]
pub fn new_item(pk: &crate::keys::Pk, sk: &crate::keys::Sk, entity: &str) -> Item {
    let mut item = key(pk, sk);
    item.insert("entity".to_owned(), text(entity));
    item.insert("schema".to_owned(), number(SCHEMA));
    item
}

/// A primary key.
#[must_use]
pub fn key(pk: &crate::keys::Pk, sk: &crate::keys::Sk) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(pk.to_string())),
        ("sk".to_owned(), text(sk.to_string())),
    ])
}

/// Adds a string attribute when there is a value.
pub fn put_some(item: &mut Item, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        item.insert(name.to_owned(), text(value));
    }
}

/// Reads attributes of one item and says where one is not as it must be.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a Item);

impl<'a> Reader<'a> {
    /// Begins reading an item of the given entity; another entity or schema is corrupt.
    pub fn new(item: &'a Item, entity: &str) -> Result<Self, Corrupt> {
        let reader = Self(item);
        if reader.text("entity")? != entity {
            return Err(reader.corrupt("entity", "is another one"));
        }
        if reader.parsed::<u32>("schema")? != SCHEMA {
            return Err(reader.corrupt("schema", "is of another version"));
        }
        Ok(reader)
    }

    /// Reads a map inside an item; its attributes are reported under the item's own key.
    #[must_use]
    pub fn raw(item: &'a Item) -> Self {
        Self(item)
    }

    /// The error for an attribute of this item.
    #[must_use]
    pub fn corrupt(&self, attribute: &str, problem: &'static str) -> Corrupt {
        let part = |name: &str| {
            self.0.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str)
        };
        Corrupt {
            key: format!("{}/{}", part("pk"), part("sk")),
            attribute: attribute.to_owned(),
            problem,
        }
    }

    /// A string that must be there.
    pub fn text(&self, name: &str) -> Result<&'a str, Corrupt> {
        self.optional_text(name)?.ok_or_else(|| self.corrupt(name, "is missing"))
    }

    /// A string that may be there.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Corrupt> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let text = value.as_s().map_err(|_| self.corrupt(name, "is no string"))?;
        Ok(Some(text.as_str()))
    }

    /// A string of a type of ours that must be there.
    pub fn typed<T: FromStr>(&self, name: &str) -> Result<T, Corrupt> {
        self.text(name)?.parse().map_err(|_| self.corrupt(name, "is malformed"))
    }

    /// A string of a type of ours that may be there.
    pub fn optional_typed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Corrupt> {
        self.optional_text(name)?
            .map(|text| text.parse().map_err(|_| self.corrupt(name, "is malformed")))
            .transpose()
    }

    /// A number that must be there.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<T, Corrupt> {
        let value = self.0.get(name).ok_or_else(|| self.corrupt(name, "is missing"))?;
        let digits = value.as_n().map_err(|_| self.corrupt(name, "is no number"))?;
        digits.parse().map_err(|_| self.corrupt(name, "is a number out of range"))
    }

    /// A number that may be there.
    pub fn optional_parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Corrupt> {
        self.0.contains_key(name).then(|| self.parsed(name)).transpose()
    }

    /// Bytes that must be there.
    pub fn bytes(&self, name: &str) -> Result<&'a [u8], Corrupt> {
        let value = self.0.get(name).ok_or_else(|| self.corrupt(name, "is missing"))?;
        let blob = value.as_b().map_err(|_| self.corrupt(name, "is not binary"))?;
        Ok(blob.as_ref())
    }

    /// A map that must be there.
    pub fn map(&self, name: &str) -> Result<&'a Item, Corrupt> {
        let value = self.0.get(name).ok_or_else(|| self.corrupt(name, "is missing"))?;
        value.as_m().map_err(|_| self.corrupt(name, "is no map"))
    }

    /// A list of strings that must be there.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Corrupt> {
        let value = self.0.get(name).ok_or_else(|| self.corrupt(name, "is missing"))?;
        let list = value.as_l().map_err(|_| self.corrupt(name, "is no list"))?;
        list.iter()
            .map(|entry| entry.as_s().cloned().map_err(|_| self.corrupt(name, "is no text list")))
            .collect()
    }
}
