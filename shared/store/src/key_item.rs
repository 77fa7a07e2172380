//! What the numbers of a pool or an allocation are numbers of, as attributes of its item.
//!
//! A trade item is told as it always was, `gtin`; company prefix and extension digit as `sscc_prefix`. Never both.

use domain::object_key::ObjectKey;

use crate::item::{Corrupt, Item, Reader, text};

/// The attribute that tells a key, and what it says.
pub(crate) fn attribute(key: ObjectKey) -> (&'static str, String) {
    let name = match key {
        ObjectKey::Gtin(_) => "gtin",
        ObjectKey::Sscc(_) => "sscc_prefix",
    };
    (name, key.to_string())
}

/// Writes a key.
pub(crate) fn put(item: &mut Item, key: ObjectKey) {
    let (name, value) = attribute(key);
    item.insert(name.to_owned(), text(value));
}

/// Reads a key.
pub(crate) fn read(reader: Reader<'_>) -> Result<ObjectKey, Corrupt> {
    match (reader.optional_typed("gtin")?, reader.optional_typed("sscc_prefix")?) {
        (Some(gtin), None) => Ok(ObjectKey::Gtin(gtin)),
        (None, Some(prefix)) => Ok(ObjectKey::Sscc(prefix)),
        (None, None) => Err(reader.corrupt("gtin", "is missing")),
        (Some(_), Some(_)) => Err(reader.corrupt("sscc_prefix", "is there besides a GTIN")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_of_two_kinds() {
        let item = |keys: &[&str]| {
            let mut item = Item::new();
            for key in keys {
                put(&mut item, key.parse().unwrap());
            }
            item
        };
        let (gtin, prefix) = ("00313000007772", "0355555.1");
        for key in [gtin, prefix] {
            assert_eq!(read(Reader::raw(&item(&[key]))), Ok(key.parse().unwrap()));
        }
        for (keys, attribute) in [(&[][..], "gtin"), (&[gtin, prefix], "sscc_prefix")] {
            assert_eq!(read(Reader::raw(&item(keys))).unwrap_err().attribute, attribute);
        }
    }
}
