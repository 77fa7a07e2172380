//! One pass over a document, by us and by the parsers below and beside us.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read};

use domain::space::{SpaceCipher, TextBatch};
use epcis::{EpcList, EventHead, Limits, Sink, inflate};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

#[derive(Default)]
struct Count {
    epcs: u64,
    bytes: usize,
}

impl Sink for Count {
    type Error = std::convert::Infallible;

    fn epc(&mut self, _list: EpcList, text: &str) -> Result<(), Self::Error> {
        self.epcs = self.epcs.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(text.len());
        Ok(())
    }

    fn event(&mut self, _head: &EventHead) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Our reader with a sink that counts; the serials it saw.
pub fn reader(input: impl Read, short_way: bool) -> Option<u64> {
    let limits = Limits { short_way, ..Limits::default() };
    let input = BufReader::with_capacity(BUFFER_BYTES, input);
    let input = BufReader::with_capacity(BUFFER_BYTES, inflate(input, &limits));
    let mut sink = Count::default();
    epcis::read(input, &limits, &mut sink).ok()?;
    black_box(sink.bytes);
    Some(sink.epcs)
}

/// The bare pass of quick-xml; the elements `epc` it saw.
pub fn quick_xml(input: impl Read) -> Option<u64> {
    let input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut reader = quick_xml::Reader::from_reader(input);
    let mut buffer = Vec::new();
    let mut epcs = 0_u64;
    loop {
        buffer.clear();
        let event = black_box(reader.read_event_into(&mut buffer).ok()?);
        if matches!(event, quick_xml::events::Event::Eof) {
            return Some(epcs);
        }
        if let quick_xml::events::Event::Start(tag) = event {
            epcs = epcs.wrapping_add(u64::from(tag.name().0 == b"epc"));
        }
    }
}

/// The limit: nothing but a search for the bytes that begin a tag or a string. No serials are seen.
pub fn memchr(input: impl Read, needle: u8) -> Option<u64> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut found = 0_usize;
    loop {
        let available = input.fill_buf().ok()?;
        let length = available.len();
        if length == 0 {
            black_box(found);
            return Some(0);
        }
        found = found.wrapping_add(memchr::memchr_iter(needle, available).count());
        input.consume(length);
    }
}

/// The bare pass of `serde_json` over a slice. No serials are seen.
pub fn serde_json_slice(bytes: &[u8]) -> Option<u64> {
    let serde::de::IgnoredAny = serde_json::from_slice(black_box(bytes)).ok()?;
    Some(0)
}

/// As above, over a stream.
pub fn serde_json_stream(input: impl Read) -> Option<u64> {
    let input = BufReader::with_capacity(BUFFER_BYTES, input);
    let serde::de::IgnoredAny = serde_json::from_reader(input).ok()?;
    Some(0)
}

/// Randomised texts back to their indexes, batch by batch; how many the space has.
pub fn indexes<'a>(cipher: &SpaceCipher, texts: impl Iterator<Item = &'a [u8]>) -> Option<u64> {
    let (mut batch, mut found) = (cipher.batch(), 0_u64);
    let mut count = |batch: &mut TextBatch| {
        for index in cipher.drain(batch) {
            black_box(index);
            found = found.wrapping_add(1);
        }
    };
    for text in texts {
        if !cipher.push(&mut batch, text) {
            return None;
        }
        if batch.is_full() {
            count(&mut batch);
        }
    }
    count(&mut batch);
    Some(found)
}
