//! The limits of one input. Beyond each there is a `ReadErrorCode`, never an unbounded buffer.

/// Limits of one input. `Default` gives those of the hub.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one tag, text run, comment, CDATA section, JSON string or number.
    pub token_bytes_max: usize,
    /// Bytes of one value that means something to the hub (identifier, time, lot, …).
    pub value_bytes_max: usize,
    /// Nested elements, or nested JSON objects and arrays.
    pub depth_max: usize,
    /// Attributes of one tag.
    pub attributes_max: usize,
    /// Bytes of one tag's attributes together.
    pub attribute_bytes_max: usize,
    /// Events of one document.
    pub events_max: u64,
    /// Bytes of the inflated text.
    pub inflated_bytes_max: u64,
    /// Inflated bytes for one byte of gzip. Deflate itself ends at 1,032; an EPCIS document of
    /// consecutive serials stays below 40.
    pub ratio_max: u64,
    /// Inflated bytes before the ratio is looked at.
    pub ratio_free_bytes: u64,
    /// Size of the read buffer; at least 16. Results do not depend on it.
    pub buffer_bytes: usize,
    /// Whether ordinary XML may go past the general tokenizer. Results do not depend on it: tests and
    /// benches switch it off to compare.
    pub short_way: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_bytes_max: 1 << 20,
            value_bytes_max: 4 << 10,
            depth_max: 64,
            attributes_max: 256,
            attribute_bytes_max: 64 << 10,
            events_max: 10_000_000,
            inflated_bytes_max: 5 << 30,
            ratio_max: 500,
            ratio_free_bytes: 10 << 20,
            buffer_bytes: 64 << 10,
            short_way: true,
        }
    }
}
