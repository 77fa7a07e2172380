//! One row of an export.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use domain::allocation::Allocation;
use domain::epc::{push_urn_serial, sgtin_urn_stem};
use serde_json::{Map, Value, json};

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
/// What the numbers are when a file is made; the file is made once and does not follow the run.
const STATUS: &str = "RESERVED";

/// Renders head, rows and tail of one export.
pub(crate) struct RowWriter<'a> {
    allocation: &'a Allocation,
    profile: Profile,
    format: Format,
    csv: csv_core::Csv,
    urn_stem: String,
    ai_stem: String,
    expiry: String,
}

/// The `csv` crate over a buffer that is handed back after each row.
mod csv_core {
    use super::{QuoteStyle, Terminator, WriterBuilder};

    pub(super) struct Csv {
        quoted: WriterBuilder,
    }

    impl Csv {
        pub(super) fn new(style: QuoteStyle) -> Self {
            let mut quoted = WriterBuilder::new();
            quoted.quote_style(style).terminator(Terminator::CRLF).has_headers(false);
            // A row is a few hundred bytes; the default of 8 KiB would be cleared for each one.
            quoted.buffer_capacity(1_024);
            Self { quoted }
        }

        pub(super) fn write<'f>(
            &self,
            out: &mut Vec<u8>,
            fields: impl IntoIterator<Item = &'f str>,
        ) {
            let mut writer = self.quoted.from_writer(out);
            // Writing into memory cannot fail, and a lone record has no other one to differ from.
            writer.write_record(fields).unwrap_or_default();
            writer.flush().unwrap_or_default();
        }
    }
}

impl<'a> RowWriter<'a> {
    pub(crate) fn new(allocation: &'a Allocation, profile: Profile, format: Format) -> Self {
        let style = match profile {
            Profile::Full | Profile::Range => QuoteStyle::Always,
            Profile::Bare => QuoteStyle::Necessary,
        };
        let stem = sgtin_urn_stem(&allocation.gtin, allocation.company_prefix_length);
        Self {
            allocation,
            profile,
            format,
            csv: csv_core::Csv::new(style),
            urn_stem: stem.unwrap_or_default(),
            ai_stem: format!("01{}21", allocation.gtin),
            expiry: allocation.details.expiry.as_deref().map(ai17).unwrap_or_default(),
        }
    }

    pub(crate) fn open(&self, out: &mut Vec<u8>) {
        let plain = csv_core::Csv::new(QuoteStyle::Never);
        match (self.format, self.profile) {
            (Format::Csv, Profile::Full) => plain.write(out, FULL),
            (Format::Csv, Profile::Range) => plain.write(out, RANGE),
            (Format::Csv, Profile::Bare) | (Format::Json, Profile::Range) => {}
            (Format::Json, Profile::Full | Profile::Bare) => {
                let mut head = Value::Object(self.head()).to_string();
                head.pop();
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(b",\"serials\":[");
            }
        }
    }

    pub(crate) fn row(&self, out: &mut Vec<u8>, place: u64) {
        let index = self.allocation.start.saturating_add(u128::from(place));
        let serial = self.allocation.scheme.serial_text(index);
        match (self.format, self.profile) {
            (Format::Csv, Profile::Full) => self.full(out, &serial),
            (Format::Csv, Profile::Bare) => self.csv.write(out, [serial.as_str()]),
            (Format::Csv, Profile::Range) => self.range(out),
            (Format::Json, Profile::Full) => {
                let row =
                    json!({ "serial": serial, "epc": self.urn(&serial), "ai": self.ai(&serial) });
                out.extend_from_slice(row.to_string().as_bytes());
            }
            (Format::Json, Profile::Bare) => {
                out.extend_from_slice(Value::from(serial).to_string().as_bytes());
            }
            (Format::Json, Profile::Range) => {
                out.extend_from_slice(Value::Object(self.head()).to_string().as_bytes());
            }
        }
    }

    pub(crate) fn separator(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.push(b',');
        }
    }

    pub(crate) fn close(&self, out: &mut Vec<u8>) {
        match (self.format, self.profile) {
            (Format::Json, Profile::Full | Profile::Bare) => out.extend_from_slice(b"]}\n"),
            (Format::Json, Profile::Range) => out.push(b'\n'),
            (Format::Csv, _) => {}
        }
    }

    fn urn(&self, serial: &str) -> String {
        let mut urn = String::with_capacity(self.urn_stem.len().saturating_add(20));
        urn.push_str(&self.urn_stem);
        push_urn_serial(&mut urn, serial);
        urn
    }

    fn ai(&self, serial: &str) -> String {
        format!("{}{serial}", self.ai_stem)
    }

    fn full(&self, out: &mut Vec<u8>, serial: &str) {
        let (a, d) = (self.allocation, &self.allocation.details);
        let (urn, ai) = (self.urn(serial), self.ai(serial));
        let row: [&str; FULL.len()] = [
            a.gtin.as_str(),
            serial,
            &urn,
            &ai,
            d.packaging_level.as_deref().unwrap_or("EA"),
            d.filter_value.as_deref().unwrap_or("1"),
            d.lot.as_deref().unwrap_or_default(),
            &self.expiry,
            a.line_gln.as_ref().map(domain::gln::Gln::as_str).unwrap_or_default(),
            a.id.as_str(),
            d.work_order.as_deref().unwrap_or_default(),
            STATUS,
        ];
        self.csv.write(out, row);
    }

    fn range(&self, out: &mut Vec<u8>) {
        let (a, d) = (self.allocation, &self.allocation.details);
        let (from, to) = a.serial_ends();
        let quantity = a.size.to_string();
        let row: [&str; RANGE.len()] = [
            a.gtin.as_str(),
            &from,
            &to,
            &quantity,
            a.id.as_str(),
            d.lot.as_deref().unwrap_or_default(),
            &self.expiry,
            a.line_gln.as_ref().map(domain::gln::Gln::as_str).unwrap_or_default(),
            d.work_order.as_deref().unwrap_or_default(),
        ];
        self.csv.write(out, row);
    }

    /// What all JSON profiles say of the allocation. Dates stay ISO 8601 in JSON.
    fn head(&self) -> Map<String, Value> {
        let a = self.allocation;
        let (from, to) = a.serial_ends();
        let mut head = Map::new();
        let mut add = |name: &str, value: Value| head.insert(name.to_owned(), value);
        add("allocation_id", a.id.as_str().into());
        add("gtin", a.gtin.as_str().into());
        add("quantity", a.size.into());
        add("from", from.into());
        add("to", to.into());
        add("line_gln", a.line_gln.as_ref().map(domain::gln::Gln::as_str).into());
        add("lot", a.details.lot.as_deref().into());
        add("expiry", a.details.expiry.as_deref().into());
        add("work_order", a.details.work_order.as_deref().into());
        head
    }
}

/// `YYYY-MM-DD` as AI (17) writes it, `YYMMDD`.
fn ai17(date: &str) -> String {
    date.bytes().skip(2).filter(u8::is_ascii_digit).map(char::from).collect()
}
