//! The scheme of a pool or an allocation as attributes of its item.

use domain::object_key::ObjectKey;
use domain::pool::Scheme;
use domain::space::{Alphabet, SpaceForm, SpaceId};

use crate::item::{Corrupt, Item, Reader, number, text};

/// Writes a scheme. `named` says `sequential` too, which allocations leave out.
pub(crate) fn put(item: &mut Item, scheme: Scheme, named: bool) {
    match scheme {
        Scheme::Sequential { width } => {
            if named {
                item.insert("scheme".to_owned(), text(scheme.as_str()));
            }
            item.insert("width".to_owned(), number(width));
        }
        Scheme::List { list } => {
            item.insert("scheme".to_owned(), text(scheme.as_str()));
            item.insert("list".to_owned(), text(list.as_str()));
        }
        Scheme::Randomised { space, form } => {
            let fields = [
                ("scheme", text(scheme.as_str())),
                ("space", text(space.as_str())),
                ("prefix", text(form.prefix())),
                ("alphabet", text(form.alphabet().to_string())),
                ("length", number(form.length())),
            ];
            item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        }
    }
}

/// Reads a scheme. The space must be the one of product and form: another one's key would print texts that
/// belong elsewhere (I1).
pub(crate) fn read(reader: Reader<'_>, of: impl Into<ObjectKey>) -> Result<Scheme, Corrupt> {
    match reader.optional_text("scheme")? {
        None | Some("sequential") => Ok(Scheme::Sequential { width: reader.parsed("width")? }),
        Some("randomised") => {
            let alphabet = Alphabet::custom(reader.text("alphabet")?)
                .map_err(|_| reader.corrupt("alphabet", "is no alphabet"))?;
            let length = reader.parsed("length")?;
            let form = SpaceForm::new(reader.text("prefix")?, alphabet, length)
                .map_err(|_| reader.corrupt("length", "makes no space of this form"))?;
            let space: SpaceId = reader.typed("space")?;
            let own = of.into().gtin().map(|gtin| SpaceId::of(&gtin, &form));
            if own != Some(space) {
                return Err(reader.corrupt("space", "is not that of product and form"));
            }
            Ok(Scheme::Randomised { space, form })
        }
        Some("list") => Ok(Scheme::List { list: reader.typed("list")? }),
        Some(_) => Err(reader.corrupt("scheme", "is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::new_item;
    use crate::keys::{Pk, Sk};
    use domain::gtin::Gtin14;
    use domain::ids::PoolId;
    use domain::list::ListId;

    fn gtin() -> Gtin14 {
        Gtin14::parse("00313000007772").unwrap()
    }

    fn randomised(prefix: &str) -> Scheme {
        let form = SpaceForm::new(prefix, Alphabet::custom("0123456789ABC").unwrap(), 12).unwrap();
        Scheme::Randomised { space: SpaceId::of(&gtin(), &form), form }
    }

    fn item(scheme: Scheme) -> Item {
        let mut item = new_item(&Pk::Pool(PoolId::from_entropy([1; 17])), &Sk::Pool, "pool");
        put(&mut item, scheme, false);
        item
    }

    #[test]
    fn a_scheme_is_read_as_it_was_written() {
        let list = Scheme::List { list: ListId::of(&PoolId::from_entropy([1; 17])) };
        for scheme in [Scheme::Sequential { width: 7 }, randomised(""), randomised("A1"), list] {
            assert_eq!(read(Reader::raw(&item(scheme)), gtin()), Ok(scheme));
        }
    }

    #[test]
    fn what_was_tampered_with_is_corrupt() {
        let check = |name: &str, value| {
            let mut changed = item(randomised("A1"));
            changed.insert(name.to_owned(), value);
            let refused = read(Reader::raw(&changed), gtin()).unwrap_err();
            refused.attribute
        };
        assert_eq!(check("scheme", text("list of somebody")), "scheme");
        assert_eq!(check("alphabet", text("AA")), "alphabet");
        assert_eq!(check("length", number(1)), "length");
        // Form and space must agree: another form has another key.
        assert_eq!(check("prefix", text("A2")), "space");
        assert_eq!(check("length", number(13)), "space");
        assert_eq!(check("space", text("a")), "space");
        let other = Gtin14::parse("00313000007789").unwrap();
        let refused = read(Reader::raw(&item(randomised("A1"))), other).unwrap_err();
        assert_eq!(refused.attribute, "space");
    }
}
