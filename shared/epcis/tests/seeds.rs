//! What the fuzz targets say of any bytes, said of their seeds: the samples of this repository, documents
//! made here, and the real files of `EPCIS_CORPUS` where it is set.
//!
//! With `FUZZ_CORPUS` the seeds are also written into that folder, one subfolder a target.

#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use domain::epc::{digital_link_text, sgtin_urn_text};
use domain::gtin::Gtin14;
use flate2::Compression;
use flate2::write::GzEncoder;

#[path = "../fuzz/properties/chunks.rs"]
mod chunks;
#[path = "../fuzz/properties/gzip.rs"]
mod gzip;
#[path = "../fuzz/properties/identifiers.rs"]
mod identifiers;
#[path = "../fuzz/properties/json.rs"]
mod json;
#[path = "../fuzz/properties/seen.rs"]
mod seen;
#[path = "../fuzz/properties/short_way.rs"]
mod short_way;
#[path = "../fuzz/properties/xml.rs"]
mod xml;

/// Real files up to here are seeds; a fuzzer makes little of larger ones.
const REAL_BYTES_MAX: u64 = 24 << 10;

type Seed = (String, Vec<u8>);

#[test]
fn what_the_fuzz_targets_say_holds_for_every_document() {
    let mut documents = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples"));
    documents.extend(made());
    documents.extend(real());
    assert!(documents.len() > 15, "only {} documents", documents.len());
    let packed: Vec<Seed> =
        documents.iter().map(|(name, bytes)| (format!("{name}.gz"), packed(bytes))).collect();
    for (_, bytes) in documents.iter().chain(&packed) {
        chunks::holds(bytes);
        gzip::holds(bytes);
        json::holds(bytes);
        short_way::holds(bytes);
        xml::holds(bytes);
    }
    write("short_way", &documents);
    write("xml", &documents);
    write("json", &documents);
    write("chunks", &documents);
    write("chunks", &packed);
    write("gzip", &packed);
}

#[test]
fn what_the_fuzz_targets_say_holds_for_every_identifier() {
    let gtin = Gtin14::parse("10614141073464").unwrap();
    let mut texts = Vec::new();
    for serial in ["1", "32a%2Fb", "00000000000000000001", "!\"%&'()*+,-./", "a<b>?=_:;"] {
        texts.extend((6..=12).filter_map(|length| sgtin_urn_text(&gtin, length, serial)));
        texts.push(digital_link_text(&gtin, serial));
    }
    for text in [
        "https://example.com/a/b/01/10614141073464/21/32a?17=281031&10=LOT",
        "https://id.gs1.org/01/10614141073464/10/LOT/21/32a",
        "https://id.gs1.org/gtin/10614141073464/ser/32a",
        "urn:epc:id:sscc:0614141.1234567890",
        "urn:epc:idpat:sgtin:0614141.107346.*",
        "urn:epc:class:lgtin:0614141.107346.LOT",
        "urn:epc:id:sgtin:0614141.107346.%2F%25%00",
        "(01)10614141073464(21)32a",
    ] {
        texts.push(text.to_owned());
    }
    let seeds = texts.into_iter().enumerate();
    let seeds = seeds.map(|(place, text)| (format!("{place}"), text.into_bytes()));
    let seeds: Vec<Seed> = seeds.collect();
    for (_, text) in &seeds {
        identifiers::holds(text);
    }
    write("identifiers", &seeds);
}

/// Documents as lines write them, dense and with one serial number an event.
fn made() -> Vec<Seed> {
    let mut dense = String::new();
    let (mut single, mut json) = (String::new(), String::new());
    for serial in 1_000..1_040 {
        let epc = format!("urn:epc:id:sgtin:0614141.107346.{serial}");
        write!(dense, "\n          <epc>{epc}</epc>").unwrap();
        let head = format!(
            "<eventTime>2026-03-02T09:00:{:02}.000Z</eventTime>\
             <eventTimeZoneOffset>+00:00</eventTimeZoneOffset>",
            serial % 60
        );
        let tail = "<action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>";
        let list = format!("<epcList><epc>{epc}</epc></epcList>");
        let lot =
            "<extension><ilmd><a:lotNumber xmlns:a='urn:x'>L1</a:lotNumber></ilmd></extension>";
        writeln!(single, "<ObjectEvent>{head}{list}{tail}{lot}</ObjectEvent>").unwrap();
        let comma = if json.is_empty() { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"type":"ObjectEvent","eventTime":"2026-03-02T09:00:00Z","action":"ADD",
            "epcList":["{epc}","https://id.gs1.org/01/10614141073464/21/{serial}"],"bizStep":"commissioning"}}"#
        )
        .unwrap();
    }
    let dense = format!("<ObjectEvent><epcList>{dense}\n</epcList></ObjectEvent>");
    let xml = |events: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument xmlns:e=\"urn:epcglobal:epcis:xsd:1\" \
             schemaVersion=\"1.2\"><EPCISBody><EventList>{events}</EventList></EPCISBody></e:EPCISDocument>"
        )
    };
    let json = format!(
        r#"{{"@context":[],"type":"EPCISDocument","schemaVersion":"2.0","epcisBody":{{"eventList":[{json}]}}}}"#
    );
    vec![
        ("dense.xml".to_owned(), xml(&dense).into_bytes()),
        ("single.xml".to_owned(), xml(&single).into_bytes()),
        ("wrong-start.xml".to_owned(), b"<![)))))))))C]]>".to_vec()),
        ("wrong-prefix.xml".to_owned(), b"<e]x:EPCISDocument xmlns='u'/>".to_vec()),
        ("wrong-reference.xml".to_owned(), xml("&#2666064;").into_bytes()),
        ("made.json".to_owned(), json.into_bytes()),
    ]
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn real() -> Vec<Seed> {
    let given = std::env::var_os("EPCIS_CORPUS").filter(|given| !given.is_empty());
    let Some(given) = given else { return Vec::new() };
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(given).join("data"))
}

/// Every small file below a folder.
fn files(folder: &Path) -> Vec<Seed> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = Vec::new();
            fs::File::open(&path)
                .unwrap()
                .take(REAL_BYTES_MAX + 1)
                .read_to_end(&mut bytes)
                .unwrap();
            if u64::try_from(bytes.len()).unwrap() <= REAL_BYTES_MAX {
                found.push((path.to_string_lossy().replace(['/', '\\'], "-"), bytes));
            }
        }
    }
    found
}

fn write(target: &str, seeds: &[Seed]) {
    let Some(corpus) = std::env::var_os("FUZZ_CORPUS") else { return };
    let folder = PathBuf::from(corpus).join(target);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in seeds {
        fs::write(folder.join(name.trim_start_matches('-')), bytes).unwrap();
    }
}
