//! The names of the open elements, against which end tags are checked.
//!
//! The tokenizer keeps such names too, but only of what went through it. It forgets a name when it
//! sees the end tag, so an element that it saw open must be closed through it: each name knows.

pub(crate) struct Opened {
    names: Vec<u8>,
    /// Where each name begins, and whether the tokenizer saw its start tag.
    starts: Vec<(usize, bool)>,
}

impl Opened {
    pub(crate) fn new() -> Self {
        Self { names: Vec::with_capacity(1024), starts: Vec::with_capacity(64) }
    }

    #[inline]
    pub(crate) fn push(&mut self, name: &[u8], by_tokenizer: bool) {
        self.starts.push((self.names.len(), by_tokenizer));
        self.names.extend_from_slice(name);
    }

    /// The innermost open element, and whether the tokenizer saw it open.
    #[inline]
    pub(crate) fn last(&self) -> Option<(&[u8], bool)> {
        let (start, by_tokenizer) = *self.starts.last()?;
        Some((self.names.get(start..)?, by_tokenizer))
    }

    #[inline]
    pub(crate) fn pop(&mut self) {
        if let Some((start, _)) = self.starts.pop() {
            self.names.truncate(start);
        }
    }
}
