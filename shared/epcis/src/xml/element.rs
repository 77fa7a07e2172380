//! An element as its start tag tells it.

use crate::draft::Field;
use crate::xml::check::is_name;
use crate::xml::tag::Tag;

/// What an element is, as its tag tells.
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    pub(crate) standard: bool,
    /// The whole name, prefix included.
    pub(crate) name: &'a [u8],
    /// The prefix, without its colon.
    pub(crate) prefix: &'a [u8],
    pub(crate) schema_version: Option<String>,
    /// The attribute `name`, by which one dialect tells its extensions apart.
    pub(crate) extension: Option<Field>,
    /// Line and column, given for event elements only.
    pub(crate) place: (u64, u64),
}

impl<'a> Element<'a> {
    /// A standard element, without attributes.
    #[inline]
    fn new(tag: Tag, name: &'a [u8], prefix: &'a [u8]) -> Self {
        Self {
            tag,
            standard: true,
            name,
            prefix,
            schema_version: None,
            extension: None,
            place: (0, 0),
        }
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &'a [u8] {
        match self.name.iter().position(|byte| *byte == b':') {
            Some(at) => self.name.get(at.saturating_add(1)..).unwrap_or_default(),
            None => self.name,
        }
    }
}

/// The names that were met last. A document has few, and says them millions of times.
pub(crate) struct Met {
    known: [Known; NAMES],
}

#[derive(Clone, Copy)]
struct Known {
    name: [u8; NAME_BYTES_MAX],
    length: usize,
    /// Bytes of the prefix.
    prefix: usize,
    tag: Tag,
}

/// A power of two, for the remainder to be cheap.
const NAMES: usize = 64;
/// A longer name is worked out each time.
const NAME_BYTES_MAX: usize = 32;

impl Met {
    pub(crate) fn new() -> Self {
        let none = Known { name: [0; NAME_BYTES_MAX], length: 0, prefix: 0, tag: Tag::Other };
        Self { known: [none; NAMES] }
    }

    /// The element of that name; none where it is no proper name.
    #[inline]
    pub(crate) fn element<'a>(&mut self, name: &'a [u8]) -> Option<Element<'a>> {
        let ends = (name.first().copied()?, name.last().copied()?);
        let mixed = usize::from(ends.0).wrapping_mul(7) ^ usize::from(ends.1).wrapping_mul(3);
        let known = self.known.get_mut((mixed ^ name.len().wrapping_mul(11)) % NAMES)?;
        if known.name.get(..known.length) == Some(name) {
            let prefix = name.get(..known.prefix).unwrap_or_default();
            return Some(Element::new(known.tag, name, prefix));
        }
        Self::meet(known, name)
    }

    fn meet<'a>(known: &mut Known, name: &'a [u8]) -> Option<Element<'a>> {
        let (prefix, local) = match name.iter().position(|byte| *byte == b':') {
            Some(at) => name.split_at_checked(at)?,
            None => (&b""[..], name),
        };
        if !is_name(name) {
            return None;
        }
        let tag = Tag::from_local(local.strip_prefix(b":").unwrap_or(local));
        if let Some(slot) = known.name.get_mut(..name.len()) {
            slot.copy_from_slice(name);
            (known.length, known.prefix, known.tag) = (name.len(), prefix.len(), tag);
        }
        Some(Element::new(tag, name, prefix))
    }
}
