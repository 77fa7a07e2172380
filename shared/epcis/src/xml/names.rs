//! Which prefixes are bound to namespaces of the standard.
//!
//! Real files bind odd prefixes, leave bindings out, or invent a namespace for the document. So an
//! element counts as standard unless its prefix (or the default) is bound to a namespace that is
//! known to be another's.

/// Bindings in scope, at most; each element name is looked up among them.
const BINDINGS_MAX: usize = 256;

struct Binding {
    prefix: Vec<u8>,
    standard: bool,
    edition: Option<u8>,
    depth: usize,
}

#[derive(Default)]
pub(crate) struct Names {
    bindings: Vec<Binding>,
    /// What an element without prefix is.
    foreign_default: bool,
    pub(crate) seen_1: bool,
    pub(crate) seen_2: bool,
}

impl Names {
    /// Adds a binding of an element at `depth`; false when there are too many.
    pub(crate) fn bind(&mut self, prefix: &[u8], uri: &[u8], depth: usize) -> bool {
        if self.bindings.len() >= BINDINGS_MAX {
            return false;
        }
        let edition = edition(uri);
        match edition {
            Some(1) => self.seen_1 = true,
            Some(2) => self.seen_2 = true,
            _ => {}
        }
        let standard = is_standard(uri);
        self.bindings.push(Binding { prefix: prefix.to_vec(), standard, edition, depth });
        self.refresh_default();
        true
    }

    /// Drops the bindings of elements deeper than `depth`.
    #[inline]
    pub(crate) fn leave(&mut self, depth: usize) {
        if self.bindings.last().is_none_or(|binding| binding.depth <= depth) {
            return;
        }
        while self.bindings.last().is_some_and(|binding| binding.depth > depth) {
            self.bindings.pop();
        }
        self.refresh_default();
    }

    /// The namespace of the document element is the standard's, whatever its name.
    pub(crate) fn trust(&mut self, prefix: &[u8]) {
        if let Some(binding) = self.bindings.iter_mut().rev().find(|b| b.prefix == prefix) {
            binding.standard = true;
        }
        self.refresh_default();
    }

    #[inline]
    pub(crate) fn is_standard(&self, prefix: &[u8]) -> bool {
        if prefix.is_empty() {
            return !self.foreign_default;
        }
        let bound = self.bindings.iter().rev().find(|binding| binding.prefix == prefix);
        bound.is_none_or(|binding| binding.standard)
    }

    /// The edition of EPCIS to which `prefix` is bound.
    pub(crate) fn edition_of(&self, prefix: &[u8]) -> Option<u8> {
        let bound = self.bindings.iter().rev().find(|binding| binding.prefix == prefix);
        bound.and_then(|binding| binding.edition)
    }

    fn refresh_default(&mut self) {
        let default = self.bindings.iter().rev().find(|binding| binding.prefix.is_empty());
        self.foreign_default = default.is_some_and(|binding| !binding.standard);
    }
}

fn is_standard(uri: &[u8]) -> bool {
    matches!(
        uri,
        b"" | b"urn:epcglobal:xsd:1"
            | b"urn:epcglobal:cbv:mda"
            | b"http://schemas.xmlsoap.org/soap/envelope/"
            | b"http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    ) || uri.starts_with(b"urn:epcglobal:epcis")
}

/// The edition of EPCIS that a namespace belongs to: 1 (1.0 to 1.2) or 2.
fn edition(uri: &[u8]) -> Option<u8> {
    if !uri.starts_with(b"urn:epcglobal:epcis") {
        return None;
    }
    match uri.rsplit(|byte| *byte == b':').next() {
        Some([b'2', ..]) => Some(2),
        Some([b'1', ..]) => Some(1),
        _ => None,
    }
}
