//! An element as its start tag tells it.

use crate::draft::Field;
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
    /// A standard element of that name, without attributes.
    #[inline]
    pub(crate) fn named(name: &'a [u8]) -> Self {
        // Names are short: a search that is set up for long texts would cost more.
        let (prefix, local) = match name.iter().position(|byte| *byte == b':') {
            Some(at) => name.split_at_checked(at).unwrap_or((b"", name)),
            None => (&b""[..], name),
        };
        let local = local.strip_prefix(b":").unwrap_or(local);
        Self {
            tag: Tag::from_local(local),
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
