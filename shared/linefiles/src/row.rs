//! The parts of an export: head, rows and tail.
//!
//! All rows of an allocation are alike but for the serial number, so what stands around it is rendered
//! once, by the `csv` crate and `serde_json` with their rules of quoting, and copied from then on.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use domain::allocation::Allocation;
use domain::epc::{sgtin_urn_stem, sscc_urn_stem};
use domain::numbering::Numbering;
use domain::object_key::ObjectKey;
use domain::serial::{DecimalRun, SERIAL_LENGTH_MAX};
use domain::space::TextRun;
use domain::sscc::SsccRun;
use serde_json::{Map, Value};

use crate::list_cells::ListCells;
use crate::{Format, Profile};

/// The columns of the profile `full`.
const FULL: [&str; 12] = [
    "GTIN",
    "SerialNumber",
    "EPC",
    "AI",
    "PackagingLevel",
    "FilterValue",
    "Lot",
    "Expiry",
    "LineGLN",
    "AllocationId",
    "WorkOrder",
    "Status",
];
/// The columns of the profile `range`.
const RANGE: [&str; 9] = [
    "GTIN",
    "SerialFrom",
    "SerialTo",
    "Quantity",
    "AllocationId",
    "Lot",
    "Expiry",
    "LineGLN",
    "WorkOrder",
];
/// The columns of SSCCs in the profile `full`: the SSCC tells what it is an SSCC of.
const FULL_SSCC: [&str; 11] = [
    "SSCC",
    "EPC",
    "AI",
    "PackagingLevel",
    "FilterValue",
    "Lot",
    "Expiry",
    "LineGLN",
    "AllocationId",
    "WorkOrder",
    "Status",
];
/// The columns of SSCCs in the profile `range`.
const RANGE_SSCC: [&str; 8] =
    ["SSCCFrom", "SSCCTo", "Quantity", "AllocationId", "Lot", "Expiry", "LineGLN", "WorkOrder"];
/// The columns of imported numbers that have crypto keys or codes, behind all others.
const CRYPTO: [&str; 2] = ["CryptoKey", "CryptoCode"];
/// Which piece of a row stands before its EPC, in both formats.
const EPC_PIECE: usize = 1;
/// What the numbers are when a file is made; the file is made once and does not follow the run.
const STATUS: &str = "RESERVED";

/// Renders head, rows and tail of one export.
pub(crate) struct RowWriter<'a> {
    allocation: &'a Allocation,
    numbering: &'a Numbering,
    profile: Profile,
    format: Format,
    /// A row, cut where the serial number stands. Letters and digits need neither quotes nor escapes.
    pieces: Vec<Vec<u8>>,
}

impl<'a> RowWriter<'a> {
    pub(crate) fn new(
        (allocation, numbering): (&'a Allocation, &'a Numbering),
        profile: Profile,
        format: Format,
    ) -> Self {
        let pieces = match (format, profile) {
            (Format::Csv, Profile::Full) => full_csv(allocation),
            (Format::Csv, Profile::Bare) => vec![Vec::new(), b"\r\n".to_vec()],
            (Format::Csv, Profile::Range) => vec![range_csv(allocation)],
            (Format::Json, Profile::Full) => full_json(allocation),
            (Format::Json, Profile::Bare) => vec![b"\"".to_vec(), b"\"".to_vec()],
            (Format::Json, Profile::Range) => vec![json_object(head(allocation))],
        };
        let mut writer = Self { allocation, numbering, profile, format, pieces };
        if writer.has_crypto() {
            writer.add_crypto();
        }
        writer
    }

    /// Whether there are columns of crypto keys and codes.
    fn has_crypto(&self) -> bool {
        match self.numbering {
            Numbering::List(texts) => texts.longest().has_crypto() && self.profile == Profile::Full,
            Numbering::Sequential { .. } | Numbering::Randomised(_) | Numbering::Sscc(_) => false,
        }
    }

    /// Puts them behind the last column.
    fn add_crypto(&mut self) {
        let (end, key, code): (&[u8], &[u8], &[u8]) = match self.format {
            Format::Csv => (b"\"\r\n", b",\"", b"\",\""),
            Format::Json => (b"\"}", b"\",\"crypto_key\":\"", b"\",\"crypto_code\":\""),
        };
        let Some(last) = self.pieces.last_mut() else { return };
        let kept = match self.format {
            // Behind the quote of the last column.
            Format::Csv => last.trim_ascii_end().len(),
            Format::Json => 0,
        };
        last.truncate(kept);
        last.extend_from_slice(key);
        self.pieces.extend([code.to_vec(), end.to_vec()]);
    }

    /// The most bytes of a row that texts bring whose lengths differ.
    pub(crate) fn cells_max(&self) -> u64 {
        let Numbering::List(texts) = self.numbering else { return 0 };
        let bytes = ListCells::bytes_max(texts.longest(), self.profile);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    pub(crate) fn open(&self, out: &mut Vec<u8>) {
        let (full, range): (&[&str], &[&str]) = match self.allocation.key {
            ObjectKey::Gtin(_) => (&FULL, &RANGE),
            ObjectKey::Sscc(_) => (&FULL_SSCC, &RANGE_SSCC),
        };
        match (self.format, self.profile) {
            (Format::Csv, Profile::Full) if self.has_crypto() => {
                record(out, QuoteStyle::Never, [full, &CRYPTO].concat());
            }
            (Format::Csv, Profile::Full) => record(out, QuoteStyle::Never, full),
            (Format::Csv, Profile::Range) => record(out, QuoteStyle::Never, range),
            (Format::Csv, Profile::Bare) | (Format::Json, Profile::Range) => {}
            (Format::Json, Profile::Full | Profile::Bare) => {
                let mut head = json_object(head(self.allocation));
                head.pop();
                out.append(&mut head);
                out.extend_from_slice(b",\"serials\":[");
            }
        }
    }

    /// Writes `count` rows from the `first`, counted from 0; between them and before a later one stands
    /// the separator.
    pub(crate) fn rows(&self, out: &mut Vec<u8>, first: u64, count: u64) {
        let index = self.allocation.start.saturating_add(u128::from(first));
        match self.numbering {
            Numbering::Sequential { width } => {
                self.rows_of(out, DecimalRun::new(index, *width), (first, count));
            }
            Numbering::Randomised(cipher) => {
                self.rows_of(out, cipher.run(index, count), (first, count));
            }
            Numbering::List(texts) => {
                let cells = ListCells::new(texts.run(index), self.profile, self.format);
                self.rows_of(out, cells, (first, count));
            }
            Numbering::Sscc(prefix) => {
                self.rows_of(out, SsccRun::new(prefix, index), (first, count));
            }
        }
    }

    fn rows_of(&self, out: &mut Vec<u8>, mut serial: impl Texts, (first, count): (u64, u64)) {
        let separated = self.format == Format::Json;
        out.reserve(self.row_bytes().saturating_mul(usize::try_from(count).unwrap_or(0)));
        for place in 0..count {
            if separated && (place > 0 || first > 0) {
                out.push(b',');
            }
            let mut pieces = self.pieces.iter();
            if let Some(piece) = pieces.next() {
                out.extend_from_slice(piece);
            }
            for (before, piece) in pieces.enumerate() {
                out.extend_from_slice(serial.behind(before));
                out.extend_from_slice(piece);
            }
            serial.advance();
        }
    }

    /// At least the bytes of one row with its separator.
    fn row_bytes(&self) -> usize {
        let pieces = self.pieces.iter().map(|piece| piece.len().saturating_add(SERIAL_LENGTH_MAX));
        pieces.fold(1, usize::saturating_add)
    }

    pub(crate) fn close(&self, out: &mut Vec<u8>) {
        match (self.format, self.profile) {
            (Format::Json, Profile::Full | Profile::Bare) => out.extend_from_slice(b"]}\n"),
            (Format::Json, Profile::Range) => out.push(b'\n'),
            (Format::Csv, _) => {}
        }
    }
}

/// Serial texts one after the other. Each kind has a loop of its own, which asks nothing for each row.
pub(crate) trait Texts {
    /// What stands behind the piece of this number.
    fn behind(&self, piece: usize) -> &[u8];
    fn advance(&mut self);
}

impl Texts for SsccRun {
    #[inline]
    fn behind(&self, piece: usize) -> &[u8] {
        // A URN has neither check digit nor the extension digit in its place.
        if piece == EPC_PIECE { self.reference_bytes() } else { self.as_bytes() }
    }

    #[inline]
    fn advance(&mut self) {
        Self::advance(self);
    }
}

impl Texts for DecimalRun {
    #[inline]
    fn behind(&self, _: usize) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn advance(&mut self) {
        Self::advance(self);
    }
}

impl Texts for TextRun<'_> {
    #[inline]
    fn behind(&self, _: usize) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn advance(&mut self) {
        Self::advance(self);
    }
}

/// One record, its end included.
fn record<'f>(out: &mut Vec<u8>, style: QuoteStyle, fields: impl AsRef<[&'f str]>) {
    let mut builder = WriterBuilder::new();
    builder.quote_style(style).terminator(Terminator::CRLF).has_headers(false);
    let mut writer = builder.from_writer(out);
    // Writing into memory cannot fail, and a lone record has no other one to differ from.
    writer.write_record(fields.as_ref()).unwrap_or_default();
    writer.flush().unwrap_or_default();
}

fn full_csv(a: &Allocation) -> Vec<Vec<u8>> {
    let d = &a.details;
    let (head, level, filter) = match a.key {
        ObjectKey::Gtin(gtin) => (format!("\"{gtin}\",\""), "EA", "1"),
        ObjectKey::Sscc(_) => ("\"".to_owned(), "PL", "0"),
    };
    let mut rest = b"\",".to_vec();
    let expiry = expiry(a);
    let fields = [
        d.packaging_level.as_deref().unwrap_or(level),
        d.filter_value.as_deref().unwrap_or(filter),
        d.lot.as_deref().unwrap_or_default(),
        &expiry,
        line(a).unwrap_or_default(),
        a.id.as_str(),
        d.work_order.as_deref().unwrap_or_default(),
        STATUS,
    ];
    record(&mut rest, QuoteStyle::Always, fields);
    let urn = format!("\",\"{}", urn_stem(a)).into_bytes();
    let ai = format!("\",\"{}", ai_stem(a)).into_bytes();
    vec![head.into_bytes(), urn, ai, rest]
}

fn full_json(a: &Allocation) -> Vec<Vec<u8>> {
    let (ai, urn) = (ai_stem(a), urn_stem(a));
    let name = match a.key {
        ObjectKey::Gtin(_) => "serial",
        ObjectKey::Sscc(_) => "sscc",
    };
    vec![
        format!("{{\"ai\":\"{ai}").into_bytes(),
        format!("\",\"epc\":\"{urn}").into_bytes(),
        format!("\",\"{name}\":\"").into_bytes(),
        b"\"}".to_vec(),
    ]
}

fn range_csv(a: &Allocation) -> Vec<u8> {
    let d = &a.details;
    let (from, to) = a.serial_ends().unwrap_or_default();
    let (quantity, expiry) = (a.size.to_string(), expiry(a));
    let gtin = a.key.gtin().map(|gtin| gtin.to_string());
    let fields: [&str; RANGE.len()] = [
        gtin.as_deref().unwrap_or_default(),
        &from,
        &to,
        &quantity,
        a.id.as_str(),
        d.lot.as_deref().unwrap_or_default(),
        &expiry,
        line(a).unwrap_or_default(),
        d.work_order.as_deref().unwrap_or_default(),
    ];
    let mut out = Vec::new();
    let own = fields.get(usize::from(gtin.is_none())..).unwrap_or_default();
    record(&mut out, QuoteStyle::Always, own);
    out
}

fn urn_stem(a: &Allocation) -> String {
    match a.key {
        ObjectKey::Gtin(gtin) => sgtin_urn_stem(&gtin, a.company_prefix_length).unwrap_or_default(),
        ObjectKey::Sscc(prefix) => sscc_urn_stem(&prefix),
    }
}

fn ai_stem(a: &Allocation) -> String {
    match a.key {
        ObjectKey::Gtin(gtin) => format!("01{gtin}21"),
        ObjectKey::Sscc(_) => "00".to_owned(),
    }
}

fn line(a: &Allocation) -> Option<&str> {
    a.line_gln.as_ref().map(domain::gln::Gln::as_str)
}

/// `YYYY-MM-DD` as AI (17) writes it, `YYMMDD`.
fn expiry(a: &Allocation) -> String {
    let date = a.details.expiry.as_deref().unwrap_or_default();
    date.bytes().skip(2).filter(u8::is_ascii_digit).map(char::from).collect()
}

fn json_object(object: Map<String, Value>) -> Vec<u8> {
    Value::Object(object).to_string().into_bytes()
}

/// What all JSON profiles say of the allocation. Dates stay ISO 8601 in JSON.
fn head(a: &Allocation) -> Map<String, Value> {
    // Ends tell nothing of random texts.
    let (from, to) = a.serial_ends().unzip();
    let mut head = Map::new();
    let mut add = |name: &str, value: Value| head.insert(name.to_owned(), value);
    add("allocation_id", a.id.as_str().into());
    match a.key {
        ObjectKey::Gtin(gtin) => add("gtin", gtin.as_str().into()),
        ObjectKey::Sscc(prefix) => {
            add("company_prefix", prefix.company_prefix().into());
            add("extension_digit", prefix.extension_digit().into())
        }
    };
    add("quantity", a.size.into());
    add("from", from.into());
    add("to", to.into());
    add("line_gln", line(a).into());
    add("lot", a.details.lot.as_deref().into());
    add("expiry", a.details.expiry.as_deref().into());
    add("work_order", a.details.work_order.as_deref().into());
    head
}
