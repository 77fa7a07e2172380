//! What the measured documents say, and how it is written: plainly, with one serial number an event, or so
//! that hardly an element is as a reader expects it.
//!
//! The content is a packaging run with what goes wrong in one. It is the same whatever the form, so the
//! reports must be the same too.

use std::io::{self, Write};
use std::ops::Range;

use clap::ValueEnum;

use crate::bench::plant::{Pool, WIDTH};

/// How a content is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Lists of 1,000 plain entries.
    Dense,
    /// One entry an event.
    Single,
    /// Lists of 1,000 entries, each with a comment, a CDATA section, an attribute, a reference or white
    /// space in it, so that no short cut of a reader fits.
    Unusual,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dense, Self::Single, Self::Unusual];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Single => "single",
            Self::Unusual => "unusual",
        }
    }

    /// Entries of an event at the most.
    pub(super) const fn per_event(self) -> u64 {
        match self {
            Self::Dense | Self::Unusual => 1_000,
            Self::Single => 1,
        }
    }
}

/// What stands on the packs besides the number.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) struct Run<'a> {
    pub(in crate::bench) pool: &'a Pool,
    pub(in crate::bench) lot: &'a str,
    pub(in crate::bench) expiry: &'a str,
    pub(in crate::bench) line_sgln: &'a str,
    /// RFC 3339.
    pub(in crate::bench) event_time: &'a str,
}

/// A part of a content: what happened to numbers that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bench) struct Part {
    /// The business step.
    pub(in crate::bench) step: &'static str,
    /// The lot of the run, or another one.
    pub(in crate::bench) lot: Option<&'static str>,
    /// The numbers, as indexes of the pool.
    pub(in crate::bench) numbers: Range<u64>,
    /// Written without leading zeros.
    pub(in crate::bench) is_stripped: bool,
}

impl Part {
    /// Packs that were printed as ordered.
    pub(in crate::bench) fn commissioned(numbers: Range<u64>) -> Self {
        Self { step: "commissioning", lot: None, numbers, is_stripped: false }
    }
}

/// A packaging run of `size` numbers with what goes wrong in one: a hole, a stretch with another lot,
/// numbers reported twice, numbers beyond the order, a number from a spreadsheet, destroyed packs.
pub(in crate::bench) fn packaging_run(size: u64) -> Vec<Part> {
    let at = |thousandths: u64| size.saturating_mul(thousandths) / 1_000;
    let (hole, other) = (at(300), at(700));
    let stretch = |from: u64, length: u64| from..from.saturating_add(length);
    let commissioned = Part::commissioned;
    vec![
        commissioned(0..hole),
        commissioned(hole.saturating_add(10)..other),
        Part { lot: Some("LOT-X"), ..commissioned(stretch(other, 100)) },
        commissioned(other.saturating_add(100)..size),
        commissioned(stretch(at(500), 5)),
        commissioned(stretch(size, 3)),
        Part { is_stripped: true, ..commissioned(stretch(at(900), 1)) },
        Part { step: "destroying", ..commissioned(stretch(at(100), 20)) },
    ]
}

/// Writes a document.
pub(in crate::bench) fn write(
    out: &mut impl Write,
    run: Run<'_>,
    (parts, form): (&[Part], Form),
) -> io::Result<()> {
    out.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<epcis:EPCISDocument \
          xmlns:epcis=\"urn:epcglobal:epcis:xsd:1\" xmlns:cbvmda=\"urn:epcglobal:cbv:mda\" \
          schemaVersion=\"1.2\" creationDate=\"2026-01-01T00:00:00Z\">\n<EPCISBody><EventList>\n",
    )?;
    for part in parts {
        let mut first = part.numbers.start;
        while first < part.numbers.end {
            let last = first.saturating_add(form.per_event()).min(part.numbers.end);
            event(out, run, (&Part { numbers: first..last, ..part.clone() }, form))?;
            first = last;
        }
    }
    out.write_all(b"</EventList></EPCISBody>\n</epcis:EPCISDocument>\n")
}

fn event(out: &mut impl Write, run: Run<'_>, (part, form): (&Part, Form)) -> io::Result<()> {
    let Run { expiry, line_sgln, event_time, .. } = run;
    // Something in the head is unusual as well, for readers that know events by the one before.
    let (note, open, close) = match form {
        Form::Dense | Form::Single => ("", "", ""),
        Form::Unusual => ("<!-- a -->", "<![CDATA[", "]]>"),
    };
    write!(out, "<ObjectEvent>{note}<eventTime>{open}{event_time}{close}</eventTime>")?;
    write!(out, "<eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>")?;
    entries(out, run.pool, (part, form))?;
    let (action, disposition) = match part.step {
        "destroying" => ("DELETE", "destroyed"),
        _ => ("ADD", "active"),
    };
    write!(out, "</epcList>{note}<action>{action}</action>")?;
    write!(out, "<bizStep>urn:epcglobal:cbv:bizstep:{}</bizStep>", part.step)?;
    write!(out, "<disposition>urn:epcglobal:cbv:disp:{disposition}</disposition>")?;
    write!(out, "<readPoint><id>{line_sgln}</id></readPoint>")?;
    if part.step == "commissioning" {
        let lot = part.lot.unwrap_or(run.lot);
        write!(out, "<extension><ilmd><cbvmda:lotNumber>{open}{lot}{close}</cbvmda:lotNumber>")?;
        write!(out, "<cbvmda:itemExpirationDate>{expiry}</cbvmda:itemExpirationDate>")?;
        write!(out, "</ilmd></extension>")?;
    }
    writeln!(out, "</ObjectEvent>")
}

fn entries(out: &mut impl Write, pool: &Pool, (part, form): (&Part, Form)) -> io::Result<()> {
    let stem = pool.stem.as_str();
    let body = stem.strip_prefix("urn").unwrap_or(stem);
    let width = if part.is_stripped { 0 } else { usize::from(WIDTH) };
    for number in part.numbers.clone() {
        match (form, number % 7) {
            (Form::Dense | Form::Single, _) => write!(out, "<epc>{stem}{number:0width$}</epc>")?,
            (Form::Unusual, 0) => write!(out, "<epc><!-- b -->{stem}{number:0width$}</epc>")?,
            (Form::Unusual, 1) => write!(out, "<epc><![CDATA[{stem}{number:0width$}]]></epc>")?,
            (Form::Unusual, 2) => write!(out, "<epc c=\"d\">{stem}{number:0width$}</epc>")?,
            (Form::Unusual, 3) => write!(out, "<epc>&#x75;rn{body}{number:0width$}</epc>")?,
            (Form::Unusual, 4) => write!(out, "<epc>\n{stem}{number:0width$}\t</epc>")?,
            (Form::Unusual, 5) => write!(out, "<epc>{stem}{number:0width$}<?e f?></epc>")?,
            (Form::Unusual, _) => write!(out, "<epc >{stem}{number:0width$}</epc >")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use epcis::{EpcList, EventHead, Limits, Sink};

    use super::*;

    #[derive(Default, Debug, PartialEq)]
    struct Told(Vec<(Vec<String>, EventHead)>, Vec<String>);

    impl Sink for Told {
        type Error = Infallible;

        fn epc(&mut self, _: EpcList, text: &str) -> Result<(), Infallible> {
            self.1.push(text.to_owned());
            Ok(())
        }

        fn event(&mut self, head: &EventHead) -> Result<(), Infallible> {
            // Where an event stands is a matter of the form.
            let head = EventHead { line: 0, column: 0, ..head.clone() };
            self.0.push((std::mem::take(&mut self.1), head));
            Ok(())
        }
    }

    fn document(form: Form, size: u64) -> Vec<u8> {
        let stem = "urn:epc:id:sgtin:9520001.012345.".to_owned();
        let pool = Pool { gtin: String::new(), stem };
        let run = Run {
            pool: &pool,
            lot: "LOT-A",
            expiry: "2028-10-31",
            line_sgln: "urn:epc:id:sgln:9520001.00001.0",
            event_time: "2026-11-23T10:00:00Z",
        };
        let mut out = Vec::new();
        write(&mut out, run, (&packaging_run(size), form)).unwrap();
        out
    }

    fn told(bytes: &[u8], limits: &Limits) -> Told {
        let mut told = Told::default();
        epcis::read(bytes, limits, &mut told).unwrap();
        told
    }

    #[test]
    fn an_unusual_document_says_the_same_as_a_dense_one() {
        let dense = document(Form::Dense, 5_000);
        let expected = told(&dense, &Limits::default());
        assert_eq!(expected.0.len(), 2 + 2 + 1 + 2 + 4);
        assert_eq!(told(&document(Form::Unusual, 5_000), &Limits::default()), expected);
        let general = Limits { short_way: false, ..Limits::default() };
        assert_eq!(told(&dense, &general), expected);
    }

    #[test]
    fn a_single_document_names_the_same_numbers_in_the_same_order() {
        let numbers = |form| -> Vec<String> {
            let told = told(&document(form, 2_000), &Limits::default());
            told.0.into_iter().flat_map(|(epcs, _)| epcs).collect()
        };
        let dense = numbers(Form::Dense);
        assert_eq!(dense.len(), 2_000 - 10 + 5 + 3 + 1 + 20);
        assert_eq!(numbers(Form::Single), dense);
        assert_eq!(dense[0], "urn:epc:id:sgtin:9520001.012345.000000000000");
        assert!(dense.contains(&"urn:epc:id:sgtin:9520001.012345.1800".to_owned()));
    }
}
