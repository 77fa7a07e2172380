//! Varints and length-prefixed text: the bytes of sets and postings.
//!
//! One value has one encoding; a reader refuses any other, so equal items are equal bytes.

/// Appends `value` as a little-endian base-128 varint.
pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes().first().map_or(0, |byte| byte & 0x7f)
}

/// Appends the length and the bytes.
pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_varint(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

/// Appends an optional text: 0 for none, else its length plus one and its bytes.
pub(crate) fn push_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => push_varint(out, 0),
        Some(text) => {
            push_varint(out, u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1));
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Appends a signed number, zigzag.
pub(crate) fn push_signed(out: &mut Vec<u8>, value: i64) {
    push_varint(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

/// Reads the same back; `None` = the bytes end early or are not minimal.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64_u32).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits.checked_shl(shift).filter(|moved| moved >> shift == bits)?;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(value);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg())
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.varint()?;
        self.take(len)
    }

    #[expect(clippy::option_option, reason = "malformed, no text, and a text are three outcomes")]
    pub(crate) fn text(&mut self) -> Option<Option<&'a str>> {
        match self.varint()?.checked_sub(1) {
            None => Some(None),
            Some(len) => core::str::from_utf8(self.take(len)?).ok().map(Some),
        }
    }
}
