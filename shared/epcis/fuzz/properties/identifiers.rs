//! Identifiers: text → GTIN and serial → text → GTIN and serial.

use domain::epc::{Epc, digital_link_text, parse_epc, sgtin_urn_text};

pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(Epc::Sgtin(sgtin)) = parse_epc(text) {
        assert!((1..=20).contains(&sgtin.serial.len()));
        for length in 6..=12 {
            let urn = sgtin_urn_text(&sgtin.gtin, length, &sgtin.serial).expect("a URN");
            assert_eq!(parse_epc(&urn), Ok(Epc::Sgtin(sgtin.clone())), "{urn}");
        }
        let link = digital_link_text(&sgtin.gtin, &sgtin.serial);
        assert_eq!(parse_epc(&link), Ok(Epc::Sgtin(sgtin.clone())), "{link}");
    }
}
